"""What is made of results may lie among the scans: it is no scan."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.discovery.discovery import find_pages, open_volume
from orchestrator.discovery.looking import SkippedFile
from orchestrator.results.mark import MARK, is_marked, marked


def picture(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 50), "white").save(buffer, form, **options)
    return buffer.getvalue()


def look_through(folder: Path) -> tuple[list[str], dict[str, str]]:
    skipped: list[SkippedFile] = []
    pages = [page.address.name for page in find_pages(open_volume(folder), skipped=skipped.append)]
    return pages, {file.name: file.reason for file in skipped}


@pytest.mark.parametrize("form", ["png", "jpeg", "pdf"])
def test_a_picture_of_results_is_told_from_a_scan(form: str, tmp_path: Path) -> None:
    (tmp_path / "scan").write_bytes(picture(form))
    (tmp_path / "overlay").write_bytes(picture(form, **marked(form)))
    pages, skipped = look_through(tmp_path)
    assert pages == ["scan#1" if form == "pdf" else "scan"]
    assert skipped == {"overlay": "made by broadsheet"}


def test_many_pictures_in_one_pdf_are_marked(tmp_path: Path) -> None:
    for append in (False, True, True):
        Image.new("RGB", (400, 500), "white").save(tmp_path / "o.pdf", append=append, title="p", **marked("pdf"))
    with (tmp_path / "o.pdf").open("rb") as file:
        assert is_marked(file)
        assert file.tell() == 0


def test_a_picture_that_is_named_itself_is_ingested(tmp_path: Path) -> None:
    (tmp_path / "overlay.png").write_bytes(picture("png", **marked("png")))
    assert look_through(tmp_path / "overlay.png")[0] == ["overlay.png"]


def test_a_folder_that_an_export_wrote_is_passed_over_unless_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(picture("png"))
    export = tmp_path / "out"
    (export / "images").mkdir(parents=True)
    (export / "images" / "copy.jpg").write_bytes(picture("jpeg"))
    (export / "crop.png").write_bytes(picture("png", **marked("png")))
    (export / "_export.json").write_text('{"format": "coco", "selection": {}, "options": {}}')
    assert look_through(tmp_path) == (["scan.png"], {"out": "an export of broadsheet"})
    assert look_through(export)[0] == ["crop.png", "images/copy.jpg"]
    (export / "_export.json").write_text('{"another": "program"}')
    assert look_through(tmp_path)[0] == ["out/images/copy.jpg", "scan.png"]


def test_a_word_on_a_scan_is_no_mark(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(picture("png"))
    (tmp_path / "scan.jpg").write_bytes(picture("jpeg", comment=b"a broadsheet of 1848"))
    assert look_through(tmp_path)[0] == ["scan.jpg", "scan.png"]
    assert MARK.encode() not in (tmp_path / "scan.jpg").read_bytes()
