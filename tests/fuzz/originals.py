"""What is mutated: a small file of every kind that is read, drawn; and the small ones of the zoos, where they are."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import tifffile
from PIL import Image

_SHARED = Path(__file__).parents[2].parent / "shared" / "data"
_SMALL_BYTES = 40_000
_OF_BOTH = ("PNG", "JPEG", "JPEG2000", "GIF", "BMP", "WEBP", "PPM", "TGA", "PCX", "SGI")
_NAMES = (
    b"p1.png", b"a/p2.png", b"M\xc3\xa4rz 1.png", b"M\xe4rz.png", b"../p.png", b"/etc/p.png", b"a\\p.png", b"C:\\p.png",
    b"bell\x07.png", b"n" * 300 + b".png", b"/".join([b"d"] * 90) + b"/p.png", b".hidden.png",
    b"__MACOSX/p.png", b"p", b" ",
    b"\xe0\xa4\xb9\xe0\xa4\xbf.png", b"nul\x00l.png", b"Icon\r", b"p1.png", b"new\nline.png",
    b"\xff\xfe.png", b"-rf.png",
)  # fmt: skip

Options = dict[str, Any]


def page(seed: int = 0, size: tuple[int, int] = (40, 56)) -> Image.Image:
    """Return a small grey page with rows of ink that differ with the seed."""
    grey = np.full((size[1], size[0]), 225, np.uint8)
    for row in range(4, size[1] - 4, 7):
        grey[row : row + 3, 3 : size[0] - 4 - (row + seed) % 9] = 30 + seed % 60
    return Image.fromarray(grey)


@cache
def originals() -> dict[str, bytes]:
    """Return the files by a name that tells their kind."""
    files = {**_images(), **_tiffs(), **_pdfs()}
    small = {name: files[name] for name in ("L.PNG", "RGB.JPEG", "multi.TIFF", "book.PDF")}
    for kind in ("w", "w:gz", "w:bz2", "w:xz"):
        files[f"tar {kind}"] = _tar({name.encode(): data for name, data in small.items()}, kind)
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        files[f"zip {compression}"] = _zip(small, compression)
    files["zip in tar"] = _tar({b"inner.zip": files["zip 8"], b"p.png": files["L.PNG"]}, "w:gz")
    files["tar in zip"] = _zip({"inner.tar.gz": files["tar w:gz"], "p.png": files["L.PNG"]}, zipfile.ZIP_DEFLATED)
    files["gzip"] = gzip.compress(files["L.PNG"])
    files["text"] = b"P5 12 13 255 and other notes\n" * 9
    return files | _zoo()


def _images() -> dict[str, bytes]:
    grey = page()
    colour = Image.merge("RGB", [grey, page(3), page(5)])
    kinds: list[tuple[str, Image.Image, Options]] = [
        *((kind, image, {}) for kind in _OF_BOTH for image in (grey, colour)),
        *((kind, colour, {}) for kind in ("AVIF", "QOI", "DDS", "IM", "ICO", "MPO")), ("PNG", grey.convert("1"), {}),
        ("PNG", colour.convert("RGBA"), {}), ("PNG", colour.convert("P"), {"transparency": 3}),
        ("PNG", Image.fromarray(np.asarray(grey).astype(np.uint16) * 16), {}), ("JPEG", colour.convert("CMYK"), {}),
        ("JPEG", grey.convert("RGB"), {"progressive": True, "exif": _turned(6)}), ("PPM", grey.convert("1"), {}),
    ]  # fmt: skip
    files = {}
    for kind, image, options in kinds:
        files[f"{image.mode}.{kind}{'+' if options else ''}"] = _saved(image, kind, **options)
    for kind in ("GIF", "PNG", "WEBP"):
        files[f"multi.{kind}"] = _saved(colour, kind, save_all=True, append_images=[colour.rotate(180), colour])
    files["RGB16.PNG"] = _deep_png()
    files["noend.JPEG"] = files["L.JPEG"][:-2]
    return files


def _tiffs() -> dict[str, bytes]:
    grey = page()
    colour = Image.merge("RGB", [grey, page(3), page(5)])
    files = {}
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"):
        files[f"{compression}.TIFF"] = _saved(colour, "TIFF", compression=compression)
    for compression in ("group3", "group4", "tiff_ccitt"):
        files[f"{compression}.TIFF"] = _saved(grey.convert("1"), "TIFF", compression=compression)
    files["P.TIFF"] = _saved(colour.convert("P"), "TIFF")
    files["multi.TIFF"] = _saved(grey, "TIFF", save_all=True, append_images=[page(2), page(4)])
    rgb = np.asarray(colour).astype(np.uint16)
    grey16 = np.asarray(grey).astype(np.uint16)
    deep: dict[str, tuple[Any, Options]] = {
        "rgb12": (rgb * 16, {"photometric": "rgb"}),
        "rgb16 tiled": (rgb * 257, {"photometric": "rgb", "tile": (16, 16), "compression": "zlib"}),
        "rgb16 planar": (np.moveaxis(rgb, 2, 0) * 257, {"photometric": "rgb", "planarconfig": "separate"}),
        "grey16 big": (grey16 * 257, {"photometric": "miniswhite", "bigtiff": True, "byteorder": ">"}),
        "float": (np.asarray(grey) / np.float32(255), {"photometric": "minisblack"}),
        "cmyk16": (np.dstack([rgb, rgb[:, :, 0]]), {"photometric": "separated"}),
    }
    for name, (values, options) in deep.items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values, metadata=None, **options)
        files[f"{name}.TIFF"] = buffer.getvalue()
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        tiff.write(np.asarray(grey)[::4, ::4], subfiletype=1, subifds=1, photometric="minisblack", metadata=None)
        tiff.write(np.asarray(grey), photometric="minisblack", metadata=None)
    return files | {"sub.TIFF": buffer.getvalue()}


def _pdfs() -> dict[str, bytes]:
    colour = Image.merge("RGB", [page(), page(3), page(5)])
    return {
        "book.PDF": _saved(page(), "PDF", save_all=True, append_images=[page(1), colour]),
        "bilevel.PDF": _saved(page().convert("1"), "PDF"),
    }


def archive(random: Random) -> bytes:
    """Return an archive whose members have hostile names."""
    names = random.sample(_NAMES, random.randint(1, 6))
    kinds = sorted(originals().keys() - {"text"})
    members = {name: originals()[random.choice(kinds)] for name in names}
    if random.random() < 0.5:
        return _tar(members, random.choice(("w", "w:gz", "w:bz2", "w:xz")))
    data = _zip({f"{place:04}" + "x" * (len(name) - 4): held for place, (name, held) in enumerate(members.items())})
    for place, name in enumerate(members):  # the module writes names only as text
        if len(name) >= 4:
            data = data.replace(f"{place:04}".encode() + b"x" * (len(name) - 4), name)
    return data


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def _deep_png() -> bytes:
    values = np.dstack([np.asarray(page(seed)).astype(">u2") * 16 for seed in (0, 3, 5)])
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">LLBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _tar(members: dict[bytes, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.GNU_FORMAT) as tar:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace(b"\0", b"_").decode("utf-8", "surrogateescape"))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _zoo() -> dict[str, bytes]:
    files = sorted(path for folder in _SHARED.glob("zoo_*") for path in folder.rglob("*") if path.is_file())
    return {f"zoo {path.name}": path.read_bytes() for path in files if path.stat().st_size <= _SMALL_BYTES}
