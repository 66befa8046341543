"""ZIPs and TARs as they are met: documents that are ZIPs, TARs one after the other, names in any encoding."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.discovery.discovery import SkippedFile, find_pages, open_volume, require_page
from tests.unit.test_discovery import codes, found, make_tar, make_zip, names, put, scan
from workers.errors import UnreadableInput
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.sources.opening import OpenFiles
from workers.sources.sniffing import Kind
from workers.sources.tar_archive import has_tail
from workers.sources.zip_names import check_encoding

SIZE = (20, 30)


def tar(*members: str) -> bytes:
    return make_tar({name: scan(shade=100 + n) for n, name in enumerate(members)}, "w")


@pytest.mark.parametrize(
    ("name", "members", "what"),
    [
        ("list.xlsx", {"xl/workbook.xml": b"<w/>", "[Content_Types].xml": b"<Types/>"}, "Office"),
        ("book.epub", {"mimetype": b"application/epub+zip", "META-INF/container.xml": b"<c/>"}, "EPUB"),
        ("text.odt", {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<c/>"}, "OpenDocument"),
        ("letter.pages", {"Index/Document.iwa": b"x", "preview.jpg": b"x"}, "iWork"),
        ("tool.jar", {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0"}, "Java"),
        ("tool.zip", {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0", "a/B.class": b"x"}, "Java"),
        ("app.apk", {"AndroidManifest.xml": b"x", "META-INF/MANIFEST.MF": b"x"}, "program"),
        ("tool.whl", {"tool/a.py": b"x", "tool-1.dist-info/WHEEL": b"x"}, "program"),
    ],
)
def test_documents_that_are_zips_are_passed_over(
    name: str, members: dict[str, bytes], what: str, tmp_path: Path
) -> None:
    document = make_zip(members | {"thumbnail.png": scan()})
    put(tmp_path, {name: document, "p.png": scan(), "a.zip": make_zip({name: document, "q.png": scan()})})
    skipped: list[SkippedFile] = []
    assert names(list(find_pages(open_volume(tmp_path), skipped=skipped.append))) == ["a.zip/q.png", "p.png"]
    assert sorted(file.name for file in skipped) == sorted([name, f"a.zip/{name}"])
    assert all(what in file.reason for file in skipped)
    with pytest.raises(UnreadableInput, match=what):
        require_page(open_volume(tmp_path / name), Limits())


@pytest.mark.parametrize("name", ["scans.zip", "scans.cbz"])
def test_a_zip_of_pages_with_a_manifest_is_still_one(name: str, tmp_path: Path) -> None:
    put(tmp_path, {name: make_zip({"META-INF/MANIFEST.MF": b"Created-By: jar", "p.png": scan(), "mimetype": b"x"})})
    assert names(list(find_pages(open_volume(tmp_path / name)))) == ["p.png"]


@pytest.mark.parametrize("mode", ["", ":gz", ":bz2", ":xz"])
@pytest.mark.parametrize("between", ["packed together", "packed alone"])
def test_tars_one_after_the_other_give_all_pages(mode: str, between: str, tmp_path: Path) -> None:
    whole = [tar(f"p{n}.png") for n in (1, 2, 3)]
    pack = {"": bytes, ":gz": gzip.compress, ":bz2": bz2.compress, ":xz": lzma.compress}[mode]
    data = pack(b"".join(whole)) if between == "packed together" else b"".join(pack(one) for one in whole)
    put(tmp_path, {"all.tar": data})
    pages = list(find_pages(open_volume(tmp_path / "all.tar")))
    assert names(pages) == ["p1.png", "p2.png", "p3.png"] and not codes(pages)
    with closing(OpenFiles()) as files:
        for page in (*pages, *reversed(pages)):
            assert open_page(tmp_path / "all.tar", page.address, Limits(), files).size == SIZE


@pytest.mark.parametrize("mode", ["", ":gz"])
@pytest.mark.parametrize("rest", [b"x", b"\0" * 700 + b"rest of a tape" * 90, b"\1" * 5_000])
def test_what_follows_a_tar_and_is_none_is_told(rest: bytes, mode: str, tmp_path: Path) -> None:
    data = tar("p1.png", "p2.png") + rest
    put(tmp_path, {"a.tar": gzip.compress(data) if mode else data, "q.png": scan()})
    pages = found(tmp_path)
    assert names(pages) == ["a.tar/p1.png", "a.tar/p2.png", "a.tar", "q.png"]
    assert codes(pages) == {"a.tar": "unreadable_image"}


def test_a_broken_header_inside_a_tar_is_told(tmp_path: Path) -> None:
    data = bytearray(tar("p0.png", "p1.png", "p2.png"))
    data[data.index(b"p1.png") + 100] ^= 0xFF
    put(tmp_path, {"a.tar": bytes(data)})
    pages = found(tmp_path)
    assert names(pages) == ["a.tar/p0.png", "a.tar"] and codes(pages) == {"a.tar": "unreadable_image"}


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("kind", PACKERS)
def test_garbage_after_a_compressed_stream_is_told_and_loses_no_page(kind: str, tmp_path: Path) -> None:
    put(tmp_path, {"a.tgz": PACKERS[kind](tar("p1.png")) + b"garbage"})
    pages = found(tmp_path)
    assert names(pages) == ["a.tgz/p1.png", "a.tgz"] and codes(pages) == {"a.tgz": "unreadable_image"}


@pytest.mark.parametrize("kind", PACKERS)
@given(shades=st.lists(st.integers(0, 255), min_size=1, max_size=4), zeros=st.sampled_from([0, 4, 512]))
def test_the_end_of_a_whole_compressed_stream_is_known(kind: str, shades: list[int], zeros: int) -> None:
    data = PACKERS[kind](make_tar({f"{n}.png": scan(shade=shade) for n, shade in enumerate(shades)}, "w"))
    packed: Kind = "tar.bz2" if kind == "bz2" else "tar.xz" if kind == "xz" else "tar.gz"
    assert not has_tail(io.BytesIO(data + bytes(zeros)), packed)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_tar_is_found_in_one_pass(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"a.tar": PACKERS[kind](tar("p1.png", "p2.png") + tar("p3.png"))})
    monkeypatch.setattr("workers.sources.tar_archive.tempfile.TemporaryFile", None)  # it is not unpacked
    assert names(found(tmp_path / "a.tar")) == ["p1.png", "p2.png", "p3.png"]


def named_zip(path: Path, name: bytes, *, flag: int = 0, extra: bytes = b"") -> Path:
    """Write a ZIP with one page whose name is these bytes, as programs do that know no Unicode."""
    stand_in = b"N" * len(name)
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(stand_in.decode())
        info.extra = extra
        archive.writestr(info, scan())
    data = path.read_bytes().replace(stand_in, name)
    if flag:
        for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = data.index(magic) + at
            data = data[:place] + struct.pack("<H", flag) + data[place + 2 :]
    path.write_bytes(data)
    return path


def unicode_path(plain: bytes, name: str) -> bytes:
    data = struct.pack("<BI", 1, zlib.crc32(plain)) + name.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


@pytest.mark.parametrize(
    ("plain", "flag", "extra", "encoding", "name", "noted"),
    [
        (b"p1.png", 0, b"", None, "p1.png", False),
        ("März 1.png".encode(), 0, b"", None, "März 1.png", False),
        ("März 1.png".encode(), 0x800, b"", "cp932", "März 1.png", False),
        (b"M?rz.png", 0, unicode_path(b"M?rz.png", "März.png"), None, "März.png", False),
        (b"M\x84rz.png", 0, unicode_path(b"M\x84rz.png", "März.png"), "cp932", "März.png", False),
        (b"M\x84rz.png", 0, unicode_path(b"another", "Mai.png"), None, "März.png", True),
        (b"M\x84rz.png", 0, b"", None, "März.png", True),
        ("新聞.png".encode("cp932"), 0, b"", "cp932", "新聞.png", False),
        ("Газета.png".encode("cp1251"), 0, b"", "cp1251", "Газета.png", False),
        (b"1890\\May\\p1.png", 0, b"", None, "1890/May/p1.png", False),
        (b"\x81\xff.png", 0, b"", "shift_jis", "\\x81\\xff.png", False),
    ],
)  # fmt: skip
def test_names_in_zips_are_read_as_they_were_meant(
    plain: bytes, flag: int, extra: bytes, encoding: str | None, name: str, noted: bool, tmp_path: Path
) -> None:
    path = named_zip(tmp_path / "a.zip", plain, flag=flag, extra=extra)
    notes: list[str] = []
    (page,) = find_pages(open_volume(path, zip_encoding=encoding), note=notes.append)
    assert page.error is None and page.address.name == name
    assert ["--zip-encoding" in note for note in notes] == [True] * noted
    stored = PageAddress.from_json(page.address.to_json())
    with closing(OpenFiles()) as files:
        assert open_page(path, stored, Limits(), files).size == SIZE


@pytest.mark.parametrize("name", ["no-such", "base64", "", "\0"])
def test_an_encoding_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnreadableInput, match="no known encoding"):
        check_encoding(name)


def test_rules_for_members_of_archives_are_not_those_for_files(tmp_path: Path) -> None:
    put(tmp_path, {"a:1.png": scan(), "\\p1.png": scan(), "x\\..\\p2.png": scan(), "C:\\p3.png": scan(), "a.tar":
                   tar("a:1.png", "\\p1.png", "C:\\p3.png")})  # fmt: skip
    pages = found(tmp_path)
    assert codes(pages) == {"a.tar/C:\\p3.png": "unsafe_member"}
    assert len(pages) == 7
    for page in pages:
        if not page.error:
            assert open_page(tmp_path, page.address, Limits()).size == SIZE


def directory_at(data: bytes) -> int:
    return data.rindex(b"PK\1\2")


def test_a_member_of_a_zip_without_a_name_is_refused(tmp_path: Path) -> None:
    data = make_zip({"x": scan(), "p.png": scan()})
    at = data.index(b"PK\1\2")
    data = bytearray(data[: at + 46] + data[at + 47 :])  # its name is one byte long
    struct.pack_into("<H", data, at + 28, 0)
    end = data.rindex(b"PK\5\6")
    struct.pack_into("<L", data, end + 12, struct.unpack_from("<L", data, end + 12)[0] - 1)
    path = put(tmp_path, {"a.zip": bytes(data)})
    assert sorted(codes(found(path)).values()) == ["unsafe_member"]
    assert "a.zip/p.png" in names(found(path))


@pytest.mark.parametrize("offset", [0xFFFFFFFE, 0x7FFFFFFF])
def test_a_zip_whose_places_cannot_be_is_broken(offset: int, tmp_path: Path) -> None:
    whole = make_zip({"p.png": scan()})
    for at in (directory_at(whole) + 42, whole.rindex(b"PK\5\6") + 12, whole.rindex(b"PK\5\6") + 16):
        data = bytearray(whole)
        struct.pack_into("<L", data, at, offset)
        (page,) = found(put(tmp_path, {"a.zip": bytes(data)}))
        assert page.error and page.error.code == "unreadable_image"
        assert "is a broken ZIP archive" in str(page.error) or "cannot be unpacked" in str(page.error)
        assert "argument" not in str(page.error)


def test_what_is_wrong_with_a_member_is_said_in_words(tmp_path: Path) -> None:
    whole = make_zip({"M\xe4rz\n1.png": bytes(range(256)) * 20})
    renamed, damaged = bytearray(whole), bytearray(whole)
    renamed[30] ^= 1  # the name before the data is not the one in the directory
    damaged[60] ^= 1
    for data in (renamed, damaged):
        (page,) = found(put(tmp_path, {"a.zip": bytes(data)}))
        assert page.error and "\n" not in str(page.error)
        assert "b'" not in str(page.error) and "Error" not in str(page.error)
