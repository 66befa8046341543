"""Where a picture that was taken is stored, and under which name."""

from __future__ import annotations

import errno
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.terminal.files import UnwritableOutput
from orchestrator.web.capture.storing import (
    Taken,
    Unusable,
    checked_picture,
    folder_of,
    next_number,
    page_file,
    store_page,
)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Courier", "The Courier"),
        ("  The   Courier. ", "The Courier"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("Zeitung für Köln: 1848/49", "Zeitung für Köln_ 1848_49"),
        ("a\x00b\u202ec\n", "a_b_c_"),
        (".hidden", "hidden"),
    ],
)
def test_a_title_is_one_folder_and_never_outside(tmp_path: Path, title: str, name: str) -> None:
    assert folder_of(tmp_path, title) == tmp_path / name


@pytest.mark.parametrize("title", ["", "  ", "..", "/", "\u202e", ". /."])
def test_a_title_of_which_nothing_is_left_is_refused(tmp_path: Path, title: str) -> None:
    with pytest.raises(Unusable, match="Give the pages a title"):
        folder_of(tmp_path, title)


def test_a_long_title_is_cut(tmp_path: Path) -> None:
    assert len(folder_of(tmp_path, "ö" * 400).name.encode()) <= 120


def test_numbers_are_counted_on_from_the_last_page(tmp_path: Path) -> None:
    folder = tmp_path / "T"
    assert next_number(folder) == 1
    for number in (1, 2, 7):
        store_page(folder, number, b"jpeg", ".jpg")
    (folder / "notes.txt").touch()
    assert next_number(folder) == 8


def test_a_page_is_never_overwritten_not_by_another_ending_either(tmp_path: Path) -> None:
    store_page(tmp_path, 3, b"first", ".jpg")
    with pytest.raises(Taken, match="the next free number is 4"):
        store_page(tmp_path, 3, b"second", ".png")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_of_many_who_store_the_same_number_at_once_one_does(tmp_path: Path) -> None:
    def store(value: int) -> bool:
        try:
            return bool(store_page(tmp_path, 1, bytes([value]) * 1000, ".jpg"))
        except Taken:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(store, range(32))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["0001.jpg"]


def test_no_room_is_told_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UnwritableOutput, match="No space left"):
        store_page(tmp_path, 1, b"jpeg", ".jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_hard_links_does_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    assert store_page(tmp_path, 1, b"jpeg", ".jpg").read_bytes() == b"jpeg"
    with pytest.raises(Taken):
        store_page(tmp_path, 1, b"other", ".jpg")


def encoded(form: str, orientation: int = 1) -> bytes:
    grey = np.tile(np.arange(300, dtype=np.uint8), (400, 1))
    image, out = Image.fromarray(grey), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(out, form, **({} if form == "GIF" else {"exif": exif}))
    return out.getvalue()


def test_a_picture_without_a_crop_is_stored_as_it_came() -> None:
    content = encoded("PNG")
    assert page_file(checked_picture(content, 10**7), None) == (content, ".png")


def test_a_crop_is_of_the_picture_as_it_is_seen() -> None:
    picture = checked_picture(encoded("JPEG", orientation=6), 10**7)
    assert picture.size == (400, 300)
    content, suffix = page_file(picture, np.array([[0.0, 0], [200, 0], [200, 300], [0, 300]]))
    with Image.open(io.BytesIO(content)) as stored:
        assert (stored.size, suffix) == ((200, 300), ".jpg")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(encoded("GIF"), "Only JPEG and PNG"), (encoded("JPEG")[:900], "The picture"), (b"", "The picture")],
)
def test_what_is_no_whole_picture_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(Unusable, match=sentence):
        checked_picture(content, 10**7)


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(Unusable, match="too large"):
        checked_picture(encoded("PNG"), 1000)
