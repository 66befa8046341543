"""What is not read is named, with what to do; what only begins like a picture is passed over."""

from __future__ import annotations

import gzip
import io
import re
import struct
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.discovery.discovery import SkippedFile, find_pages, open_volume
from workers.errors import UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.sources.sniffing import kind_of

REST = bytes(range(256)) * 4
NAMED = {
    "JPEG XL": [b"\xff\x0a\xfa\x7f\x90", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl "],
    "HEIC": [b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", b"\0\0\0\x18ftypheix\0\0\0\0mif1"],
    "HEIF": [b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"],
    "DjVu": [b"AT&TFORM\0\0\x10\0DJVMDIRM", b"AT&TFORM\0\0\x10\0DJVUINFO"],
    "JPEG XR": [b"II\xbc\x01\x20\0\0\0"],
    "JPEG-LS": [b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"],
    "a camera raw picture": [
        b"II*\0\x10\0\0\0CR\x02\0", b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0", b"FOVb\0\0\2\0",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    ],
    "Photoshop document": [
        b"8BPS\0\x02" + bytes(6),
        b"8BPS\0\x01" + bytes(6) + b"\0\3\0\0\0\1\0\0\0\1\0\x10\0\3",
    ],
    "PostScript": [b"%!PS-Adobe-3.0\n", b"\xc5\xd0\xd3\xc6\x20\0\0\0"],
    "PAM": [b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nENDHDR\n"],
    "Zstandard": [b"\x28\xb5\x2f\xfd\x04\x58"],
    "7-Zip": [b"7z\xbc\xaf\x27\x1c\0\x04"],
    "RAR": [b"Rar!\x1a\x07\0", b"Rar!\x1a\x07\x01\0"],
    "LZ4": [b"\x04\x22\x4d\x18\x64\x40\xa7"],
    "gzip": [gzip.compress(b"one page, packed alone", mtime=0)],
    "DICOM": [bytes(128) + b"DICM\x02\0"],
    "OpenEXR": [b"\x76\x2f\x31\x01\x02\0\0\0"],
    "compound file": [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)],
}  # fmt: skip
PASSED_OVER = {
    "a video": [
        b"\0\0\0\x18ftypisom\0\0\2\0",
        b"\0\0\0\x14ftypqt  ",
        b"\x1aE\xdf\xa3\x93B\x82",
        b"RIFF\0\0\1\0AVI LIST",
    ],
    "a sound recording": [b"ID3\3\0", b"RIFF\0\0\1\0WAVEfmt ", b"OggS\0\2", b"fLaC\0\0\0\x22"],
    "a database or table": [b"SQLite format 3\0\x10\0", b"PAR1\x15\x04"],
    "a program": [b"\x7fELF\2\1\1\0", b"MZ" + bytes(64)],
    "a font": [b"\0\1\0\0\0\x12\1\0", b"OTTO\0\x0c"],
}


@pytest.mark.parametrize(("what", "head"), [(what, head) for what, heads in NAMED.items() for head in heads])
def test_a_format_that_is_not_read_is_named_with_what_to_do(what: str, head: bytes, tmp_path: Path) -> None:
    (tmp_path / "p0001").write_bytes(head + REST)
    (page,) = find_pages(open_volume(tmp_path))
    sentence = rf"^p0001 is .*{what}.*, which is not read here; (convert it to|unpack it).*\.$"
    assert page.error is None or re.search(sentence, str(page.error))
    with pytest.raises(UnreadableImage, match=sentence):
        open_page(tmp_path, PageAddress(("p0001",)), Limits())


@pytest.mark.parametrize(("what", "head"), [(what, head) for what, heads in PASSED_OVER.items() for head in heads])
def test_what_nobody_expects_to_be_a_page_is_passed_over(what: str, head: bytes, tmp_path: Path) -> None:
    (tmp_path / "intro").write_bytes(head + REST)
    skipped: list[SkippedFile] = []
    assert list(find_pages(open_volume(tmp_path), skipped=skipped.append)) == []
    assert skipped == [SkippedFile("intro", f"{what}, not an image")]


def test_an_old_office_document_is_passed_over_and_a_picture_in_such_a_file_is_not(tmp_path: Path) -> None:
    for name in ("list.doc", "scan.fpx"):
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + REST)
    (page,) = find_pages(open_volume(tmp_path))
    assert page.address.name == "scan.fpx" and page.error


def test_a_file_of_no_known_kind_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\x01\x9f\x83" + REST)
    with pytest.raises(UnreadableImage, match=r"^p is not an image of a known kind, or its header is broken"):
        open_page(tmp_path, PageAddress(("p",)), Limits())


def test_avif_is_read_whatever_its_first_brand() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "white").save(buffer, "AVIF")
    data = buffer.getvalue()
    size = struct.unpack(">I", data[:4])[0]
    other = data[:8] + b"mif1" + data[12:16] + data[16:size].replace(b"mif1", b"avif", 1) + data[size:]
    for version in (data, other):
        assert Image.open(io.BytesIO(version)).format == "AVIF"
        assert kind_of(io.BytesIO(version)) == "unknown"  # left to the decoder


@pytest.mark.parametrize(
    "text",
    [
        b"P1 is torn at the fold, see also P3.\nP2 missing.\n", b"P5 120 80 255 was torn\n", b"P6 is nice\n",
        b"P2 12 14 255 people\n", b"P3 4 5 6\n", b"P4 10 12 leaves are gone\n" * 3, b"PF is short for Pfennig\n",
        b"P7 is missing\nWIDTH unknown\n", b"#define max_width 3\n#define max_height 4\nint main(void);\n",
        b"SIMPLE  = best\n", b"Image type: photograph\nPlace: Bern\n", b"GIFs are not kept\n", b"BM 17 is torn\n",
        b"II*: see there\n", b"MM 3\n", b"8BIT\n", b"AT&T\n", b"%a note\n",
    ],
)  # fmt: skip
def test_text_that_begins_like_a_picture_is_passed_over(text: bytes, tmp_path: Path) -> None:
    for name in ("notes.txt", "notes"):
        (tmp_path / name).write_bytes(text)
    skipped: list[SkippedFile] = []
    assert list(find_pages(open_volume(tmp_path), skipped=skipped.append)) == []
    assert {file.reason for file in skipped} == {"text, not an image"}


@pytest.mark.parametrize("name", ["p1.jpg", "p1.TIF", "issue.zip", "book.pdf"])
@pytest.mark.parametrize(
    "text", [b"<!DOCTYPE html><title>404 Not Found</title>", b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_text_that_stands_where_a_scan_should_is_a_fault(text: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text)
    (found,) = find_pages(open_volume(tmp_path))
    assert str(found.error) == f"{name} holds text, not an image; copy it again."


@pytest.mark.parametrize(
    "data",
    [
        b"P1\n2 2\n0 1 1 0\n", b"P1 4 1 0110\n", b"P2 # a comment\n3 1\n# another\n255\n1 2 3\n", b"P3 1 1 255 9 8 7",
        b"P4 8 2\n\x00\xff", b"P5 3 2 255\nABCDEF", b"P5 1 1 65535\nAB", b"P6\n1 1\n255\nABC", b"Pf 1 1 -1.0\nABCD",
    ],
)  # fmt: skip
def test_a_portable_map_is_told_from_text_by_its_pixels(data: bytes) -> None:
    assert kind_of(io.BytesIO(data)) == "image"
    with Image.open(io.BytesIO(data)) as image:
        image.load()


def test_a_portable_map_that_is_cut_off_is_no_text() -> None:
    assert kind_of(io.BytesIO(b"P5 300 200 255\n" + bytes(500))) == "image"


@pytest.mark.parametrize(
    "name", ["Icon\r", "lost+found/x.tif", "#recycle/p.tif", "Thumbs.db:encryptable", "Picasa.ini"]
)
def test_the_litter_of_systems_is_passed_over(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    skipped: list[SkippedFile] = []
    assert list(find_pages(open_volume(tmp_path), skipped=skipped.append)) == []
    assert {file.reason for file in skipped} == {"hidden or left by the system"}


@pytest.mark.parametrize(
    "data",
    [
        b"P2\n2 2\n255\n" + b"1 2 3 x " + b"9 " * 5000,  # Pillow: ValueError with a bytes literal
        b"P6\n2 2\n99999\n" + bytes(12),
        b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\x0c\xff",
        b"II*\0\x08\0\0\0\1\0\0\1\3\0\1\0\0\0\7\0\0\0\0\0\0\0",
    ],
)
def test_an_error_of_python_is_never_the_reason(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(UnreadableImage) as raised:
        open_page(tmp_path, PageAddress(("p",)), Limits())
    assert not re.search(r"b'|Error|\bNone\b|tuple|\bint\b|object|argument|\d{4,}", str(raised.value))
