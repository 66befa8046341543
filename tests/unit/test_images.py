"""Opening one page, wherever it lies: what is right is read, what is hostile is refused with a sentence."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from workers.errors import (
    BroadsheetError,
    ChangedSource,
    EncryptedSource,
    ImageTooLarge,
    MissingSource,
    OutOfMemory,
    PageError,
    StorageError,
    UnreadableImage,
    UnsafeArchive,
    UnsafeMember,
)
from workers.hashing import sha256_of
from workers.sources import tar_archive
from workers.sources.address import PageAddress
from workers.sources.images import open_page, verify_unchanged
from workers.sources.limits import Limits
from workers.sources.opening import OpenFiles
from workers.sources.pdf import covers, turns_and_mirror

LIMITS = Limits()
TURNS = [  # the linear part of a PDF picture's matrix: four quarter turns, each also mirrored
    (1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0),
    (-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0),
]  # fmt: skip


def scan(seed: int = 0, size: tuple[int, int] = (48, 64)) -> Image.Image:
    """A small page that looks different for every seed and in every orientation."""
    grey = np.full((size[1], size[0]), 230, np.uint8)
    grey[4 : 8 + seed, 6:20] = 20
    grey[30:34, 6:40] = 60 + seed
    return Image.fromarray(grey)


def encoded(image: Image.Image, suffix: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def make_tar(path: Path, members: dict[str, bytes], mode: str) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def make_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    opened = OpenFiles()
    yield opened
    opened.close()


def is_scan(image: Image.Image, seed: int = 0) -> bool:
    return bool((np.asarray(image.convert("L")) == np.asarray(scan(seed))).all())


def address(*members: str, frame: int | None = None) -> PageAddress:
    return PageAddress(members, frame)


def test_an_address_has_a_name_and_survives_sql() -> None:
    deep = address("1890/issue.zip", "p0003.tif")
    assert deep.name == "1890/issue.zip/p0003.tif"
    assert address("book.pdf", frame=3).name == "book.pdf#3"
    assert address("", "p0003.tif").name == "p0003.tif"
    odd = address(os.fsdecode(b"stra\xdfe\n\x1b[2J.tif"), "Zürich.tif", frame=7)
    assert odd.name == "stra\\xdfe\\n\\x1b[2J.tif/Zürich.tif#7"
    for one in (deep, odd):
        assert PageAddress.from_json(one.to_json()) == one
        one.to_json().encode("ascii")


def test_a_page_of_a_directory_is_opened(tmp_path: Path) -> None:
    (tmp_path / "1890").mkdir()
    scan().save(tmp_path / "1890" / "p1.png")
    assert is_scan(open_page(tmp_path, address("1890/p1.png"), LIMITS))


def test_a_volume_that_is_a_file_is_opened(tmp_path: Path) -> None:
    scan().save(tmp_path / "p1.png")
    assert is_scan(open_page(tmp_path / "p1.png", address("p1.png"), LIMITS))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_of_a_zip_is_opened(compression: int, tmp_path: Path, files: OpenFiles) -> None:
    make_zip(tmp_path / "issue.zip", {"a/p1.png": encoded(scan(1)), "a/p2.png": encoded(scan(2))}, compression)
    for number in (2, 1):
        assert is_scan(open_page(tmp_path, address("issue.zip", f"a/p{number}.png"), LIMITS, files), number)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 2, 0), (2, 2, 3, 1)])
def test_members_of_a_tar_are_opened_in_any_order(
    mode: str, order: tuple[int, ...], tmp_path: Path, files: OpenFiles
) -> None:
    make_tar(tmp_path / "issue.tar", {f"p{seed}.png": encoded(scan(seed)) for seed in range(4)}, mode)
    for seed in order:
        assert is_scan(open_page(tmp_path, address("issue.tar", f"p{seed}.png"), LIMITS, files), seed)


def test_a_compressed_tar_is_read_once_whatever_the_order(
    tmp_path: Path, files: OpenFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    names = [f"p{number:02}.bin" for number in range(30)]
    make_tar(tmp_path / "x.tar", {name: rng.bytes(200_000) for name in names}, "w:gz")
    unpacked = [0]
    original = tar_archive.decompressed

    def counted(file: BinaryIO, kind: object) -> BinaryIO:
        stream = original(file, kind)  # type: ignore[arg-type]
        read = stream.read

        def reading(size: int = -1) -> bytes:
            data = read(size)
            unpacked[0] += len(data)
            return data

        stream.read = reading  # type: ignore[method-assign]
        return stream

    monkeypatch.setattr(tar_archive, "decompressed", counted)
    for name in names:
        with files.open(tmp_path, address("x.tar", name), LIMITS):
            pass
    total = 30 * 200_000
    assert unpacked[0] < 1.1 * total
    for name in reversed(names):
        with files.open(tmp_path, address("x.tar", name), LIMITS):
            pass
    assert unpacked[0] < 2.2 * total


def test_a_zip_in_a_tar_and_a_tiff_in_that_are_opened(tmp_path: Path, files: OpenFiles) -> None:
    tiff = encoded(scan(1), "TIFF", save_all=True, append_images=[scan(2), scan(3)])
    make_zip(tmp_path / "inner.zip", {"pages.tif": tiff})
    make_tar(tmp_path / "outer.tar.gz", {"inner.zip": (tmp_path / "inner.zip").read_bytes()}, "w:gz")
    for frame in (3, 1, 2):
        where = address("outer.tar.gz", "inner.zip", "pages.tif", frame=frame)
        assert is_scan(open_page(tmp_path, where, LIMITS, files), frame)


@pytest.mark.parametrize("suffix", ["TIFF", "GIF", "PNG", "WEBP"])
def test_every_frame_is_a_page(suffix: str, tmp_path: Path) -> None:
    options: dict[str, object] = {"lossless": True} if suffix == "WEBP" else {}
    data = encoded(scan(1), suffix, save_all=True, append_images=[scan(2), scan(3)], **options)
    (tmp_path / "pages").write_bytes(data)
    for frame in (1, 2, 3):
        assert is_scan(open_page(tmp_path, address("pages", frame=frame), LIMITS), frame)
    with pytest.raises(UnreadableImage):
        open_page(tmp_path, address("pages", frame=4), LIMITS)


def test_partial_frames_are_composited(tmp_path: Path) -> None:
    first, dot = Image.new("RGB", (20, 20), "white"), Image.new("RGB", (20, 20), "white")
    first.putpixel((2, 2), (0, 0, 0))
    dot.putpixel((2, 2), (0, 0, 0))
    dot.putpixel((15, 15), (0, 0, 0))  # the second frame is stored as this one pixel
    first.save(tmp_path / "a.gif", save_all=True, append_images=[dot], disposal=1)
    second = open_page(tmp_path, address("a.gif", frame=2), LIMITS).convert("L")
    assert [second.getpixel(at) for at in ((2, 2), (15, 15), (9, 9))] == [0, 0, 255]


def pdf_of(*images: Image.Image, dpi: float = 144) -> bytes:
    return encoded(images[0], "PDF", save_all=True, append_images=list(images[1:]), resolution=dpi)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK"])
def test_the_scan_inside_a_pdf_keeps_its_own_pixels(mode: str, tmp_path: Path) -> None:
    page = scan(size=(200, 300))
    (tmp_path / "book.pdf").write_bytes(pdf_of(page.convert("L").convert(mode), page.convert(mode)))
    image = open_page(tmp_path, address("book.pdf", frame=2), LIMITS)
    assert image.size == page.size
    wanted = np.asarray(page.convert(mode).convert("L"), int)
    assert np.abs(np.asarray(image.convert("L"), int) - wanted).mean() < 3


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_pdf_page_is_upright(rotation: int, tmp_path: Path) -> None:
    page = scan(size=(200, 300))
    document = pypdfium2.PdfDocument(pdf_of(page))
    document[0].set_rotation(rotation)
    document.save(tmp_path / "turned.pdf")
    rendered = document[0].render(scale=2).to_pil()
    document.close()
    image = open_page(tmp_path, address("turned.pdf", frame=1), LIMITS)
    assert image.size == rendered.size == (page.size if rotation in (0, 180) else page.size[::-1])
    assert np.abs(np.asarray(image.convert("L"), int) - np.asarray(rendered.convert("L"), int)).mean() < 3


@pytest.mark.parametrize("matrix", TURNS)
@pytest.mark.parametrize("rotation", [0, 90])
def test_turning_a_scan_looks_as_pdfium_renders_it(
    matrix: tuple[int, int, int, int], rotation: int, tmp_path: Path
) -> None:
    side = 120
    document = pypdfium2.PdfDocument(pdf_of(scan(size=(side, side)), dpi=72))
    page = document[0]
    (picture,) = page.get_objects()
    a, b, c, d = (side * value for value in matrix)
    picture.set_matrix(pypdfium2.PdfMatrix(a, b, c, d, -min(0, a, c, a + c), -min(0, b, d, b + d)))
    page.gen_content()
    page.set_rotation(rotation)
    document.save(tmp_path / "book.pdf")
    rendered = np.asarray(page.render(scale=1).to_pil().convert("L"), int)
    document.close()
    image = np.asarray(open_page(tmp_path, address("book.pdf", frame=1), LIMITS).convert("L"), int)
    assert turns_and_mirror(matrix, rotation) is not None
    assert np.abs(image - rendered).mean() < 4


def test_a_tilted_picture_has_no_quarter_turns() -> None:
    assert turns_and_mirror((1, 0.1, -0.1, 1), 0) is None
    assert turns_and_mirror((0, 0, 0, 0), 0) is None


def test_only_a_picture_of_the_whole_page_is_the_page() -> None:
    page = (0.0, 0.0, 600.0, 800.0)
    assert covers((1, -2, 601, 799), page)
    assert not covers((0, 0, 600, 400), page)
    assert not covers((-300, 0, 900, 800), page)


def drawn_pdf(content: bytes, size: tuple[int, int] = (200, 100), extra: bytes = b"") -> bytes:
    """A PDF written by hand; PDFium rebuilds the missing cross-reference table."""
    box = b"[0 0 %d %d]" % size
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox" + box + b"/Contents 4 0 R/Resources<<>>>>endobj\n"
        b"4 0 obj<</Length %d>>stream\n" % len(content) + content + b"\nendstream endobj\n"
        b"trailer<</Root 1 0 R" + extra + b">>\n%%EOF"
    )


def test_a_drawn_pdf_page_is_rendered_at_300_dpi(tmp_path: Path) -> None:
    (tmp_path / "drawn.pdf").write_bytes(drawn_pdf(b"0 0 100 50 re f"))
    image = open_page(tmp_path, address("drawn.pdf", frame=1), LIMITS).convert("L")
    assert abs(image.width - 200 / 72 * 300) <= 1
    assert image.getpixel((10, image.height - 10)) == 0
    assert image.getpixel((image.width - 10, 10)) == 255


def test_a_stencil_in_a_pdf_is_ink_on_paper(tmp_path: Path) -> None:
    stencil = b"72 0 0 36 0 0 cm BI /W 16 /H 8 /IM true /BPC 1 /D[1 0] ID " + b"\xf0\x00" * 8 + b" EI"
    (tmp_path / "s.pdf").write_bytes(drawn_pdf(stencil, (72, 36)))
    image = open_page(tmp_path, address("s.pdf", frame=1), LIMITS).convert("L")
    assert image.size == (16, 8)
    assert image.getpixel((1, 4)) < 60 and image.getpixel((12, 4)) == 255  # type: ignore[operator]


def test_a_pdf_with_a_password_says_so(tmp_path: Path) -> None:
    lock = b"/Encrypt<</Filter/Standard/V 1/R 2/O(" + b"o" * 32 + b")/U(" + b"u" * 32 + b")/P -4>>/ID[(a)(a)]"
    (tmp_path / "locked.pdf").write_bytes(drawn_pdf(b"", extra=lock))
    with pytest.raises(EncryptedSource, match=r"locked\.pdf needs a password"):
        open_page(tmp_path, address("locked.pdf", frame=1), LIMITS)


@pytest.mark.parametrize("data", [b"%PDF-1.4\nnothing", pdf_of(scan())[:200]])
def test_a_broken_pdf_is_unreadable(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(data)
    with pytest.raises(UnreadableImage, match=r"b\.pdf"):
        open_page(tmp_path, address("b.pdf", frame=1), LIMITS)


def test_a_pdf_page_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(pdf_of(scan()))
    with pytest.raises(UnreadableImage, match="only 1 pages"):
        open_page(tmp_path, address("b.pdf", frame=2), LIMITS)


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "GIF", "WEBP", "JPEG", "BMP", "JPEG2000", "PPM", "PDF"])
def test_the_limit_is_the_same_for_every_format(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(encoded(scan(), suffix))
    pixels = 48 * 64
    frame = 1 if suffix == "PDF" else None
    open_page(tmp_path, address("p", frame=frame), Limits(max_pixels=pixels))
    with pytest.raises(ImageTooLarge, match=r"p(#1)? is too large"):
        open_page(tmp_path, address("p", frame=frame), Limits(max_pixels=pixels - 1))


def test_a_scan_above_pillows_own_limit_is_opened(tmp_path: Path) -> None:
    Image.new("1", (20_000, 10_000), 1).save(tmp_path / "map.tif", compression="group4")
    before = Image.MAX_IMAGE_PIXELS
    assert open_page(tmp_path, address("map.tif"), LIMITS).size == (20_000, 10_000)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "GIF", "JPEG", "BMP", "WEBP", "JPEG2000"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_unreadable(suffix: str, kept: float, tmp_path: Path) -> None:
    data = encoded(scan(size=(400, 400)), suffix)
    (tmp_path / "p").write_bytes(data[: int(kept * len(data))])
    with pytest.raises(UnreadableImage, match=r"^p "):
        open_page(tmp_path, address("p"), LIMITS)


def test_postscript_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "p.eps").write_bytes(encoded(scan(), "EPS"))
    with pytest.raises(UnreadableImage):
        open_page(tmp_path, address("p.eps"), LIMITS)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../secret.png"])
def test_no_name_leads_out_of_the_volume(name: str, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    scan().save(tmp_path / "secret.png")
    with pytest.raises(UnsafeMember):
        open_page(tmp_path / "volume", address(name), LIMITS)


def test_a_link_out_of_the_volume_is_not_followed_and_one_inside_is(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    scan().save(tmp_path / "secret.png")
    scan().save(tmp_path / "volume" / "p1.png")
    (tmp_path / "volume" / "out.png").symlink_to("../secret.png")
    (tmp_path / "volume" / "in.png").symlink_to("p1.png")
    (tmp_path / "volume" / "loop.png").symlink_to("loop.png")
    assert is_scan(open_page(tmp_path / "volume", address("in.png"), LIMITS))
    for name in ("out.png", "loop.png"):
        with pytest.raises(PageError):
            open_page(tmp_path / "volume", address(name), LIMITS)


@pytest.mark.parametrize("name", ["../p.png", "/p.png", "a\\..\\..\\p.png"])
def test_members_with_unsafe_names_are_refused(name: str, tmp_path: Path, files: OpenFiles) -> None:
    make_zip(tmp_path / "a.zip", {name: encoded(scan())})
    make_tar(tmp_path / "a.tar", {name: encoded(scan())}, "w")
    for archive in ("a.zip", "a.tar"):
        with pytest.raises(UnsafeMember, match="leads out"):
            open_page(tmp_path, address(archive, name), LIMITS, files)


def test_links_in_archives_are_refused(tmp_path: Path, files: OpenFiles) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            info = tarfile.TarInfo(f"link{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    for members in (("a.tar", "link1"), ("a.tar", "link2"), ("a.zip", "link")):
        with pytest.raises(UnsafeMember, match="is a link"):
            open_page(tmp_path, address(*members), LIMITS, files)


def test_an_encrypted_member_says_so(tmp_path: Path, files: OpenFiles) -> None:
    make_zip(tmp_path / "a.zip", {"p.png": encoded(scan())}, zipfile.ZIP_STORED)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(EncryptedSource, match="password"):
        open_page(tmp_path, address("a.zip", "p.png"), LIMITS, files)


@pytest.mark.parametrize("make", [make_zip, lambda path, members: make_tar(path, members, "w:gz")])
def test_a_bomb_stops_at_the_limit(
    make: Callable[[Path, dict[str, bytes]], None], tmp_path: Path, files: OpenFiles
) -> None:
    make(tmp_path / "bomb", {"big.bmp": bytes(4_000_000), "p.png": encoded(scan())})
    tight = Limits(ratio_from_bytes=1_000_000)
    for member in ("big.bmp", "p.png"):
        with pytest.raises(UnsafeArchive, match="bomb"):
            open_page(tmp_path, address("bomb", member), tight, files)
    with pytest.raises(UnsafeArchive, match="the limit is 1000"):
        open_page(tmp_path, address("bomb", "big.bmp"), Limits(max_unpacked_bytes=1000), files)
    assert is_scan(open_page(tmp_path, address("bomb", "p.png"), LIMITS, files))


def test_overlapping_members_are_a_bomb(tmp_path: Path, files: OpenFiles) -> None:
    """Many directory entries for the same few packed bytes: no member alone is remarkable."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("p0", bytes(500_000))
        for number in range(1, 400):
            copy = zipfile.ZipInfo(f"p{number}")
            first = archive.infolist()[0]
            copy.header_offset, copy.CRC = first.header_offset, first.CRC
            copy.file_size, copy.compress_size = first.file_size, first.compress_size
            archive.filelist.append(copy)
    with pytest.raises(UnsafeArchive, match="bomb"):
        open_page(tmp_path, address("a.zip", "p7"), LIMITS, files)


