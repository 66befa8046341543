"""What people decide about pages that failed, or that shall not be worked on: quarantine, retry, cancel."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from orchestrator.results.mark import MARK
from tests.acceptance.command import Broadsheet, draw_page

BROKEN = b"II*\0 this was a scan once"


@pytest.fixture
def stored(tmp_path: Path) -> Broadsheet:
    """Two volumes that are stored and not fed: scans with two pages and a broken one, more with one page."""
    for name in ("scans/p1.png", "scans/p2.png", "more/p1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        draw_page(tmp_path / name, name)
    (tmp_path / "scans" / "p3.tif").write_bytes(BROKEN)
    command = Broadsheet(tmp_path)
    command.run("ingest", "scans", "more", "--no-wait", code=1)
    return command


def states(command: Broadsheet) -> dict[str, str]:
    rows = command.query("SELECT volume, page, state FROM page_status")
    return {f"{row['volume']}/{row['page']}": row["state"] for row in rows}


def test_a_quarantined_page_is_listed_shown_and_packed_for_a_bug_report(stored: Broadsheet) -> None:
    (page,) = json.loads(stored.run("quarantine", "list", "--json").stdout)
    assert (page["volume"], page["page"], page["code"]) == ("scans", "p3.tif", "unreadable_image")
    number = str(page["page_run"])
    assert stored.run("quarantine", "list").stdout.startswith(f"{number}  scans  p3.tif  unreadable_image: ")
    assert stored.run("quarantine", "list", "--code", "out_of_memory").stdout == ""
    assert "unreadable_image: " in stored.run("quarantine", "show", number).stdout
    assert json.loads(stored.run("quarantine", "show", number, "--json").stdout)["page_run"]["page"] == "p3.tif"
    assert stored.run("quarantine", "export", number).stdout == f"page-run-{number}.zip is written.\n"
    with zipfile.ZipFile(stored.folder / f"page-run-{number}.zip") as parcel:
        assert parcel.read("original/p3.tif") == BROKEN
        assert parcel.comment == MARK.encode(), "an ingest that meets it takes no page from it"
        assert {"report.json", "parameters.json", "versions.json"} <= set(parcel.namelist())
    assert "no page run 99" in stored.run("quarantine", "show", "99", code=2).stderr


def test_a_quarantined_page_that_was_repaired_is_tried_again(stored: Broadsheet) -> None:
    (page,) = json.loads(stored.run("quarantine", "list", "--json").stdout)
    assert "1 page run ready again" in stored.run("retry", str(page["page_run"])).stdout
    assert stored.run("quarantine", "list").stdout == ""
    assert states(stored)["scans/p3.tif"] == "ready"


def test_a_volume_or_single_page_runs_are_cancelled_and_brought_back(stored: Broadsheet) -> None:
    for command in ("cancel", "retry"):
        refused = stored.run(command, "--volume", "nothing of ours", code=2).stderr
        assert refused.startswith("The database has no volume nothing of ours; it holds")
    stored.run("cancel", "--volume", "scans/")
    assert states(stored) == {
        "scans/p1.png": "cancelled",
        "scans/p2.png": "cancelled",
        "scans/p3.tif": "quarantined",
        "more/p1.png": "ready",
    }
    stored.run("retry", "--cancelled", "--code", "superseded")
    assert "ready" not in {state for name, state in states(stored).items() if name.startswith("scans")}
    assert json.loads(stored.run("retry", "--cancelled", "--page", "p*", "--json").stdout) == {"ready": 3}
    assert set(states(stored).values()) == {"ready"}
    (row,) = stored.query("SELECT page_run_id FROM page_status WHERE volume = 'more'")
    stored.run("cancel", str(row["page_run_id"]))
    assert states(stored)["more/p1.png"] == "cancelled"


def test_a_fault_whose_file_was_mended_or_deleted_is_no_fault_any_more(stored: Broadsheet) -> None:
    draw_page(stored.folder / "scans" / "p3.tif", "mended")
    (stored.folder / "more" / "p2.png").write_bytes(b"")
    stored.run("ingest", "scans", "more", "--no-wait", code=1)
    (stored.folder / "more" / "p2.png").unlink()
    stored.run("ingest", "scans", "more", "--no-wait")
    assert {name for name, state in states(stored).items() if state == "quarantined"} == set()


def test_an_ingest_says_how_a_page_without_a_result_gets_one(stored: Broadsheet) -> None:
    stored.run("cancel", "--volume", "more")
    told = stored.run("ingest", "more", "--no-wait", "--quiet", code=1)
    way = "broadsheet retry --cancelled --volume more && broadsheet ingest more"
    assert told.stderr == f"1 page cancelled and without a result; to run it: {way}\n"
    stored.run("retry", "--cancelled", "--volume", "more")
    stored.run("ingest", "more", "--no-wait")


def test_what_cannot_be_mended_is_cleared_by_a_word(stored: Broadsheet) -> None:
    stored.run("cancel", "--volume", "scans")
    assert states(stored)["scans/p3.tif"] == "quarantined"
    stored.run("cancel", "--volume", "scans", "--quarantined")
    assert states(stored)["scans/p3.tif"] == "cancelled"


def test_everything_is_only_cancelled_when_that_is_meant(stored: Broadsheet) -> None:
    before = states(stored)
    assert "give --yes where nobody can be asked" in stored.run("cancel", code=2).stderr
    assert states(stored) == before
    assert json.loads(stored.run("cancel", "--yes", "--json").stdout) == {"cancelled": 3}
    assert "ready" not in states(stored).values()


def test_a_question_is_not_asked_about_a_database_that_is_not_there(tmp_path: Path) -> None:
    errors = Broadsheet(tmp_path).run("cancel", code=2).stderr
    assert errors.startswith("There is no database")
    assert len(errors.splitlines()) == 1
