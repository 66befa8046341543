"""Pictures found again by their hash."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from workers.stages.palette.normalise import normalise
from workers.stages.palette.picture_hash import differing_bits, picture_hash


def drawn_page(seed: int) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    page = np.full((1200, 900), 235, np.uint8)
    for y in range(80, 1120, 24):
        for x in range(70, 830, 13):
            cv2.putText(page, chr(rng.integers(97, 122)), (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 30, 1)
    return page


def test_an_even_page_hashes_to_zero() -> None:
    assert picture_hash(np.full((50, 70), 255, np.uint8)) == 0


def test_brightening_rows_set_every_bit() -> None:
    ramp = np.tile(np.linspace(0, 255, 900).astype(np.uint8), (300, 1))
    assert picture_hash(ramp) == -1


def test_the_same_page_smaller_and_compressed_stays_within_three_bits() -> None:
    page = drawn_page(1)
    small = cv2.resize(page, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    packed = io.BytesIO()
    Image.fromarray(page).save(packed, "JPEG", quality=60)
    for other in (small, normalise(Image.open(packed)).grey, np.clip(page.astype(int) + 9, 0, 255).astype(np.uint8)):
        assert differing_bits(picture_hash(page), picture_hash(other)) <= 3


def test_other_text_in_the_same_frame_is_another_picture() -> None:
    assert differing_bits(picture_hash(drawn_page(1)), picture_hash(drawn_page(2))) > 10


def test_real_scans_are_found_again_and_not_confused(shared_data: Path) -> None:
    scans = [
        path for path in sorted((shared_data / "newspaper_nzz").iterdir()) if path.suffix in (".tif", ".png", ".jpg")
    ]
    greys = [normalise(Image.open(path)).grey for path in scans]
    hashes = [picture_hash(grey) for grey in greys]
    smaller = [picture_hash(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)) for grey in greys]
    assert all(differing_bits(a, b) <= 3 for a, b in zip(hashes, smaller, strict=True))
    assert all(differing_bits(a, b) > 8 for n, a in enumerate(hashes) for b in hashes[:n])