class CountedFile(io.BytesIO):
    """Remembers how much was asked for at most."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        self.most = max(self.most, sys.maxsize if size is None or size < 0 else size)
        return super().read(size)


def test_a_header_of_impossible_size_in_a_tar_is_refused_and_not_read(tmp_path: Path, files: OpenFiles) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 * 1024**3
    data = info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(UnreadableImage, match="a header of impossible size"):
        open_page(tmp_path, address("a.tar", "p"), LIMITS, files)
    file = CountedFile(data)
    with pytest.raises(UnreadableImage, match="a header of impossible size"):
        list(tar_archive.TarArchive(file, "a.tar", "tar", LIMITS).members())
    assert file.most <= 16 * 1024**2


@pytest.mark.parametrize("flip", [0.2, 0.5, 0.8])
def test_a_damaged_archive_is_unreadable(flip: float, tmp_path: Path, files: OpenFiles) -> None:
    payload = np.random.default_rng(0).bytes(50_000)
    make_zip(tmp_path / "a.zip", {"p.png": payload})
    make_tar(tmp_path / "a.tar.gz", {"p.png": payload}, "w:gz")
    make_tar(tmp_path / "a.tar.xz", {"p.png": payload}, "w:xz")
    for name in ("a.zip", "a.tar.gz", "a.tar.xz"):
        data = bytearray((tmp_path / name).read_bytes())
        data[int(flip * len(data))] ^= 0xFF
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PageError):
            open_page(tmp_path, address(name, "p.png"), LIMITS, files)


def test_a_replaced_archive_is_opened_afresh(tmp_path: Path, files: OpenFiles) -> None:
    make_zip(tmp_path / "a.zip", {"p.png": encoded(scan(1))})
    assert is_scan(open_page(tmp_path, address("a.zip", "p.png"), LIMITS, files), 1)
    make_zip(tmp_path / "b.zip", {"p.png": encoded(scan(2))})
    (tmp_path / "b.zip").replace(tmp_path / "a.zip")
    assert is_scan(open_page(tmp_path, address("a.zip", "p.png"), LIMITS, files), 2)


def test_a_missing_page_is_missing_and_a_missing_volume_may_come_back(tmp_path: Path, files: OpenFiles) -> None:
    make_zip(tmp_path / "a.zip", {"p.png": encoded(scan())})
    for where in (address("gone.png"), address("a.zip", "gone.png"), address("a.zip/x", "p.png")):
        with pytest.raises(MissingSource):
            open_page(tmp_path, where, LIMITS, files)
    with pytest.raises(StorageError, match="mount it again"):
        open_page(tmp_path / "unmounted", address("p.png"), LIMITS, files)


class FailingFiles(OpenFiles):
    """A file system that fails."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    @contextmanager
    def open(self, root: Path, address: PageAddress, limits: Limits) -> Iterator[BinaryIO]:
        raise self._error
        yield  # a context manager is made from a generator


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EIO, "Input/output error"), StorageError),
        (OSError(errno.ESTALE, "Stale file handle"), StorageError),
        (OSError(errno.EACCES, "Permission denied"), UnreadableImage),
        (OSError(errno.EINVAL, "Invalid argument"), UnreadableImage),
        (MemoryError(), OutOfMemory),
    ],
)
def test_errors_of_the_system_tell_whether_to_try_again(
    error: BaseException, kind: type[BroadsheetError], tmp_path: Path
) -> None:
    with pytest.raises(kind, match=r"p\.png"):
        open_page(tmp_path, address("p.png"), LIMITS, FailingFiles(error))


