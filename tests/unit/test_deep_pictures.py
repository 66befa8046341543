"""PNGs and portable maps of more than 8 bits look as their grey twins, whatever depth their values use."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from workers.errors import UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.stages.palette.normalise import NormalisedPage, normalise

WIDTH, HEIGHT = 41, 29
Array = npt.NDArray[Any]


def drawn(bits: int, channels: int) -> npt.NDArray[np.uint16]:
    """Paper that darkens to the right with two rows of ink, in equal channels, (height, width, channels)."""
    page = np.tile(np.linspace(0.95, 0.6, WIDTH), (HEIGHT, 1))
    page[5:8, 4:30] = page[15:18, 4:22] = 0.08
    return np.repeat(np.rint(page * (2**bits - 1)).astype(np.uint16)[:, :, np.newaxis], channels, axis=2)


def png(samples: Array, colour_type: int, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG of 16 bits, written by hand: no library at hand writes all its kinds."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">LLBBBBB", WIDTH, HEIGHT, 16, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    )


def page_of(path: Path, data: bytes) -> NormalisedPage:
    path.write_bytes(data)
    return normalise(open_page(path.parent, PageAddress((path.name,)), Limits()))


def grey_twin(bits: int, tmp_path: Path) -> Array:
    return page_of(tmp_path / "grey.png", png(drawn(bits, 1), 0)).grey


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_every_kind_of_deep_png_looks_as_its_grey_twin(bits: int, tmp_path: Path) -> None:
    twin = grey_twin(bits, tmp_path).astype(int)
    assert twin.max() > 220 and twin.min() < 30
    opaque = np.full((HEIGHT, WIDTH, 1), 2**bits - 1, np.uint16)
    for colour_type, samples in (
        (2, drawn(bits, 3)),
        (4, np.dstack([drawn(bits, 1), opaque])),
        (6, np.dstack([drawn(bits, 3), opaque])),
    ):
        page = page_of(tmp_path / "p.png", png(samples, colour_type))
        assert np.abs(page.grey - twin).max() <= 1
        assert np.abs(page.rgb - twin[:, :, np.newaxis]).max() <= 1


def test_what_is_transparent_in_a_deep_png_is_paper(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH, 1), 65535, np.uint16)
    alpha[:4] = 0
    for colour_type, samples in ((4, np.dstack([drawn(16, 1), alpha])), (6, np.dstack([drawn(16, 3), alpha]))):
        page = page_of(tmp_path / "p.png", png(samples, colour_type))
        assert (page.grey[:4] == 255).all() and page.grey[6, 6] < 30
    samples = drawn(16, 3)
    key = samples[6, 6].tolist()
    page = page_of(tmp_path / "p.png", png(samples, 2, (b"tRNS", struct.pack(">3H", *key))))
    assert page.grey[6, 6] == 255 and page.grey[0, 0] < 250


def test_the_orientation_of_a_deep_png_is_kept(tmp_path: Path) -> None:
    exif = b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHLHH", 274, 3, 1, 3, 0) + bytes(4)
    upright = page_of(tmp_path / "p.png", png(drawn(12, 3), 2)).grey
    turned = page_of(tmp_path / "q.png", png(drawn(12, 3)[::-1, ::-1], 2, (b"eXIf", exif))).grey
    assert (upright == turned).all()


@pytest.mark.parametrize("colour_type", [2, 4, 6])
def test_a_deep_png_that_is_cut_off_is_unreadable(colour_type: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 4096, (HEIGHT, WIDTH, {2: 3, 4: 2, 6: 4}[colour_type]))
    data = png(noise, colour_type)
    with pytest.raises(UnreadableImage, match=r"^p\.png cannot be decoded"):
        page_of(tmp_path / "p.png", data[: len(data) * 2 // 3])


@pytest.mark.parametrize(("bits", "deepest"), [(10, 1023), (12, 4095), (12, 65535), (16, 65535), (10, 1000)])
def test_a_deep_portable_map_looks_as_its_grey_twin(bits: int, deepest: int, tmp_path: Path) -> None:
    twin = grey_twin(bits, tmp_path).astype(int)
    header = f"\n# by hand\n{WIDTH} {HEIGHT}\n{deepest}\n".encode()
    for magic, channels in ((b"P5", 1), (b"P6", 3)):
        data = magic + header + drawn(bits, channels).astype(">u2").tobytes()
        assert np.abs(page_of(tmp_path / "p.ppm", data).grey - twin).max() <= 6
        with pytest.raises(UnreadableImage, match=r"^p\.ppm cannot be decoded"):
            page_of(tmp_path / "p.ppm", data[:-300])
    plain = b"P3" + header + b"# in words\n" + b" ".join(b"%d" % value for value in drawn(bits, 3).ravel())
    assert np.abs(page_of(tmp_path / "p.ppm", plain).grey - twin).max() <= 6
    for broken in (plain[:-300], plain[:-40] + b" x " + plain[-40:]):
        with pytest.raises(UnreadableImage, match=r"^p\.ppm cannot be decoded"):
            page_of(tmp_path / "p.ppm", broken)


def test_a_false_length_in_a_png_takes_no_memory(tmp_path: Path) -> None:
    data = bytearray(png(drawn(16, 1), 0))
    struct.pack_into(">L", data, data.index(b"IDAT") - 4, 2**31 - 1)
    tracemalloc.start()
    try:
        with suppress(UnreadableImage):  # its data may be all there
            page_of(tmp_path / "p.png", bytes(data))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
