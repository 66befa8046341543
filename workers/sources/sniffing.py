"""What a file is, from its first bytes: suffixes lie. Pure, but for the look into a compressed stream."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zlib
from typing import BinaryIO, Literal

Kind = Literal["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "pdf", "frames", "image", "text", "unknown"]

HEAD_BYTES = 4096
COMPRESSED_TARS: frozenset[Kind] = frozenset({"tar.gz", "tar.bz2", "tar.xz"})
ARCHIVES: frozenset[Kind] = COMPRESSED_TARS | {"zip", "tar"}

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# Formats whose files may hold several pages: TIFF, BigTIFF, GIF, PNG (APNG), DCX; WebP and AVIF are seen below.
_FRAMES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"GIF8", b"\x89PNG\r\n\x1a\n", b"\xb1\x68\xde\x3a")
_COMPRESSED: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "tar.gz"),
    (b"BZh", "tar.bz2"),
    (b"\xfd7zXZ\x00", "tar.xz"),
)
_IMAGE = (b"\xff\xd8\xff", b"8BPS", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")
# Images that begin like text, as nothing but them begins: xv thumbnails, PAM, PFM, X bitmaps and pixmaps, FITS,
# PostScript. Portable maps are told from text by what follows.
_TEXTUAL_IMAGE = re.compile(
    rb"P7 332\s|P7\s+(#[^\n]*\n)*(WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE) |P[Ff]\s+\d+\s+\d+\s+-?[\d.]+\s"
    rb"|\s*#define[ \t]+\S*_width[ \t]+\d+\s+#define[ \t]+\S*_height[ \t]+\d+\s.*_bits\[|/\* XPM \*/"
    rb"|SIMPLE  = {20}T|%!PS",
    re.DOTALL,
)
_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_BILEVEL_MAP = re.compile(rb"P([14])" + _SPACE + rb"(\d{1,9})" + _SPACE + rb"(\d{1,9})\s")
_DEEPER_MAP = re.compile(rb"P([2356])" + _SPACE + rb"(\d{1,9})" + _SPACE + rb"(\d{1,9})" + _SPACE + rb"(\d{1,5})\s")
_NOT_IN_PLAIN_MAP = re.compile(rb"[^\d\s]")
_COMMENT = re.compile(rb"#[^\r\n]*")


def kind_of(file: BinaryIO) -> Kind:
    """Return what `file` is, and put it back to its beginning."""
    head, size_bytes = head_of(file), file.seek(0, io.SEEK_END)
    kind = kind_of_head(head, size_bytes)
    if kind == "unknown":
        kind = _compressed_tar(file, head)
    file.seek(0)
    return kind


def head_of(file: BinaryIO) -> bytes:
    """Return the first bytes of `file`, and put it back to its beginning."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


def kind_of_head(head: bytes, size_bytes: int) -> Kind:
    """Return what a file of `size_bytes` is that begins with `head` (up to `HEAD_BYTES`).

    Compressed streams are not looked into.
    """
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_FRAMES) or (head[8:12] == b"WEBP" and head.startswith(b"RIFF")) or head[4:12] == b"ftypavis":
        return "frames"
    if head.startswith(_IMAGE) or _TEXTUAL_IMAGE.match(head) or _is_portable_map(head, size_bytes):
        return "image"
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if _is_tar_header(head[:512]):
        return "tar"
    return "text" if _is_text(head) else "unknown"


def _is_portable_map(head: bytes, size_bytes: int) -> bool:
    """Return whether a file is a PBM, PGM or PPM: "P5 120 80 255 was torn" begins like one, but has no such pixels."""
    header = _BILEVEL_MAP.match(head) or _DEEPER_MAP.match(head)
    if not header:
        return False
    kind, width, height, *deepest = (int(number) for number in header.groups())
    samples = 3 if kind in (3, 6) else 1
    if kind <= 3:
        body = _COMMENT.sub(b"", head[header.end() :])
        numbers = len(b"".join(body.split())) if kind == 1 else len(body.split())
        return not _NOT_IN_PLAIN_MAP.search(body) and (size_bytes > len(head) or numbers >= width * height * samples)
    row_bytes = -(-width // 8) if kind == 4 else width * samples * (2 if deepest[0] > 255 else 1)
    return size_bytes == header.end() + height * row_bytes or not _is_text(head)


def _compressed_tar(file: BinaryIO, head: bytes) -> Kind:
    for magic, kind in _COMPRESSED:
        if head.startswith(magic):
            file.seek(0)
            try:
                with decompressed(file, kind) as stream:
                    return kind if _is_tar_header(stream.read(512)) else "unknown"
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                return "unknown"
    return "unknown"


def decompressed(file: BinaryIO, kind: Kind) -> BinaryIO:
    """Return the stream inside a compressed TAR; `file` stays open when it is closed."""
    match kind:
        case "tar.gz":
            return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
        case "tar.bz2":
            return bz2.BZ2File(file)  # type: ignore[return-value]
        case "tar.xz":
            return lzma.LZMAFile(file)  # type: ignore[return-value]
    return file


def _is_tar_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _is_text(head: bytes) -> bool:
    if not head:
        return False
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode("utf-8", "replace")
    printed = sum(32 <= byte < 127 or byte in b"\t\n\r\f" for byte in head)
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    try:
        head[:-3].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return control == 0 and printed >= 0.85 * len(head)
    return control == 0
