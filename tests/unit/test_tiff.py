"""Which pictures of a TIFF are pages, and that each shows what is in it: every depth, layout, order and colour."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from orchestrator.discovery.discovery import find_pages, open_volume
from workers.errors import ImageTooLarge, UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.sources.tiff import open_tiff
from workers.stages.palette.normalise import NormalisedPage, normalise

WIDTH, HEIGHT = 83, 61  # of no round number: tiles and strips are cut off
Array = npt.NDArray[Any]


def drawn() -> npt.NDArray[np.float64]:
    """Paper that darkens to the right with rows of ink, from 0 to 1, (height, width)."""
    page = np.tile(np.linspace(0.95, 0.7, WIDTH), (HEIGHT, 1))
    page[6:10, 5:60] = page[20:24, 5:40] = 0.08
    return page


def coloured() -> npt.NDArray[np.float64]:
    """The drawn page in three channels that differ."""
    return drawn()[:, :, np.newaxis] * np.array([1.0, 0.9, 0.75])


def page_of(path: Path, frame: int | None = None) -> NormalisedPage:
    return normalise(open_page(path.parent, PageAddress((path.name,), frame), Limits()))


def assert_shows(path: Path, wanted: Array, tolerance: float = 1.5) -> None:
    page = page_of(path)
    shown = page.rgb if wanted.ndim == 3 else page.grey
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted * 255).max() <= tolerance


def names(path: Path) -> list[str]:
    return [page.address.name for page in find_pages(open_volume(path))]


def deep(page: Array, bits: int) -> Array:
    return np.rint(page * (2**bits - 1)).astype(np.uint16)


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"compression": "zlib"},
    {"rowsperstrip": 7},
    {"tile": (32, 32)},
    {"tile": (16, 48), "compression": "zlib"},
    {"bigtiff": True},
]


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_deep_page_is_scaled_by_the_depth_it_uses(
    bits: int, order: Any, layout: dict[str, Any], tmp_path: Path
) -> None:
    grey, rgb = deep(drawn(), bits), deep(coloured(), bits)
    full = np.full((HEIGHT, WIDTH, 1), 2**bits - 1, np.uint16)
    written: list[tuple[Array, Array, dict[str, Any]]] = [
        (grey, drawn(), {"photometric": "minisblack"}),
        (2**bits - 1 - grey, drawn(), {"photometric": "miniswhite"}),
        (rgb, coloured(), {"photometric": "rgb"}),
        (np.dstack([rgb, full]), coloured(), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        (np.dstack([rgb, full]), coloured(), {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
        (np.dstack([rgb, full // 2]), coloured(), {"photometric": "rgb", "extrasamples": ["unspecified"]}),
        (np.dstack([2**bits - 1 - rgb, 0 * full]), coloured(), {"photometric": "separated"}),
        (np.moveaxis(rgb, 2, 0), coloured(), {"photometric": "rgb", "planarconfig": "separate"}),
    ]
    for place, (values, wanted, kind) in enumerate(written):
        path = tmp_path / f"p{place}.tif"
        tifffile.imwrite(path, values.astype(np.uint16), byteorder=order, metadata=None, **kind, **layout)
        assert_shows(path, wanted)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_packed_without_gaps_are_read(bits: int, channels: int, tmp_path: Path) -> None:
    page = coloured() if channels == 3 else drawn()
    values = deep(page, bits).reshape(HEIGHT, -1)
    unpacked = (values[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(unpacked.reshape(HEIGHT, -1).astype(np.uint8), axis=1)
    write_tiff(tmp_path / "p.tif", [{258: (bits,) * channels, 262: 2 if channels == 3 else 1}], [rows.tobytes()])
    assert_shows(tmp_path / "p.tif", page)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_colours_of_few_bits_are_read(bits: int, tmp_path: Path) -> None:
    levels = np.rint(coloured() * (2**bits - 1)).astype(np.uint8)
    unpacked = (levels.reshape(HEIGHT, -1)[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(unpacked.reshape(HEIGHT, -1).astype(np.uint8), axis=1)
    write_tiff(tmp_path / "p.tif", [{258: (bits,) * 3, 262: 2}], [rows.tobytes()])
    assert_shows(tmp_path / "p.tif", levels / (2**bits - 1))


@pytest.mark.parametrize("bits", [1, 8, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_whose_meaning_is_not_told_are_light(bits: int, channels: int, tmp_path: Path) -> None:
    page = coloured() if channels == 3 else drawn()
    levels = np.rint(page * (2**bits - 1)).astype(np.uint16).reshape(HEIGHT, -1)
    stored = ((levels[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    rows = np.packbits(stored.reshape(HEIGHT, -1), axis=1) if bits < 16 else levels.astype("<u2")
    path = tmp_path / "p.tif"
    write_tiff(path, [{258: (bits,) * channels}], [rows.tobytes()])
    told = struct.pack("<HHLL", 262, 4, 1, 1)
    assert path.read_bytes().count(told) == 1
    path.write_bytes(path.read_bytes().replace(told, struct.pack("<HHLL", 65001, 4, 1, 1)))
    assert_shows(path, levels.reshape(page.shape) / (2**bits - 1))


@pytest.mark.parametrize("across, down", [(1, 1), (2, 1), (2, 2), (4, 1)])
@pytest.mark.parametrize("compression", [1, 8])
def test_subsampled_chroma_has_its_own_place(across: int, down: int, compression: int, tmp_path: Path) -> None:
    red, green, blue = (coloured()[:, :, channel] * 255 for channel in range(3))
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    padded = [
        np.pad(plane, ((0, -HEIGHT % down), (0, -WIDTH % across)), "edge")
        for plane in (light, 128 + (blue - light) * 0.564, 128 + (red - light) * 0.713)
    ]
    rows, columns = padded[0].shape[0] // down, padded[0].shape[1] // across
    blocks = [plane.reshape(rows, down, columns, across) for plane in padded]
    unit = [blocks[0].swapaxes(1, 2).reshape(rows, columns, -1)]
    unit += [chroma.mean(axis=(1, 3))[:, :, np.newaxis] for chroma in blocks[1:]]
    data = np.rint(np.concatenate(unit, axis=2)).clip(0, 255).astype(np.uint8).tobytes()
    tags = {258: (8, 8, 8), 262: 6, 259: compression, 530: (across, down)}
    write_tiff(tmp_path / "p.tif", [tags], [data if compression == 1 else zlib.compress(data)])
    shown = page_of(tmp_path / "p.tif").rgb
    assert np.abs(shown - coloured() * 255).mean() < 1


@pytest.mark.parametrize("tile", [None, (32, 32)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [16, 32])
def test_differences_of_whole_numbers_are_summed_up(
    bits: int, channels: int, tile: tuple[int, int] | None, tmp_path: Path
) -> None:
    page = coloured() if channels == 3 else drawn()[:, :, np.newaxis]
    values = np.rint(page * (2**bits - 1)).astype(f"u{bits // 8}")
    width = tile[1] if tile else WIDTH
    stored = values.copy()
    for left in range(0, WIDTH, width):
        part = values[:, left : left + width]
        stored[:, left : left + width] = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
    options: dict[str, Any] = {"tile": tile, "photometric": "rgb" if channels == 3 else "minisblack"}
    path, placeholder = tmp_path / "p.tif", 65317  # the writer keeps the tag of the predictor for itself
    options["extratags"] = [(placeholder, 3, 1, 2, True)]
    tifffile.imwrite(path, stored.squeeze(), compression="zlib", metadata=None, **options)
    entry = struct.pack("<HHLL", placeholder, 3, 1, 2)
    assert path.read_bytes().count(entry) == 1
    path.write_bytes(path.read_bytes().replace(entry, struct.pack("<HHLL", 317, 3, 1, 2)))
    assert_shows(tmp_path / "p.tif", page.squeeze())


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_with_a_point_are_read(kind: str, order: Any, tmp_path: Path) -> None:
    for place, page in enumerate((drawn(), coloured())):
        path = tmp_path / f"{place}.tif"
        photometric: Any = "rgb" if page.ndim == 3 else "minisblack"
        tifffile.imwrite(path, page.astype(kind), byteorder=order, photometric=photometric, metadata=None)
        assert_shows(path, page)


def test_signed_and_long_numbers_are_read(tmp_path: Path) -> None:
    for place, values in enumerate((drawn() * 127, drawn() * 32767, drawn() * (2**32 - 1))):
        path = tmp_path / f"{place}.tif"
        values = values.astype(("i1", "i2", "u4")[place])
        tifffile.imwrite(path, values, photometric="minisblack", byteorder=">", metadata=None)
        assert_shows(path, drawn(), tolerance=3)


def test_grey_with_transparency_lies_over_white(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH), 65535, np.uint16)
    alpha[:5] = 0
    values = np.dstack([deep(drawn(), 16), alpha])
    tifffile.imwrite(
        tmp_path / "p.tif", values, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"],
        metadata=None,
    )  # fmt: skip
    wanted = drawn()
    wanted[:5] = 1
    assert_shows(tmp_path / "p.tif", wanted)


def test_lab_of_sixteen_bits_looks_as_its_grey(tmp_path: Path) -> None:
    lightness = np.linspace(0, 65535, WIDTH).astype(np.uint16)
    values = np.zeros((HEIGHT, WIDTH, 3), np.uint16)
    values[:, :, 0] = lightness
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="cielab", metadata=None)
    page = page_of(tmp_path / "p.tif")
    assert np.ptp(page.rgb.astype(int), axis=2).max() <= 3
    assert page.grey[0, 0] < 5 and page.grey[0, -1] > 250 and (np.diff(page.grey[0].astype(int)) >= 0).all()


@pytest.mark.parametrize("bits", [12, 16])
def test_the_noise_of_a_blank_page_of_inks_is_no_ink(bits: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(2**bits / 40, 2**bits / 400, (HEIGHT, WIDTH, 4)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "c.tif", noise, photometric="separated", metadata=None)
    tifffile.imwrite(tmp_path / "w.tif", noise[:, :, 0], photometric="miniswhite", metadata=None)
    for name in ("c.tif", "w.tif"):
        assert page_of(tmp_path / name).grey.mean() > 80
    assert np.ptp(page_of(tmp_path / "w.tif").grey.astype(int)) < 120


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_page_is_turned_upright(orientation: int, tmp_path: Path) -> None:
    turned = {1: lambda a: a, 2: np.fliplr, 3: lambda a: a[::-1, ::-1], 4: np.flipud, 5: np.transpose,
              6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a.T, 2), 8: lambda a: np.rot90(a, -1)}  # fmt: skip
    stored = deep(turned[orientation](drawn()), 16)  # type: ignore[operator]
    tag = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "p.tif", stored, photometric="minisblack", metadata=None, extratags=tag)
    assert_shows(tmp_path / "p.tif", drawn())


@pytest.mark.parametrize("largest", [255, 65535])
def test_a_colour_map_is_shown_whether_it_counts_to_255_or_to_65535(largest: int, tmp_path: Path) -> None:
    ramp = np.arange(255, -1, -1)  # entry 0 is white
    colours = np.stack([ramp, ramp * 9 // 10, ramp // 2]) * (largest // 255)
    indices = np.rint((1 - drawn()) * 255).astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "p.tif", indices, photometric="palette", colormap=colours.astype(np.uint16), metadata=None
    )
    shown = np.stack([ramp, ramp * 9 // 10, ramp // 2], axis=1)[indices]
    assert (page_of(tmp_path / "p.tif").rgb == shown).all()


def test_a_picture_below_a_thumbnail_is_the_page(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "ep.tif") as tiff:
        tiff.write(grey[::8, ::8], subfiletype=1, subifds=2, photometric="minisblack", metadata=None)
        tiff.write(grey[::2, ::2], subfiletype=1, photometric="minisblack", metadata=None)
        tiff.write(grey, photometric="minisblack", compression="zlib", metadata=None)
    assert names(tmp_path) == ["ep.tif"]
    assert_shows(tmp_path / "ep.tif", drawn())


def test_each_page_has_its_picture_below(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "p.tif", bigtiff=True) as tiff:
        for number in range(3):
            tiff.write(grey[::8, ::8], subfiletype=1, subifds=1, photometric="minisblack", metadata=None)
            tiff.write(grey // (number + 1), photometric="minisblack", metadata=None)
    assert names(tmp_path) == ["p.tif#1", "p.tif#2", "p.tif#3"]
    for number in range(3):
        assert (page_of(tmp_path / "p.tif", number + 1).grey == grey // (number + 1)).all()


def test_smaller_versions_below_a_page_are_no_pages(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as tiff:
        tiff.write(grey, subifds=2, photometric="minisblack", tile=(16, 16), metadata=None)
        tiff.write(grey[::2, ::2], subfiletype=1, photometric="minisblack", tile=(16, 16), metadata=None)
        tiff.write(grey[::4, ::4], subfiletype=1, photometric="minisblack", tile=(16, 16), metadata=None)
    assert names(tmp_path) == ["pyramid.tif"]
    assert_shows(tmp_path / "pyramid.tif", drawn())


def test_the_old_tag_tells_thumbnails_from_pages(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "old.tif") as tiff:
        for kind, picture in ((2, grey[::8, ::8]), (1, grey), (3, grey[::-1]), (2, grey[::4, ::4])):
            tiff.write(picture, photometric="minisblack", metadata=None, extratags=[(255, 3, 1, kind, True)])
    assert names(tmp_path) == ["old.tif#2", "old.tif#3"]
    assert (page_of(tmp_path / "old.tif", 3).grey == grey[::-1]).all()


def test_a_page_that_is_not_read_does_not_hide_the_others(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8).tobytes()
    write_tiff(tmp_path / "p.tif", [{259: 34712}, {}, {262: 32803}], [b"\xff\x4f\xff\x51", grey, grey])
    assert names(tmp_path) == ["p.tif#1", "p.tif#2", "p.tif#3"]
    assert_shows_frame = page_of(tmp_path / "p.tif", 2).grey
    assert np.abs(assert_shows_frame - drawn() * 255).max() <= 1
    with pytest.raises(UnreadableImage, match=r"p\.tif#1 is a TIFF compressed with JPEG 2000, which is not read here"):
        page_of(tmp_path / "p.tif", 1)
    with pytest.raises(UnreadableImage, match=r"p\.tif#3 is a camera raw picture, which is not read here; convert"):
        page_of(tmp_path / "p.tif", 3)


@pytest.mark.parametrize(
    ("tags", "what"),
    [
        ({259: 50001}, "compressed with WebP"), ({259: 50002}, "compressed with JPEG XL"),
        ({259: 34661}, "compressed with JBIG"), ({262: 9}, "of ICC L"), ({262: 32845}, "of LogLuv"),
        ({258: 24}, "24-bit samples"), ({262: 2, 258: (5, 6, 5)}, "3 x 5-bit samples"), ({262: 2}, "1 x 8-bit samples"),
        ({262: 6, 258: (16, 16, 16)}, "3 x 16-bit samples"), ({259: 4711}, "compression 4711"),
    ],
)  # fmt: skip
def test_a_tiff_that_is_not_read_says_what_it_holds(tags: dict[int, Any], what: str, tmp_path: Path) -> None:
    write_tiff(tmp_path / "p.tif", [tags], [bytes(4 * WIDTH * HEIGHT)])
    with pytest.raises(UnreadableImage, match=rf"^p\.tif is a TIFF .*{what}.*, which is not read here.*; save it as"):
        page_of(tmp_path / "p.tif")


@pytest.mark.parametrize("bits", [(16,), (16, 16, 16), (32,)])
@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_deep_page_that_is_cut_off_is_unreadable(bits: tuple[int, ...], kept: float, tmp_path: Path) -> None:
    data = bytes(WIDTH * HEIGHT * len(bits) * bits[0] // 8)
    write_tiff(tmp_path / "p.tif", [{258: bits, 262: 2 if len(bits) == 3 else 1}], [data[: int(kept * len(data))]])
    with pytest.raises(UnreadableImage, match=r"^p\.tif cannot be decoded"):
        page_of(tmp_path / "p.tif")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("compression", [1, 8])
def test_a_page_that_lacks_strips_is_unreadable(bits: int, compression: int, tmp_path: Path) -> None:
    rows = b"\xff" * (WIDTH * 20 * bits // 8)
    strip = rows if compression == 1 else zlib.compress(rows)
    write_tiff(tmp_path / "p.tif", [{258: bits, 259: compression, 278: 20}], [strip])
    with pytest.raises(UnreadableImage, match=r"^p\.tif cannot be decoded \(its data is cut off"):
        page_of(tmp_path / "p.tif")


def test_a_deep_page_among_many_reads_only_its_own_bytes(tmp_path: Path) -> None:
    values = np.stack([np.roll(deep(coloured(), 12), number, axis=0) for number in range(40)])
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="rgb", metadata=None)

    class Counted(io.BytesIO):
        total = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.total += len(data)
            return data

    file = Counted((tmp_path / "p.tif").read_bytes())
    image = open_tiff(file, "p.tif", 3, Limits())
    assert np.abs(np.asarray(image) - np.roll(coloured(), 2, axis=0) * 255).max() <= 2
    assert file.total < 3 * values[0].nbytes


def test_a_deep_page_has_the_same_limit(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", deep(coloured(), 16), photometric="rgb", metadata=None)
    with pytest.raises(ImageTooLarge, match="83 x 61 pixels"):
        open_page(tmp_path, PageAddress(("p.tif",)), Limits(max_pixels=WIDTH * HEIGHT - 1))
    many = np.zeros((HEIGHT, WIDTH, 40), np.uint16)
    tifffile.imwrite(tmp_path / "p.tif", many, photometric="rgb", planarconfig="contig", metadata=None)
    with pytest.raises(ImageTooLarge, match="40 samples of 16 bits"):
        open_page(tmp_path, PageAddress(("p.tif",)), Limits(max_pixels=WIDTH * HEIGHT))


def test_directories_in_a_circle_end(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8).tobytes()
    write_tiff(tmp_path / "p.tif", [{}, {330: 8}], [grey, grey])
    data = bytearray((tmp_path / "p.tif").read_bytes())
    (second,) = struct.unpack_from("<L", data, 8 + 2 + 12 * struct.unpack_from("<H", data, 8)[0])
    struct.pack_into("<L", data, second + 2 + 12 * struct.unpack_from("<H", data, second)[0], 8)
    (tmp_path / "p.tif").write_bytes(data)
    assert names(tmp_path) == ["p.tif#1", "p.tif#2"]


def write_tiff(path: Path, directories: list[dict[int, Any]], data: list[bytes]) -> None:
    """Write a little-endian TIFF by hand: one directory after another, each with one strip; tags override the usual."""
    out = bytearray(b"II*\0\x08\0\0\0")
    for place, (tags, strip) in enumerate(itertools.zip_longest(directories, data)):
        usual = {256: WIDTH, 257: HEIGHT, 258: 8, 259: 1, 262: 1, 273: 0, 278: HEIGHT, 279: len(strip)}
        entries = {**usual, **tags}
        if isinstance(entries[258], tuple):
            entries.setdefault(277, len(entries[258]))
        entries = {tag: value if isinstance(value, tuple) else (value,) for tag, value in sorted(entries.items())}
        beyond = len(out) + 2 + 12 * len(entries) + 4
        values = b"".join(struct.pack(f"<{len(v)}L", *v) for v in entries.values() if len(v) > 1)
        entries[273] = (beyond + len(values),)
        out += struct.pack("<H", len(entries))
        for tag, value in entries.items():
            out += struct.pack("<HHLL", tag, 4, len(value), value[0] if len(value) == 1 else beyond)
            beyond += 4 * len(value) if len(value) > 1 else 0
        end = beyond + len(strip)
        out += struct.pack("<L", end if place < len(directories) - 1 else 0) + values + strip
    path.write_bytes(out)


def test_the_hand_written_tiff_is_what_pillow_reads(tmp_path: Path) -> None:
    grey = deep(drawn(), 8).astype(np.uint8)
    write_tiff(tmp_path / "p.tif", [{}, {}], [grey.tobytes(), grey[::-1].tobytes()])
    with Image.open(tmp_path / "p.tif") as image:
        assert (np.asarray(image) == grey).all()
        image.seek(1)
        assert (np.asarray(image) == grey[::-1]).all()
