"""A JPEG whose rows are all there is a page, with or without its end mark; one that lacks rows never is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from workers.errors import UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits

END = b"\xff\xd9"
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "colour": {"subsampling": 2},
    "full colour": {"subsampling": 0},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "progressive restarts": {"progressive": True, "restart_marker_blocks": 3},
}


def encoded(kind: str, thumbnail: bytes = b"", size: tuple[int, int] = (70, 90)) -> bytes:
    noise = np.random.default_rng(5).integers(0, 90, (size[1], size[0], 3)).astype(np.uint8)
    noise[::9] = 240
    noise[-20:] = 250  # the paper below the last line
    image = Image.fromarray(noise if "colour" in kind else noise[:, :, 0])
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80, comment=thumbnail, **KINDS[kind])
    return buffer.getvalue()


def opened(path: Path, data: bytes) -> Image.Image:
    path.write_bytes(data)
    return open_page(path.parent, PageAddress((path.name,)), Limits())


def same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rest", [b"", b"\xff", bytes(2000), b"\r\n"], ids=["nothing", "half", "zeros", "newline"])
def test_a_jpeg_without_its_end_mark_is_a_page(kind: str, rest: bytes, tmp_path: Path) -> None:
    whole = encoded(kind)
    assert whole.endswith(END)
    assert same(opened(tmp_path / "p.jpg", whole[:-2] + rest), Image.open(io.BytesIO(whole)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rest", [b"", bytes(5000)], ids=["nothing", "zeros"])
def test_a_jpeg_that_lacks_rows_is_no_page(kind: str, rest: bytes, tmp_path: Path) -> None:
    whole = encoded(kind, thumbnail=encoded("baseline", size=(8, 8)))
    picture = Image.open(io.BytesIO(whole))
    picture.load()
    step = max(1, len(whole) // 60)
    for kept in [*range(len(whole) // 3, len(whole) - 12, step), len(whole) - 12]:
        try:
            image = opened(tmp_path / "p.jpg", whole[:kept] + rest)
        except UnreadableImage as error:
            assert "cut off" in str(error) or "cannot be decoded" in str(error) or "known kind" in str(error)
        else:
            assert same(image, picture), f"{kept} of {len(whole)} bytes"


def test_a_jpeg_that_ends_between_two_restarts_is_no_page(tmp_path: Path) -> None:
    whole = encoded("restarts")
    restart = whole.rindex(b"\xff\xd0", 0, len(whole) - 2)
    with pytest.raises(UnreadableImage, match="cut off"):
        opened(tmp_path / "p.jpg", whole[:restart])


def test_a_progressive_jpeg_that_lacks_whole_scans_is_no_page(tmp_path: Path) -> None:
    whole = encoded("progressive")
    scans = [at for at in range(len(whole)) if whole.startswith(b"\xff\xda", at)]
    tables = [at for at in range(len(whole)) if whole.startswith(b"\xff\xc4", at)]
    for begin in scans[1:]:
        cut = max([at for at in tables if at < begin], default=begin)
        with pytest.raises(UnreadableImage):
            opened(tmp_path / "p.jpg", whole[:cut])


def test_bytes_after_the_end_mark_are_of_no_account(tmp_path: Path) -> None:
    whole = encoded("colour")
    for rest in (b"\0" * 5000, b"a video that belongs to it" * 300, whole, b"\xff" * 70):
        assert same(opened(tmp_path / "p.jpg", whole + rest), Image.open(io.BytesIO(whole)))


def test_a_whole_jpeg_is_not_decoded_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from workers.sources import jpeg

    monkeypatch.setattr(jpeg, "_decoded", lambda data: pytest.fail("decoded again"))
    for rest in (b"", b"\0" * 10, b"more" * 100):
        opened(tmp_path / "p.jpg", encoded("progressive") + rest)