def test_special_files_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImage, match="ordinary"):
        open_page(tmp_path, address("pipe.png"), LIMITS)


def test_a_changed_file_is_told_from_a_touched_one(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    scan(1).save(path)
    status = path.stat()
    with path.open("rb") as file:
        sha256 = sha256_of(file)

    def verify() -> None:
        verify_unchanged(
            tmp_path, address("p.png"),
            size_bytes=status.st_size, modified_ns=status.st_mtime_ns, sha256=sha256, limits=LIMITS,
        )  # fmt: skip

    verify()
    os.utime(path, ns=(1, 1))
    verify()
    scan(2).save(path)
    with pytest.raises(ChangedSource, match=r"p\.png has changed"):
        verify()


def test_a_member_of_a_changed_archive_is_compared_by_its_bytes(tmp_path: Path) -> None:
    page = encoded(scan(1))
    make_zip(tmp_path / "a.zip", {"p.png": page})
    sha256 = sha256_of(io.BytesIO(page))

    def verify() -> None:
        where = address("a.zip", "p.png")
        verify_unchanged(tmp_path, where, size_bytes=len(page), modified_ns=1, sha256=sha256, limits=LIMITS)

    verify()
    make_zip(tmp_path / "a.zip", {"p.png": encoded(scan(2))})
    with pytest.raises(ChangedSource):
        verify()
