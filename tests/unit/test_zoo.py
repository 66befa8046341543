"""Every odd, broken and hostile image there is: a page in 8 bits or one sentence why not; never anything else."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orchestrator.discovery.discovery import FoundPage, find_pages, open_volume
from workers.errors import ImageTooLarge, PageError, UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.stages.palette.normalise import NormalisedPage, normalise

LIMITS = Limits()
ZOOS = ("zoo_exif_orientation", "zoo_leptonica", "zoo_pillow", "zoo_png_suite")
BROKEN = {  # by their makers' intent, or formats that Pillow has no name for
    "broken.png", "broken_data_stream.png", "cross_scan_line_truncated.tga", "decompression_bomb.gif",
    "decompression_bomb_extents.gif",
       "decompression_bomb.ico", "hopper.gd", "hopper.mic", "hopper.wal", "hopper_bad.p7", "hopper_bad_checksum.msp",
    "hopper_naxis_zero.fits", "hopper_unknown_pixel_mode.tif", "hopper_webp.tif", "l2rgb_read.bmp",
    "pngtest_bad.png.bin", "truncated_end_chunk.png", "truncated_image.png", "truncated_jpeg.jpg",
}  # fmt: skip


def load(root: Path, page: FoundPage) -> NormalisedPage:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return normalise(open_page(root, page.address, LIMITS))


@pytest.fixture(scope="module")
def zoo(shared_data: Path) -> Iterator[dict[str, list[FoundPage]]]:
    yield {name: list(find_pages(open_volume(shared_data / name))) for name in ZOOS}


@pytest.mark.parametrize("name", ZOOS)
def test_every_animal_is_a_page_or_has_a_reason(name: str, zoo: dict[str, list[FoundPage]], shared_data: Path) -> None:
    failed = set()
    for page in zoo[name]:
        try:
            if page.error:
                raise page.error
            result = load(shared_data / name, page)
        except PageError as error:
            failed.add(page.address.members[-1].rpartition("/")[2])
            assert error.code in ("unreadable_image", "image_too_large")
            assert page.address.name in str(error) and str(error).endswith(".")
        else:
            height, width = result.grey.shape
            assert result.grey.dtype == result.rgb.dtype == np.uint8
            assert result.rgb.shape == (height, width, 3) and height and width
    assert failed == {one for one in failed if one in BROKEN or one.startswith("x")}  # PngSuite: x is for broken
    assert len(failed) < len(zoo[name]) / 5


def test_no_file_of_the_zoo_is_lost(zoo: dict[str, list[FoundPage]], shared_data: Path) -> None:
    for name, pages in zoo.items():
        images = {".png", ".jpg", ".tif", ".tiff", ".gif", ".bmp", ".webp", ".jp2", ".ppm", ".tga", ".ico", ".bin"}
        files = {p.relative_to(shared_data / name).as_posix() for p in (shared_data / name).rglob("*") if p.is_file()}
        found = {page.address.members[0] for page in pages}
        assert {file for file in files - found if Path(file).suffix in images} == set()


@cache
def hopper(path: Path) -> NormalisedPage:
    return normalise(open_page(path.parent, PageAddress((path.name,)), LIMITS))


# Formats that keep every pixel of the 128 x 128 portrait; by colour, and those that only have grey.
SAME_COLOURS = [
    "hopper.bmp", "hopper.dcx", "hopper.dds", "hopper.jpg", "hopper.pnm", "hopper.ppm", "hopper.psd", "hopper.pxr",
    "hopper.qoi", "hopper.ras", "hopper.rgb", "hopper.sgi", "hopper.tif", "hopper.webp", "hopper16.rgb",
    "hopper.iccprofile.tif", "hopper_bigtiff.tif", "hopper_lzma.tif", "hopper_lzw.tif", "hopper_jpg.tif",
    "hopper_8bit.ppm", "hopper_8bit_plain.ppm", "hopper.Lab.tif", "hopper_idat_after_image_end.png",
    *[f"hopper_orientation_{n}.{suffix}" for n in range(2, 9) for suffix in ("jpg", "webp")],
]  # fmt: skip
PALETTES = [
    "hopper.gif",
    "hopper.fli",
    "hopper.xpm",
    "hopper.p7",
    "hopper_rle8.bmp",
    "hopper_zero_comment_subblocks.gif",
]
GREYS = [
    "hopper.bw", "hopper.fits", "hopper.pfm", "hopper_be.pfm", "hopper.spider", "hopper_16bit.pgm", "hopper_8bit.pgm",
    "hopper_16bit_plain.pgm", "hopper_8bit_plain.pgm", "hopper_gray.jpg", "hopper_gray_4bpp.tif",
]  # fmt: skip
BILEVEL = ["hopper.msp", "hopper.xbm", "hopper_1bit.pbm", "hopper_1bit_plain.pbm", "hopper_g4.tif"]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [(n, 4) for n in SAME_COLOURS] + [(n, 25) for n in PALETTES] + [(n, 9) for n in GREYS],
)
def test_one_portrait_in_every_format_looks_alike(name: str, allowed: float, shared_data: Path) -> None:
    wanted, page = hopper(shared_data / "zoo_pillow" / "hopper.png"), hopper(shared_data / "zoo_pillow" / name)
    assert page.grey.shape == wanted.grey.shape
    assert np.abs(page.grey.astype(int) - wanted.grey).mean() < allowed


@pytest.mark.parametrize("name", BILEVEL)
def test_a_bilevel_portrait_is_no_negative(name: str, shared_data: Path) -> None:
    wanted, page = hopper(shared_data / "zoo_pillow" / "hopper.png"), hopper(shared_data / "zoo_pillow" / name)
    correlation = np.corrcoef(page.grey.ravel(), wanted.grey.ravel())[0, 1]
    assert correlation > 0.4


@pytest.mark.parametrize("picture", ["Landscape", "Portrait"])
def test_photographs_turned_eight_ways_are_upright(picture: str, shared_data: Path) -> None:
    folder = shared_data / "zoo_exif_orientation"
    upright = hopper(folder / f"{picture}_1.jpg").grey.astype(int)
    for orientation in range(9):
        page = hopper(folder / f"{picture}_{orientation}.jpg").grey
        assert page.shape == upright.shape
        assert np.abs(page - upright).mean() < 6  # each was compressed by itself


def test_fax_pages_turned_eight_ways_are_upright(shared_data: Path) -> None:
    folder = shared_data / "zoo_pillow"
    upright = hopper(folder / "g4_orientation_1.tif").grey
    for orientation in range(2, 9):
        page = hopper(folder / f"g4_orientation_{orientation}.tif").grey
        assert (page != upright).mean() < 0.005  # each was drawn by itself


@pytest.mark.parametrize("name", ["12bit.cropped.tif", "12in16bit.tif"])
def test_twelve_bits_are_not_black(name: str, shared_data: Path) -> None:
    assert hopper(shared_data / "zoo_pillow" / name).grey.max() > 127


def test_scans_with_an_inverted_palette_are_dark_on_light(shared_data: Path) -> None:
    page = hopper(shared_data / "newspaper_gbn" / "Kolonie18640716-p01.png")
    assert set(np.unique(page.grey[:500])) <= {0, 255}
    assert page.grey.mean() > 180


SMALL_FORMATS = (
    "PNG",
    "TIFF",
    "GIF",
    "JPEG",
    "BMP",
    "WEBP",
    "JPEG2000",
    "PPM",
    "TGA",
    "ICO",
    "PCX",
    "SGI",
    "AVIF",
    "PDF",
)


@cache
def small_image(kind: str) -> bytes:
    buffer = io.BytesIO()
    x, y = np.meshgrid(np.arange(24), np.arange(16))
    Image.fromarray(((x * 7 + y * 5) % 256).astype(np.uint8)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(SMALL_FORMATS), data=st.data())
def test_damaged_images_give_a_page_or_a_page_error(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = small_image(kind)
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)), "kept")])
    for position, bit in data.draw(st.lists(st.tuples(st.integers(0, len(whole)), st.integers(0, 7)), max_size=4)):
        if position < len(damaged):
            damaged[position] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind.lower()}"
    path.write_bytes(damaged)
    small = Limits(max_pixels=10_000_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for page in find_pages(open_volume(path), small):
            try:
                result = normalise(open_page(path, page.address, small))
            except (UnreadableImage, ImageTooLarge) as error:
                assert path.name in str(error)
            else:
                assert result.grey.dtype == np.uint8
