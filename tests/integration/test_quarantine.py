"""What is told of pages that failed for good, and the parcel for a bug report."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from models import Page, PageRun, Volume
from orchestrator.page_runs.quarantine import export_case, list_quarantined, read_report
from orchestrator.results.selection import Selection
from orchestrator.status.figures import read_status
from orchestrator.status.text import fleet_sentence
from orchestrator.terminal.wording import seconds_in_words
from tests.rows import add_page_runs
from workers.errors import UnreadableInput
from workers.lease import claims
from workers.lease.claims import Failure
from workers.process import registry
from workers.sources.limits import Limits

DEATH = Failure(
    "worker_lost",
    "The worker process died by signal 11 in stage faces.",
    retry=True,
    stage="faces",
    traceback='File "faces.py", line 3, postgresql://me:secret@db/x',
    peak_rss_kib=2048,
    signal=11,
    log="12:00:00 faces begins",
)


@pytest.fixture
def quarantined(engine: Engine) -> int:
    """The number of a page run whose third attempt has died."""
    number = add_page_runs(engine, 2)[0]
    for attempt in (1, 2, 3):
        with engine.begin() as connection:
            connection.execute(update(PageRun).where(PageRun.page_run_id == number).values(state="queued"))
        claim = claims.claim(engine, number, f"m{attempt}", "host:1", 180)
        assert claim is not None
        claims.fail(engine, number, claim.owner, DEATH, max_attempts=3)
    return number


def test_the_list_names_page_and_reason(engine: Engine, quarantined: int) -> None:
    (page,) = list_quarantined(engine, Selection())
    assert (page.page_run, page.volume, page.page, page.attempts) == (quarantined, "scans", "p0001.tif", 3)
    assert list_quarantined(engine, Selection(code="other")) == list_quarantined(engine, Selection(("other",))) == []


def test_a_case_tells_stage_signal_memory_and_last_lines_of_each_attempt(engine: Engine, quarantined: int) -> None:
    case = read_report(engine, quarantined)
    assert [(a["stage"], a["signal"], a["peak_rss_kib"], a["log"]) for a in case.attempts] == [
        ("faces", 11, 2048, "12:00:00 faces begins")
    ] * 3
    assert json.dumps(case.to_dict())
    with pytest.raises(UnreadableInput, match="no page run 99"):
        read_report(engine, 99)


def test_an_export_holds_the_original_and_no_password(engine: Engine, quarantined: int, tmp_path: Path) -> None:
    (tmp_path / "p.tif").write_bytes(b"the bytes of the scan")
    with engine.begin() as connection:
        connection.execute(update(Volume).values(location=str(tmp_path)))
        connection.execute(update(Page).values(address='{"members":["p.tif"],"frame":null}'))
    assert export_case(read_report(engine, quarantined), tmp_path / "case.zip", Limits()) is None
    with zipfile.ZipFile(tmp_path / "case.zip") as parcel:
        assert parcel.read("original/p.tif") == b"the bytes of the scan"
        assert json.loads(parcel.read("report.json"))["error_code"] == "worker_lost"
        assert {"parameters.json", "versions.json", "attempt-3-traceback.txt", "attempt-3-log.txt"} <= set(
            parcel.namelist()
        )
        assert b"secret" not in parcel.read("attempt-3-traceback.txt")


def test_an_export_without_the_original_says_so(engine: Engine, quarantined: int, tmp_path: Path) -> None:
    missing = export_case(read_report(engine, quarantined), tmp_path / "case.zip", Limits())
    assert missing
    with zipfile.ZipFile(tmp_path / "case.zip") as parcel:
        assert json.loads(parcel.read("report.json"))["original_missing"] == missing
    with pytest.raises(UnreadableInput, match="exists already"):
        export_case(read_report(engine, quarantined), tmp_path / "case.zip", Limits())


def test_the_status_knows_the_fleet_from_sql_alone(engine: Engine, quarantined: int) -> None:
    registry.report(engine, "a:1", 4)
    registry.report(engine, "b:1", 2)
    registry.report(engine, "b:1", 2)
    claims.claim(engine, quarantined + 1, "m", "a:2", 180)
    status = read_status(engine)
    fleet = status.fleet
    assert (fleet.workers, fleet.processes, fleet.queued, fleet.running) == (2, 6, 0, 1)
    assert fleet.oldest_lease_s is not None
    assert fleet.oldest_lease_s < 60
    assert fleet.pages_per_second > 0
    assert fleet.time_left_s is not None
    assert status.failures == {"worker_lost": 1}
    told = fleet_sentence(fleet, status.unfinished, "")
    assert told.startswith("2 workers with 6 processes; window: 0 queued, 1 running")
    registry.leave(engine, "a:1")
    assert registry.count_alive(engine) == (1, 2)


def test_durations_are_told_in_two_units() -> None:
    assert [seconds_in_words(s) for s in (0, 42, 200, 18_720, 273_600)] == [
        "0 s",
        "42 s",
        "3 min 20 s",
        "5 h 12 min",
        "3 d 4 h",
    ]
