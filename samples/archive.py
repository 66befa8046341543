"""Packs drawn pages as archives look: folders, a ZIP of mixed formats, a multi-page TIFF, a PDF; truth beside them."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samples.ageing import Scan, Wear, scan
from samples.pages import HEIGHT, WIDTH, PageDesign, draw
from samples.sheet import Sheet

_LONG_AGO = (1890, 3, 29, 6, 0, 0)
_ZIP_TIME = (1990, 3, 29, 6, 0, 0)  # ZIP knows no year before 1980
_DPI = (150, 150)

Encoder = Callable[[Scan], bytes]


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, dpi=_DPI, **options)
    return buffer.getvalue()


def _bilevel(page: Scan) -> Image.Image:
    return Image.fromarray(page.grey).point(lambda value: 255 * (value > 128), "1")


def grey_png(page: Scan) -> bytes:
    """8-bit grey."""
    return _encoded(Image.fromarray(page.grey), "PNG", compress_level=4)


def deep_png(page: Scan) -> bytes:
    """12 bits of grey in 16, as many scanners write them."""
    return _encoded(Image.fromarray(page.grey.astype(np.uint16) * 16), "PNG", compress_level=4)


def fax_tiff(page: Scan) -> bytes:
    """Black and white, Group 4."""
    return _encoded(_bilevel(page), "TIFF", compression="group4")


def inverted_png(page: Scan) -> bytes:
    """Black and white by a palette whose first entry is white."""
    indices = Image.fromarray((page.grey <= 128).astype(np.uint8))
    indices.putpalette([255, 255, 255, 0, 0, 0])
    return _encoded(indices, "PNG", bits=1)


def palette_gif(page: Scan) -> bytes:
    """Sixteen greys by a palette."""
    colours = Image.fromarray(page.grey // 16)
    colours.putpalette([channel * 17 for channel in range(16) for _ in range(3)])
    buffer = io.BytesIO()
    colours.save(buffer, "GIF")
    return buffer.getvalue()


def turned_jpeg(page: Scan) -> bytes:
    """In colour, stored on its side with the orientation that puts it upright."""
    exif = Image.Exif()
    exif[274] = 6
    return _encoded(Image.fromarray(page.rgb).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=85, exif=exif)


def cmyk_jpeg(page: Scan) -> bytes:
    """As printers send them."""
    return _encoded(Image.fromarray(page.rgb).convert("CMYK"), "JPEG", quality=85)


def broken_jpeg(page: Scan) -> bytes:
    """A file that was cut off while it was copied."""
    return turned_jpeg(page)[:60_000]


_COURIER: tuple[tuple[str, Encoder, PageDesign | None, Wear], ...] = (
    (
        "p1.png", grey_png,
        PageDesign(
            11, columns=4, rules=True, banner=True, title="The Morning Courier",
            dateline="No. 4,112 · Saturday, 29 March 1890 · Price One Penny",
        ),
        Wear(11, 0.2),
    ),
    ("p2.png", deep_png, PageDesign(12, columns=5, type_size=18, pitch=23, picture="halftone"), Wear(12, -0.3)),
    ("p3.jpg", turned_jpeg, PageDesign(13, columns=3, type_size=20, pitch=26, banner=True), Wear(13)),
    ("p4.tif", fax_tiff, PageDesign(14, columns=4, advertisements=True, rules=True), Wear(14, specks=200)),
    ("p9.jpg", broken_jpeg, PageDesign(15), Wear(15)),
    ("p10.png", inverted_png, None, Wear(16, specks=20)),
)  # fmt: skip
_POST: tuple[tuple[str, Encoder, PageDesign | None, Wear], ...] = (
    (
        "post_p1.tif", fax_tiff,
        PageDesign(
            21, columns=6, type_size=16, pitch=20, gutter=24, rules=True, title="Evening Post",
            dateline="Volume XII · Tuesday, 1 April 1890 · Three Halfpence",
        ),
        Wear(21),
    ),
    ("post_p2.gif", palette_gif, PageDesign(22, columns=4, picture="grey"), Wear(22, 0.3)),
    ("post_p3.png", deep_png, PageDesign(23, columns=6, type_size=16, pitch=20, gutter=24), Wear(23, noise=7)),
    ("post_p4.jpg", cmyk_jpeg, PageDesign(24, columns=2, type_size=22, pitch=28, gutter=44), Wear(24, stains=12)),
)  # fmt: skip
_GAZETTE = (
    PageDesign(31, columns=3, rules=True, title="The Gazette", dateline="Published by Authority · 3 April 1890"),
    PageDesign(32, columns=3, rules=True),
    PageDesign(33, columns=3, rules=True, advertisements=True),
)
_HERALD = (
    PageDesign(41, columns=5, type_size=18, pitch=23, title="The Weekly Herald", dateline="Sunday, 6 April 1890"),
    PageDesign(42, columns=5, type_size=18, pitch=23, picture="grey", picture_column=3, rules=True),
    PageDesign(43, columns=4, banner=True),
)


def make_archive(root: Path) -> Iterator[str]:
    """Write the archive and its truth into `root`; yields the name of each page as it is written."""
    root.mkdir(parents=True, exist_ok=True)
    outer: dict[str, Any] = {}
    yield from _courier(root / "morning_courier")
    yield from _post(root / "evening_post.zip", outer)
    yield from _gazette(root / "gazette.tif", outer)
    yield from _herald(root / "weekly_herald.pdf", outer)
    _write_truth(root, outer)


def make_load(root: Path, pages: int) -> Iterator[str]:
    """Write `pages` different black and white pages, a thousand to a folder, for trying out load; no truth."""
    drawn = [_bilevel(_page(design, Wear(design.seed))) for design in (*_GAZETTE, *_HERALD)]
    for number in range(1, pages + 1):
        folder = root / f"volume{(number - 1) // 1000 + 1:04}"
        folder.mkdir(parents=True, exist_ok=True)
        sheet = Sheet(drawn[0].width, drawn[0].height)
        sheet.image = drawn[number % len(drawn)].convert("L")
        sheet.centred(str(number), 0, sheet.width, 60, 24)
        path = folder / f"p{number:06}.tif"
        sheet.image.convert("1", dither=Image.Dither.NONE).save(path, compression="group4", dpi=_DPI)
        yield f"{folder.name}/{path.name}"


def _page(design: PageDesign | None, wear: Wear) -> Scan:
    return scan(draw(design) if design else Sheet(WIDTH, HEIGHT), wear)


def _courier(folder: Path) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    truth: dict[str, Any] = {}
    for name, encode, design, wear in _COURIER:
        page = _page(design, wear)
        (folder / name).write_bytes(encode(page))
        if encode is not broken_jpeg:
            truth[name] = _truth(page)
        yield f"{folder.name}/{name}"
    _write_truth(folder, truth)


def _post(path: Path, truth: dict[str, Any]) -> Iterator[str]:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, encode, design, wear in _POST:
            page = _page(design, wear)
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), encode(page))
            truth[name] = _truth(page)
            yield f"{path.name}/{name}"


def _gazette(path: Path, truth: dict[str, Any]) -> Iterator[str]:
    pages = [_page(design, Wear(design.seed, 0.1)) for design in _GAZETTE]
    first, *others = [Image.fromarray(page.grey) for page in pages]
    first.save(path, save_all=True, append_images=others, compression="tiff_adobe_deflate", dpi=_DPI)
    yield from _numbered(path.name, pages, truth)


def _herald(path: Path, truth: dict[str, Any]) -> Iterator[str]:
    pages = [_page(design, Wear(design.seed)) for design in _HERALD]
    first, *others = [Image.fromarray(page.grey) for page in pages]
    long_ago = time.struct_time((*_LONG_AGO, 5, 88, 0))
    first.save(
        path, save_all=True, append_images=others, resolution=_DPI[0], quality=85,
        creationDate=long_ago, modDate=long_ago,
    )  # fmt: skip
    yield from _numbered(path.name, pages, truth)


def _numbered(name: str, pages: list[Scan], truth: dict[str, Any]) -> Iterator[str]:
    for number, page in enumerate(pages, start=1):
        truth[f"{name}#{number}"] = _truth(page)
        yield f"{name}#{number}"


def _truth(page: Scan) -> dict[str, Any]:
    height, width = page.grey.shape
    return {
        "width": width, "height": height, "lines": page.lines, "separators": page.separators,
        "separator_polygons": page.separator_polygons, "images": page.images, "faces": page.faces,
    }  # fmt: skip


def _write_truth(folder: Path, truth: dict[str, Any]) -> None:
    (folder / "truth.json").write_text(json.dumps(truth, separators=(",", ":")) + "\n")
