"""What METS, a table or a bag names and is not there is a page in quarantine, until its scan turns up."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import Engine

from orchestrator.discovery.discovery import find_pages, open_volume
from tests.integration.test_what_became_of_scans import add_pipeline, ask, draw, ingest, work

STATES = "SELECT page, state, error_code FROM page_status ORDER BY page_number, page"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scans and a table of three."""
    for name in ("p1.png", "p2.png"):
        draw(tmp_path / "scans" / name, name)
    (tmp_path / "scans" / "pages.csv").write_text("page,title\np1.png,Gazette\np3.png,Gazette\n")
    return tmp_path / "scans"


def pack(bag: Path, algorithm: str = "md5") -> None:
    """Make a bag of what lies in its folder data."""
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    files = sorted((bag / "data").iterdir())
    lines = [f"{hashlib.new(algorithm, one.read_bytes()).hexdigest()}  data/{one.name}\n" for one in files]
    (bag / f"manifest-{algorithm}.txt").write_text("".join(lines))


def test_a_scan_that_is_named_and_not_there_is_quarantined_until_it_turns_up(engine: Engine, folder: Path) -> None:
    pipeline = add_pipeline(engine, "a" * 16)
    assert ingest(engine, folder, pipeline).missing == 1
    assert work(engine) == 2
    there = [("p1.png", "done", None), ("p2.png", "done", None)]
    assert ask(engine, STATES) == [*there, ("p3.png", "quarantined", "missing_scan")]
    ((message,),) = ask(engine, "SELECT error_message FROM page_status WHERE page = 'p3.png'")
    assert message == "p3.png is named in pages.csv and not there; copy the scan, and ingest again."
    assert ask(engine, "SELECT title FROM page_status WHERE page = 'p3.png'") == [("Gazette",)]
    assert ingest(engine, folder, pipeline).missing == 1
    assert len(ask(engine, STATES)) == 3, "a second ingest adds nothing"
    draw(folder / "p3.png", "p3")
    assert ingest(engine, folder, pipeline).missing == 0
    assert work(engine) == 1
    assert ask(engine, STATES) == [*there, ("p3.png", "done", None)]
    assert ask(engine, "SELECT count(*) FROM page") == [(3,)], "nothing is left of the page that was missing"


def test_a_scan_that_was_read_and_deleted_is_gone_and_missing(engine: Engine, folder: Path) -> None:
    pipeline = add_pipeline(engine, "a" * 16)
    ingest(engine, folder, pipeline)
    work(engine)
    (folder / "p1.png").unlink()
    ingest(engine, folder, pipeline)
    found = ask(engine, STATES)
    assert found[0] == ("p2.png", "done", None)
    assert set(found[1:]) == {(name, "quarantined", "missing_scan") for name in ("p1.png", "p3.png")}
    assert ask(engine, "SELECT name, gone_reason FROM page WHERE gone_at IS NOT NULL") == [("p1.png", "deleted")]


def test_what_is_named_no_more_is_missed_no_more(engine: Engine, folder: Path) -> None:
    pipeline = add_pipeline(engine, "a" * 16)
    ingest(engine, folder, pipeline)
    (folder / "pages.csv").unlink()
    assert ingest(engine, folder, pipeline).missing == 0
    assert len(ask(engine, STATES)) == 2


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_of_a_bag_that_was_changed_is_an_error_of_its_page(tmp_path: Path, algorithm: str) -> None:
    for name in ("p1.png", "Zürich 2.png"):
        draw(tmp_path / "data" / name, name)
    pack(tmp_path, algorithm)
    assert [page.error for page in find_pages(open_volume(tmp_path))] == [None, None]
    draw(tmp_path / "data" / "Zürich 2.png", "other")
    errors = {page.address.name: page.error for page in find_pages(open_volume(tmp_path))}
    assert errors["data/p1.png"] is None
    error = errors["data/Zürich 2.png"]
    assert error is not None
    assert error.code == "checksum_mismatch"
    assert f"manifest-{algorithm}.txt names; copy it again" in str(error)


def test_a_scan_that_a_bag_names_and_does_not_hold_is_missing(engine: Engine, tmp_path: Path) -> None:
    for name in ("p1.png", "p2.png"):
        draw(tmp_path / "bag" / "data" / name, name)
    pack(tmp_path / "bag")
    (tmp_path / "bag" / "data" / "p2.png").unlink()
    assert ingest(engine, tmp_path / "bag", add_pipeline(engine, "a" * 16)).missing == 1
    assert ask(engine, STATES)[1] == ("data/p2.png", "quarantined", "missing_scan")


def test_a_manifest_that_makes_no_sense_is_noted(tmp_path: Path) -> None:
    draw(tmp_path / "data" / "p1.png", "p1")
    pack(tmp_path)
    (tmp_path / "manifest-md5.txt").write_text("nonsense\n")
    notes: list[str] = []
    assert [page.error for page in find_pages(open_volume(tmp_path), note=notes.append)] == [None]
    assert "its checksums are not compared" in notes[0]
