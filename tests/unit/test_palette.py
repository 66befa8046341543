"""Whatever the mode, palette, depth or orientation: the same picture, upright, dark on light, in 8 bits."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from workers.errors import UnreadableImage
from workers.stages.palette.depth import value_range
from workers.stages.palette.normalise import NormalisedPage, normalise

HEIGHT, WIDTH = 24, 32


def ramp() -> Image.Image:
    """Black at the left to white at the right, lighter in the upper half so that no flip goes unseen."""
    values = np.tile(np.linspace(0, 200, WIDTH), (HEIGHT, 1))
    values[: HEIGHT // 2] += 55
    return Image.fromarray(values.astype(np.uint8))


def difference(page: NormalisedPage, wanted: Image.Image) -> float:
    return float(np.abs(page.grey.astype(int) - np.asarray(wanted.convert("L"), int)).mean())


def assert_is_page(page: NormalisedPage, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    assert page.grey.dtype == page.rgb.dtype == np.uint8
    assert page.grey.shape == (size[1], size[0])
    assert page.rgb.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "mode", ["L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"]
)
def test_every_mode_gives_the_same_picture(mode: str) -> None:
    via = {"La": "LA", "RGBa": "RGBA", "PA": "P", "HSV": "RGB"}.get(mode)
    image = (ramp().convert(via) if via else ramp()).convert(mode)
    page = normalise(image)
    assert_is_page(page)
    assert difference(page, ramp()) < (4 if mode == "P" else 1.5)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("depth", [10, 12, 14, 16])
def test_deep_images_are_scaled_by_the_bits_they_use(depth: int, order: str) -> None:
    values = np.asarray(ramp(), np.uint32) * (2**depth - 1) // 255
    image = Image.frombytes("I;16" if order == "<" else "I;16B", (WIDTH, HEIGHT), values.astype(f"{order}u2").tobytes())
    assert difference(normalise(image), ramp()) < 1


def test_thirty_two_bit_integers_and_floats_are_scaled() -> None:
    values = np.asarray(ramp(), np.float64)
    for scaled in (values / 255, values * 257, values * 16_843_009 / 2, values / 1e6):
        assert difference(normalise(Image.fromarray(scaled.astype(np.float32))), ramp()) < 1
    negative = Image.fromarray((values * 100 - 12_000).astype(np.int32))
    assert difference(normalise(negative), ramp()) < 1


def test_floats_without_a_number_become_paper() -> None:
    values = np.asarray(ramp(), np.float32).copy()
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    grey = normalise(Image.fromarray(values)).grey
    assert (grey[0, :3] == (255, 255, 0)).all()
    assert_is_page(normalise(Image.fromarray(np.full((HEIGHT, WIDTH), np.nan, np.float32))))


def test_a_blank_deep_page_stays_blank() -> None:
    noise = np.random.default_rng(1).integers(60_000, 60_200, (HEIGHT, WIDTH)).astype(np.uint16)
    assert np.ptp(normalise(Image.fromarray(noise)).grey) <= 1


@given(st.floats(-1e30, 1e30), st.floats(0, 1e30), st.booleans())
def test_a_value_range_holds_its_values(lowest: float, span: float, is_float: bool) -> None:
    highest = lowest + span
    if not is_float:
        lowest, highest = float(int(lowest)), float(int(highest))
    black, white = value_range(lowest, highest, is_float)
    assert black <= lowest <= highest <= white


@pytest.mark.parametrize(
    ("highest", "is_float", "white"),
    [(1, False, 1), (15, False, 15), (4000, False, 4095), (65535, False, 65535), (0.5, True, 1), (1.2, True, 1.2)],
)
def test_white_is_where_the_depth_ends(highest: float, is_float: bool, white: float) -> None:
    assert value_range(0, highest, is_float) == (0, white)


def test_a_palette_says_what_is_ink_whatever_its_order() -> None:
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    ink[5:9, 3:20] = 1
    for colours, swapped in (((255, 255, 255, 0, 0, 0), False), ((0, 0, 0, 255, 255, 255), True)):
        image = Image.fromarray(ink ^ swapped)
        image.putpalette(colours)
        grey = normalise(image).grey
        assert (grey[ink == 1] == 0).all()
        assert (grey[ink == 0] == 255).all()


def test_a_dark_photograph_is_not_turned_into_its_negative() -> None:
    dark = Image.fromarray(np.full((HEIGHT, WIDTH), 20, np.uint8))
    assert (normalise(dark).grey == 20).all()


def test_a_deep_tiff_whose_minimum_is_white_is_turned_round(tmp_path: Path) -> None:
    values = np.asarray(ramp()).astype(np.uint16) * 257
    Image.fromarray(65535 - values).save(tmp_path / "page.tif", tiffinfo={262: 0})  # Pillow only marks it
    with Image.open(tmp_path / "page.tif") as image:
        assert difference(normalise(image), ramp()) < 1


@pytest.mark.parametrize("mode", ["1", "L"])
def test_a_tiff_that_pillow_turns_round_is_not_turned_twice(mode: str, tmp_path: Path) -> None:
    page = Image.new(mode, (2, 1), 255)
    page.putpixel((1, 0), 0)
    page.save(tmp_path / "page.tif", tiffinfo={262: 0})
    with Image.open(tmp_path / "page.tif") as image:
        assert normalise(image).grey.tolist() == [[255, 0]]


def test_a_colour_palette_keeps_its_colours() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 10, 10, 10, 10, 200])
    image.putpixel((1, 0), 1)
    assert normalise(image).rgb.tolist() == [[[200, 10, 10], [10, 10, 200]]]


def transparent(mode: str) -> Image.Image:
    """One pixel fully transparent black, one opaque black."""
    if mode == "P":
        image = Image.new("P", (2, 1))
        image.putpalette([0, 0, 0, 0, 0, 0])
        image.putpixel((1, 0), 1)
        image.info["transparency"] = 0
        return image
    if mode in ("1", "L", "I;16", "RGB"):
        image = Image.new(mode, (2, 1), {"1": 1, "L": 255, "I;16": 65535, "RGB": "white"}[mode])
        image.putpixel((1, 0), (0, 0, 0) if mode == "RGB" else 0)
        image.info["transparency"] = (255, 255, 255) if mode == "RGB" else {"1": 1, "L": 255, "I;16": 65535}[mode]
        return image
    image = Image.new("LA", (2, 1), (0, 0))
    image.putpixel((1, 0), (0, 255))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "P", "LA", "RGBA"])
def test_transparency_lies_over_white(mode: str) -> None:
    assert normalise(transparent(mode)).grey.tolist() == [[255, 0]]


def test_half_transparent_ink_is_grey() -> None:
    image = Image.new("RGBA", (1, 1), (0, 0, 0, 128))
    assert abs(int(normalise(image).grey[0, 0]) - 127) <= 1


ORIENTED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_eight_orientations_give_one_picture(orientation: int, suffix: str, tmp_path: Path) -> None:
    stored = ramp().transpose(ORIENTED[orientation]) if orientation > 1 else ramp()
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    stored.save(tmp_path / f"page.{suffix}", exif=exif, **options)
    # A file, not a path: Pillow maps uncompressed TIFFs given by path into memory and then turns them wrongly.
    with (tmp_path / f"page.{suffix}").open("rb") as file, Image.open(file) as image:
        page = normalise(image)
    assert_is_page(page)
    assert difference(page, ramp()) == 0


@pytest.mark.parametrize("broken", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01", b""])
def test_a_broken_orientation_is_ignored(broken: bytes) -> None:
    image = ramp()
    image.info["exif"] = broken
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(normalise(image), ramp()) == 0


def profile(name: Any) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


@pytest.mark.parametrize("broken", [b"not a profile", b"\0" * 128, profile("sRGB")[:300], profile("LAB")])
def test_a_broken_or_foreign_profile_is_ignored(broken: bytes) -> None:
    image = ramp().convert("RGB")
    image.info["icc_profile"] = broken
    assert difference(normalise(image), ramp()) == 0


def test_a_profile_decides_what_a_colour_is(shared_data: Path) -> None:
    source = next((shared_data / "periodical_argus").glob("*.jpg"))
    with Image.open(source) as image:
        icc = image.info["icc_profile"]
    assert "Adobe RGB" in str(ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.profile_description)
    image = Image.new("RGB", (1, 1), (200, 100, 100))
    image.info["icc_profile"] = icc
    red, green, _ = normalise(image).rgb[0, 0].tolist()
    assert red > 205 and green <= 100  # a wider gamut: the same numbers are a stronger colour


def test_lab_becomes_what_it_looks_like() -> None:
    image = Image.new("LAB", (1, 1), (255, 128, 128))
    assert normalise(image).rgb.tolist() == [[[254, 255, 254]]]


def test_rgb_of_a_grey_page_costs_no_memory() -> None:
    page = normalise(ramp())
    assert np.shares_memory(page.grey, page.rgb)


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="no pixels"):
        normalise(Image.new("L", (0, 5)))
