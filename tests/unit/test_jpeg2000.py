"""JPEG 2000 as Adobe and video tools write it: the picture, in its own colours, or a sentence."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from workers.errors import UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.jpeg2000 import chroma_steps
from workers.sources.limits import Limits

# 13 x 9 pixels in sYCC, drawn and encoded with OpenJPEG 2.5: no library at hand writes subsampled chroma.
SUBSAMPLED = {
    (2, 2): (
        "AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAACQAAAA0AAwcHAAAAAAAPY29scgEAAAAAABIA"
        "AAEianAyY/9P/1EALwAAAAAADQAAAAkAAAAAAAAAAAAAAA0AAAAJAAAAAAAAAAAAAwcBAQcCAgcCAv9SAAwAAAABAAIEBAAB/1wACkBA"
        "SEhQSEhQ/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS4w/5AACgAAAAAApAAB/5PPtDQK0UlT+AcOtT0odIh1x9QK"
        "C/jMZX/H1AwDZtnm/3/D6geH1A8D5woST5YkhmdfBlGNeKpPGw2bwE/fw+oFh9QHAfICDDkNjT8LTU8Fu8HzhIfUBwD4QguPVr8L578D"
        "B8faEQ+oIgfODB5/D9SRcQa/DyTsiwoPZMsbzz3D6gWAIoARABFK1qZ/EZ8Nf8D5AYAST7v/2Q=="
    ),
    (2, 1): (
        "AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAACQAAAA0AAwcHAAAAAAAPY29scgEAAAAAABIA"
        "AAFAanAyY/9P/1EALwAAAAAADQAAAAkAAAAAAAAAAAAAAA0AAAAJAAAAAAAAAAAAAwcBAQcCAQcCAf9SAAwAAAABAAIEBAAB/1wACkBA"
        "SEhQSEhQ/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS4w/5AACgAAAAAAwgAB/5PPtDQK0UlT+AcOtT0odIh1x9QM"
        "C8ye87YTz7QcBN6UE6kEx8PqB4fUDwPnChJPliSGZ18GUY14qk8bDZvAT9/B84eD5wkB8gQL6QikBau/DhobRwR9rn/A+QLD6gSAfCGA"
        "CuBrcl0NYSApBzR/x9oRD6giB84MHn8P1JFxBr8PJOyLCg9kyxvPPcPqBYfUCwPnBhkfIF5pG7j5HyUWrwfB84WH1AsA+EIYsMP64RsR"
        "BPGvFgT/2Q=="
    ),
    (4, 1): (
        "AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAACQAAAA0AAwcHAAAAAAAPY29scgEAAAAAABIA"
        "AAEbanAyY/9P/1EALwAAAAAADQAAAAkAAAAAAAAAAAAAAA0AAAAJAAAAAAAAAAAAAwcBAQcEAQcEAf9SAAwAAAABAAIEBAAB/1wACkBA"
        "SEhQSEhQ/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS4w/5AACgAAAAAAnQAB/5PPtDQK0UlT+AcOtT0odIh1w+cG"
        "Bc86z7QMBTPvw+oHh9QPA+cKEk+WJIZnXwZRjXiqTxsNm8BP38faCQPkBQPnBgqpjVUGQAY+f8HzhIPnBwHyAgvII38DkX8DkMfaEQ+o"
        "IgfODB5/D9SRcQa/DyTsiwoPZMsbzz3AEUPqBAAHPxatp3eh9QHACIAV7xEPP//Z"
    ),
}


def opened(path: Path, data: bytes) -> Image.Image:
    path.write_bytes(data)
    return open_page(path.parent, PageAddress((path.name,)), Limits())


def drawn(size: tuple[int, int]) -> np.ndarray:
    """What was drawn: red above, paper at the left and blue at the right below it, (height, width, 3)."""
    width, height = size
    page = np.empty((height, width, 3), int)
    page[:] = 220, 200, 150
    page[:, width // 2 :] = 60, 80, 160
    page[: height // 3] = 200, 90, 80
    return page


@pytest.mark.parametrize("steps", [(2, 2), (2, 1)])
@pytest.mark.parametrize("told", [18, 16, 0])
def test_an_odd_picture_with_subsampled_chroma_has_its_own_colours(
    steps: tuple[int, int], told: int, tmp_path: Path
) -> None:
    data = bytearray(base64.b64decode(SUBSAMPLED[steps]))
    struct.pack_into(">L", data, data.index(b"colr") + 7, told or 18)
    if not told:
        data = data[data.index(b"\xff\x4f\xff\x51") :]  # a codestream by itself
    assert chroma_steps(bytes(data)) == steps
    shown = np.asarray(opened(tmp_path / "p.jp2", bytes(data)).convert("RGB")).astype(int)
    wrong = np.abs(shown - drawn((13, 9)))
    assert np.median(wrong) <= 2 and (wrong.max(axis=2) > 40).mean() < 0.25  # where colours meet, one sample has both


def test_where_no_reader_knows_the_colours_the_page_is_grey_and_right(tmp_path: Path) -> None:
    image = opened(tmp_path / "p.jp2", base64.b64decode(SUBSAMPLED[4, 1]))
    grey = np.asarray(Image.fromarray(drawn((13, 9)).astype(np.uint8)).convert("L")).astype(int)
    assert image.mode == "L" and np.median(np.abs(np.asarray(image) - grey)) <= 4


def scan() -> Image.Image:
    values = np.random.default_rng(2).integers(0, 80, (48, 64)).astype(np.uint8)
    values[::5] = 230
    return Image.fromarray(values)


def in_parts(data: bytes, parts: int, told: int) -> bytes:
    """Return a codestream of one tile cut into tile-parts, each of which tells that there are `told`."""
    start = data.index(b"\xff\x90\0\x0a")
    (length,) = struct.unpack_from(">L", data, start + 6)
    begin = data.index(b"\xff\x93", start) + 2
    body, cut = data[begin : start + length], -(-(start + length - begin) // parts)
    pieces = [body[at : at + cut] for at in range(0, len(body), cut)]
    new = b"".join(
        b"\xff\x90\0\x0a" + struct.pack(">HLBB", 0, 14 + len(piece), place, told) + b"\xff\x93" + piece
        for place, piece in enumerate(pieces)
    )
    return data[:start] + new + data[start + length :]


@pytest.mark.parametrize("parts", [2, 3, 6])
def test_a_count_of_tile_parts_that_is_one_too_small_is_read(parts: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    scan().save(buffer, "JPEG2000", no_jp2=True)
    data = in_parts(buffer.getvalue(), parts, told=parts - 1)
    if parts > 2:  # the fault that this is about: Pillow alone turns it away
        with pytest.raises(OSError, match="broken data stream"):
            Image.open(io.BytesIO(data)).load()
    assert (np.asarray(opened(tmp_path / "p.jp2", data)) == np.asarray(scan())).all()


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_jpeg_2000_that_is_cut_off_is_unreadable(kept: float, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    scan().save(buffer, "JPEG2000", no_jp2=True)
    wrong_count = in_parts(buffer.getvalue(), 4, told=3)
    for data in (buffer.getvalue(), wrong_count, base64.b64decode(SUBSAMPLED[2, 2])):
        with pytest.raises(UnreadableImage, match=r"^p\.jp2 "):
            opened(tmp_path / "p.jp2", data[: int(kept * len(data))])


def test_the_last_tile_part_may_leave_its_length_open(tmp_path: Path) -> None:
    for data in (*(base64.b64decode(SUBSAMPLED[steps]) for steps in ((2, 2), (2, 1))),):
        start = data.index(b"\xff\x90\0\x0a")
        open_end = data[: start + 6] + bytes(4) + data[start + 10 :]
        shown = [np.asarray(opened(tmp_path / "p.jp2", version)) for version in (data, open_end)]
        assert (shown[0] == shown[1]).all()


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_deep_colours_are_scaled_by_the_depth_they_use(bits: int, tmp_path: Path) -> None:
    levels = np.rint(drawn((130, 90)) / 255 * (2**bits - 1)).astype(np.uint16)
    coded, data = cv2.imencode(".jp2", levels[:, :, ::-1], [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])
    assert coded
    shown = np.asarray(opened(tmp_path / "p.jp2", data.tobytes())).astype(int)
    assert np.abs(shown - drawn((130, 90))).max() <= 3


def test_a_dark_photograph_of_8_bits_stays_dark(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (40, 30, 20)).save(buffer, "JPEG2000")
    assert np.asarray(opened(tmp_path / "p.jp2", buffer.getvalue())).max() <= 41
