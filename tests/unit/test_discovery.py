"""What an archive holds: every page in natural order, every fault with its reason, nothing lost."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from orchestrator.discovery.discovery import FoundPage, SkippedFile, find_pages, open_volume
from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.pdf_pages import PdfPageCounter
from workers.errors import UnreadableImage, UnreadableInput
from workers.sources.limits import Limits


def scan(suffix: str = "PNG", frames: int = 1, shade: int = 200) -> bytes:
    buffer = io.BytesIO()
    images = [Image.new("L", (20, 30), shade - 20 * number) for number in range(frames)]
    images[0].save(buffer, suffix, save_all=frames > 1, **({"append_images": images[1:]} if frames > 1 else {}))
    return buffer.getvalue()


def make_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def put(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def found(path: Path, limits: Limits | None = None) -> list[FoundPage]:
    return list(find_pages(open_volume(path), limits))


def names(pages: Sequence[FoundPage]) -> list[str]:
    return [page.address.name for page in pages]


def codes(pages: Sequence[FoundPage]) -> dict[str, str]:
    return {page.address.name: page.error.code for page in pages if page.error}


def test_pages_come_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, {name: scan() for name in ("p10.png", "p2.png", "P1.png", "1890/p1.png", "a/b/x.png", "a.png")})
    pages = found(tmp_path)
    assert names(pages) == ["1890/p1.png", "a/b/x.png", "a.png", "P1.png", "p2.png", "p10.png"]
    assert [page.page_number for page in pages] == [1, 2, 3, 4, 5, 6]


@given(st.lists(st.text(st.sampled_from("aB/0129_.٣"), max_size=8), unique=True))
def test_natural_order_is_an_order(paths: list[str]) -> None:
    once = sorted(paths, key=natural_key)
    backward = once[::-1]
    assert sorted(backward, key=natural_key) == once
    assert sorted(["p10", "p9", "p" + "9" * 5000], key=natural_key)[:2] == ["p9", "p10"]


def test_a_page_is_known_by_its_bytes(tmp_path: Path) -> None:
    put(tmp_path, {"p.png": scan(), "pages.tif": scan("TIFF", 3), "a.zip": make_zip({"q.png": scan(shade=9)})})
    by_name = {page.address.name: page for page in found(tmp_path)}
    assert by_name["p.png"].sha256 == hashlib.sha256(scan()).hexdigest()
    assert by_name["p.png"].size_bytes == len(scan())
    assert by_name["p.png"].modified_ns == (tmp_path / "p.png").stat().st_mtime_ns
    assert {by_name[f"pages.tif#{n}"].sha256 for n in (1, 2, 3)} == {hashlib.sha256(scan("TIFF", 3)).hexdigest()}
    assert by_name["a.zip/q.png"].sha256 == hashlib.sha256(scan(shade=9)).hexdigest()


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, {"p.png": scan(), "pages.tif": scan("TIFF", 2), "a.zip": make_zip({"q.png": scan()})})
    first = {(p.address.name, p.size_bytes, p.modified_ns): p.sha256[::-1] for p in found(tmp_path)}
    again = find_pages(open_volume(tmp_path), known=lambda *key: first.get(key))
    assert [page.sha256 for page in again] == list(first.values())


def test_a_page_with_an_error_is_looked_at_again(tmp_path: Path) -> None:
    put(tmp_path, {"a.zip": b"PK\x03\x04broken"})
    (page,) = found(tmp_path)
    assert page.modified_ns == 0 and page.sha256


@pytest.mark.parametrize("suffix", ["TIFF", "GIF", "PNG", "WEBP", "PDF"])
def test_every_frame_is_a_page(suffix: str, tmp_path: Path) -> None:
    path = put(tmp_path, {"issue": scan(suffix, 3)}) / "issue"
    assert names(found(path)) == ["issue#1", "issue#2", "issue#3"]
    assert open_volume(path).kind == ("pdf" if suffix == "PDF" else "image")


def test_a_single_page_has_no_frame_number_but_a_pdf_page_has(tmp_path: Path) -> None:
    put(tmp_path, {"a.tif": scan("TIFF"), "b.gif": scan("GIF"), "c.pdf": scan("PDF"), "d.jpg": scan("JPEG")})
    assert names(found(tmp_path)) == ["a.tif", "b.gif", "c.pdf#1", "d.jpg"]


def test_thumbnails_and_previews_are_no_pages(tmp_path: Path) -> None:
    small, large = Image.new("L", (5, 5)), Image.new("L", (50, 50))
    large.encoderinfo = {}
    small.encoderinfo = {"tiffinfo": {254: 1}}
    large.save(tmp_path / "p.tif", save_all=True, append_images=[small, large])
    large.convert("RGB").save(tmp_path / "q.jpg", "MPO", save_all=True, append_images=[small.convert("RGB")])
    assert names(found(tmp_path)) == ["p.tif#1", "p.tif#3", "q.jpg"]


def test_archives_are_opened_wherever_they_lie(tmp_path: Path) -> None:
    inner = make_zip({"p10.png": scan(), "p2.png": scan()})
    put(tmp_path, {
        "box.cbz": make_tar({"z.png": scan(), "inner.zip": inner, "book.pdf": scan("PDF", 2)}),
        "tars/a.tar": make_tar({"1.png": scan()}, "w"),
        "tars/b": make_tar({"1.png": scan()}, "w:bz2"),
        "tars/c.tgz": make_tar({"1.png": scan()}, "w:xz"),
    })  # fmt: skip
    assert names(found(tmp_path)) == [
        "box.cbz/book.pdf#1", "box.cbz/book.pdf#2", "box.cbz/inner.zip/p2.png", "box.cbz/inner.zip/p10.png",
        "box.cbz/z.png", "tars/a.tar/1.png", "tars/b/1.png", "tars/c.tgz/1.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "kind"), [(make_zip({"p1.png": scan()}), "zip"), (make_tar({"p1.png": scan()}), "tar")]
)
def test_pages_of_an_archive_volume_go_by_their_member_names(data: bytes, kind: str, tmp_path: Path) -> None:
    path = put(tmp_path, {"issue": data}) / "issue"
    assert open_volume(path).kind == kind
    assert names(found(path)) == ["p1.png"]


def test_a_third_archive_deep_is_quarantined(tmp_path: Path) -> None:
    put(tmp_path, {"1.zip": make_zip({"2.zip": make_zip({"3.zip": make_zip({"p.png": scan()})}), "q.png": scan()})})
    pages = found(tmp_path)
    assert names(pages) == ["1.zip/2.zip/3.zip", "1.zip/q.png"]
    assert codes(pages) == {"1.zip/2.zip/3.zip": "unsafe_archive"}


def test_sidecars_and_litter_are_told_but_no_pages(tmp_path: Path) -> None:
    put(tmp_path, {
        "p.png": scan(), ".hidden.png": scan(), ".git/p.png": scan(), "Thumbs.db": b"\xd0\xcf", "mets.xml": b"<mets/>",
        "notes": b"bought in 1950\n", "alto.txt": b"\xff\xfe\x00\x00", "scan.txt": scan(),
        "plain.ppm": b"P3\n1 1\n9\n1 2 3\n",
        "a.zip": make_zip({"__MACOSX/._p.png": b"x", "q.png": scan(), ".DS_Store": b"x", "index.html": b"<html>"}),
    })  # fmt: skip
    skipped: list[SkippedFile] = []
    pages = list(find_pages(open_volume(tmp_path), skipped=skipped.append))
    assert names(pages) == ["a.zip/q.png", "p.png", "plain.ppm", "scan.txt"]
    assert {item.name for item in skipped} == {
        ".git", ".hidden.png", "a.zip/.DS_Store", "a.zip/__MACOSX/._p.png", "a.zip/index.html", "alto.txt", "mets.xml",
        "notes", "Thumbs.db",
    }  # fmt: skip
    assert all(item.reason for item in skipped)


def test_what_is_no_image_and_no_text_stays_a_page(tmp_path: Path) -> None:
    put(tmp_path, {"movie.mp4": bytes(range(256)) * 20, "drawing.eps": b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n"})
    assert names(found(tmp_path)) == ["drawing.eps", "movie.mp4"]


def test_broken_containers_are_found_with_their_reason(tmp_path: Path) -> None:
    put(tmp_path, {
        "a.zip": make_zip({"p.png": scan()})[:60], "b.pdf": b"%PDF-1.7\nnothing", "c.tif": b"II*\0\xff\xff\xff\xff",
        "empty.png": b"", "half.tar.gz": make_tar({"p1.png": scan(), "p2.png": os.urandom(50_000)})[:20_000],
        "fine.png": scan(),
    })  # fmt: skip
    pages = found(tmp_path)
    assert codes(pages) == dict.fromkeys(
        ["a.zip", "b.pdf", "c.tif", "empty.png", "half.tar.gz/p2.png", "half.tar.gz"], "unreadable_image"
    )
    assert [name for name in names(pages) if name not in codes(pages)] == ["fine.png", "half.tar.gz/p1.png"]
    for page in pages:
        assert page.error is None or page.address.name.split("/")[-1] in str(page.error)


def test_the_whole_pages_of_a_cut_off_tiff_are_kept(tmp_path: Path) -> None:
    data = scan("TIFF", 4)
    pages = found(put(tmp_path, {"a.tif": data[: int(0.6 * len(data))]}))
    assert names(pages)[:2] == ["a.tif#1", "a.tif#2"] and len(pages) < 5


def test_a_broken_archive_volume_goes_by_its_own_name(tmp_path: Path) -> None:
    path = put(tmp_path, {"a.zip": b"PK\x03\x04broken"}) / "a.zip"
    assert codes(found(path)) == {"a.zip": "unreadable_image"}


def test_unsafe_members_are_quarantined_and_the_rest_goes_on(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("../up.png", "/abs.png", "p.png"):
            archive.writestr(name, scan())
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    pages = found(put(tmp_path, {"a.zip": buffer.getvalue()}) / "a.zip")
    assert codes(pages) == dict.fromkeys(["../up.png", "/abs.png", "link.png"], "unsafe_member")
    assert [page.address.name for page in pages if not page.error] == ["p.png"]


def test_limits_stop_archives_and_books(tmp_path: Path) -> None:
    put(tmp_path, {
        "bomb.zip": make_zip({"a.bmp": b""}), "many.zip": make_zip({f"{n}.png": scan() for n in range(5)}),
        "many.tar": make_tar({f"{n}.png": scan() for n in range(5)}), "long.tif": scan("TIFF", 5),
        "long.pdf": scan("PDF", 5),
    })  # fmt: skip
    pages = found(tmp_path, Limits(max_members=4, max_frames=4))
    assert codes(pages) == {
        "bomb.zip/a.bmp": "unreadable_image", "many.zip": "unsafe_archive", "many.tar": "unsafe_archive",
        "long.tif": "image_too_large", "long.pdf": "image_too_large",
    }  # fmt: skip


def test_a_tar_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    path = put(tmp_path, {"a.tar.gz": make_tar({"p.png": scan(), "big.bmp": bytes(9_000_000)})}) / "a.tar.gz"
    pages = found(path, Limits(ratio_from_bytes=1_000_000))
    assert names(pages)[0] == "big.bmp" and set(codes(pages).values()) == {"unsafe_archive"}
    assert "p.png" in names(pages) and "p.png" not in codes(pages)


def test_a_second_member_of_one_name_is_told(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("p.png", scan(shade=1))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("p.png", scan(shade=2))
    skipped: list[SkippedFile] = []
    volume = open_volume(put(tmp_path, {"a.zip": buffer.getvalue()}) / "a.zip")
    (page,) = find_pages(volume, skipped=skipped.append)
    assert page.sha256 == hashlib.sha256(scan(shade=1)).hexdigest()
    assert [item.name for item in skipped] == ["p.png"]


def test_links_never_loop_and_never_lead_out(tmp_path: Path) -> None:
    root = put(tmp_path / "volume", {"p.png": scan()})
    put(tmp_path, {"secret.png": scan()})
    for name, target in (("again", "."), ("self.png", "self.png"), ("gone.png", "x"), ("out.png", "../secret.png")):
        (root / name).symlink_to(target)
    (root / "in.png").symlink_to("p.png")
    skipped: list[SkippedFile] = []
    pages = list(find_pages(open_volume(root), skipped=skipped.append))
    assert [page.address.name for page in pages if not page.error] == ["in.png", "p.png"]
    assert codes(pages) == {"self.png": "unreadable_image", "gone.png": "missing_source", "out.png": "unsafe_member"}
    assert [item.name for item in skipped] == ["again"]


def test_pipes_and_names_in_no_encoding_do_no_harm(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/stra\xdfe.png")).write_bytes(scan())
    (page,) = found(tmp_path)
    assert page.address.name == "stra\\xdfe.png"


def test_folders_nested_deeper_than_python_calls_are_walked(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("p.txt", os.O_CREAT, dir_fd=here))
    os.close(here)
    try:
        assert list(find_pages(open_volume(tmp_path))) == []
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # shutil.rmtree is recursive


@pytest.mark.parametrize("name", ["gone", "gone/p.png", "pipe", "loop"])
def test_what_cannot_be_ingested_is_one_sentence(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UnreadableInput, match=name):
        open_volume(tmp_path / name)


def test_a_pdf_that_kills_its_reader_is_unreadable_and_the_next_is_counted(tmp_path: Path) -> None:
    put(tmp_path, {"a.pdf": scan("PDF", 2)})
    with PdfPageCounter() as counter:
        assert counter.count(tmp_path / "a.pdf", "a.pdf") == 2
        assert counter._helper is not None
        os.kill(counter._helper.pid, signal.SIGSEGV)
        with pytest.raises(UnreadableImage, match=r"a\.pdf stopped the PDF reader"):
            counter.count(tmp_path / "a.pdf", "a.pdf")
        assert counter.count(tmp_path / "a.pdf", "a.pdf") == 2


def test_a_pdf_that_hangs_its_reader_is_given_up(tmp_path: Path) -> None:
    put(tmp_path, {"a.pdf": scan("PDF")})
    with PdfPageCounter(timeout_seconds=0) as counter, pytest.raises(UnreadableImage, match="took too long"):
        counter.count(tmp_path / "a.pdf", "a.pdf")


def test_discovery_loads_no_pixels_no_queue_and_no_tables() -> None:
    program = "import sys, orchestrator.discovery.discovery; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cv2", "kraken", "torch", "numpy", "sqlalchemy", "celery", "pypdfium2"} & set(loaded)
