"""The status as people read it: at 80 columns, of many volumes, and of a fleet that is gone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, update

from models import Page, PageRun, database_now
from orchestrator.results.selection import Selection
from orchestrator.status.figures import Fleet, Status, read_status
from orchestrator.status.recount import Recount
from orchestrator.status.text import fleet_sentence, render_status
from orchestrator.terminal.wording import cut_middle
from orchestrator.throttle import Throttle
from tests.archive import add_done_pages, page
from tests.rows import add_page_runs
from workers.lease import claims
from workers.lease.claims import this_process
from workers.process import registry
from workers.telemetry.machine_memory import MachineMemory, read_machine_memory

NOBODY = Fleet(0, 0, 0, 0, 0, None, 0.0, None)


def shown(status: Status, width: int = 80, rows: int | None = 20) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(render_status(status, width, rows, "broadsheet ingest scans"))
    return out.getvalue().splitlines()


def many_volumes(count: int) -> Status:
    volumes = {f"/archive/newspapers/of/the/state/gazette/{1850 + n}": {"done": 1_234_567} for n in range(count)}
    last = list(volumes)[-1]
    volumes[last] = {"done": 5, "ready": 1_000_000, "queued": 300, "running": 4, "quarantined": 12, "cancelled": 7}
    total: dict[str, int] = {}
    for counts in volumes.values():
        for state, number in counts.items():
            total[state] = total.get(state, 0) + number
    return Status(volumes, total, {"unreadable_image": 12}, NOBODY)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_status_fits_the_terminal_and_volumes_can_be_told_apart(width: int) -> None:
    lines = shown(many_volumes(150), width)
    assert max(map(len, lines)) <= width
    assert "1999 " in lines[1], "what is unfinished comes first"
    assert sum("/1" in line for line in lines) == 20
    assert any("130 more (--all)" in line for line in lines)
    assert any(line.startswith("150 volumes") for line in lines)
    assert lines[0].split() == ["volume", "ready", "queued", "running", "done", "quarantined", "cancelled"]
    assert lines[1].split()[1:] == ["1,000,000", "300", "4", "5", "12", "7"]
    assert len(lines) < 35


def test_all_volumes_are_shown_when_asked_for() -> None:
    assert sum("gazette/1" in line for line in shown(many_volumes(50), 160, None)) == 50


def test_a_name_is_cut_in_its_middle() -> None:
    assert cut_middle("archive/gazette/1850", 20) == "archive/gazette/1850"
    assert cut_middle("archive/gazette/1850", 12) == "arch…te/1850"
    assert len(cut_middle("a" * 99, 16)) == 16


def test_nobody_at_work_is_said_with_what_to_run() -> None:
    assert fleet_sentence(NOBODY, 3, "broadsheet ingest scans") == (
        "Nobody works, and 3 pages wait; run:\n  broadsheet ingest scans"
    )


def test_a_finished_archive_has_no_pace_and_nothing_to_go() -> None:
    assert fleet_sentence(replace(NOBODY, workers=1, pages_per_second=0.11), 0, "") == "Every page has ended."


def test_workers_of_this_machine_that_are_gone_do_not_read_as_work(engine: Engine) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = this_process().replace(str(os.getpid()), str(gone.pid))
    (run, _) = add_page_runs(engine, 2)
    registry.report(engine, dead, 2)
    claims.claim(engine, run, "m", dead, 180)
    fleet = read_status(engine).fleet
    assert (fleet.workers, fleet.running, fleet.lost) == (0, 1, 1)
    assert fleet_sentence(fleet, 2, "broadsheet ingest scans").startswith("Nobody works, and 2 pages wait")


def test_the_status_of_one_volume_counts_no_other(engine: Engine) -> None:
    add_done_pages(engine, [page(1)], "a")
    add_page_runs(engine, 2, "quarantined", source="b")
    assert read_status(engine, Selection(("a",))).volumes == {"a": {"done": 1}}
    assert read_status(engine, Selection(("a",))).failures == {}
    assert read_status(engine).total == {"done": 1, "quarantined": 2}


def test_machines_with_workers_tell_their_memory_once_each(engine: Engine) -> None:
    registry.report(engine, "reader-1:4:11", 2)
    registry.report(engine, "reader-1:4:12", 3)
    registry.report(engine, "reader-2:4:11", 1)
    first, second = registry.machines(engine)
    assert (first.host, first.processes, second.host, second.processes) == ("reader-1", 5, "reader-2", 1)
    assert first.memory_total_kib is None or 0 < (first.memory_available_kib or 0) <= first.memory_total_kib


def test_the_memory_of_a_container_is_its_limit(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8000 kB\nMemFree: 100 kB\nMemAvailable: 6000 kB\n")
    assert read_machine_memory(meminfo, tmp_path) == MachineMemory(8000, 6000)
    (tmp_path / "memory.max").write_text(f"{4000 * 1024}\n")
    (tmp_path / "memory.current").write_text(f"{3000 * 1024}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {500 * 1024}\n")
    assert read_machine_memory(meminfo, tmp_path) == MachineMemory(4000, 1500)
    (tmp_path / "memory.max").write_text("max\n")
    assert read_machine_memory(meminfo, tmp_path) == MachineMemory(8000, 6000)
    assert read_machine_memory(tmp_path / "absent", tmp_path) is None


def test_scans_that_are_gone_are_counted_and_named(engine: Engine) -> None:
    add_done_pages(engine, [page(1), page(2), page(3)], "a")
    with engine.begin() as connection:
        for number, reason in ((1, "deleted"), (2, "moved")):
            gone = update(Page).where(Page.page_number == number)
            connection.execute(gone.values(gone_at=database_now(), gone_reason=reason))
    status = read_status(engine, with_gone_pages=True)
    assert status.gone == {"a": {"deleted": 1, "moved": 1}}
    assert [(one.page, one.reason) for one in status.gone_pages] == [("p0001.tif", "deleted"), ("p0002.tif", "moved")]
    assert any("p0001.tif" in line and "deleted" in line for line in shown(status))
    assert "Gone from a: 1 deleted, 1 moved" in shown(read_status(engine))
    assert read_status(engine, Selection(("b",))).gone == {}


def test_counts_follow_what_ends_without_counting_all_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = add_page_runs(engine, 5, "ready")
    add_page_runs(engine, 2, "ready", "others")
    recount = Recount()
    assert recount.read(engine).volumes == {"scans": {"ready": 5}, "others": {"ready": 2}}
    monkeypatch.setattr("orchestrator.status.recount.count_all", lambda *_: pytest.fail("all was counted anew"))
    recount._throttle = Throttle(0.05, 3600.0)
    with recount._throttle.timed():
        pass
    with engine.begin() as connection:
        for run, state in zip(runs, ("done", "quarantined", "running", "queued"), strict=False):
            ended = database_now() if state in ("done", "quarantined") else None
            values = {"state": state, "finished_at": ended, "is_current": ended is not None}
            connection.execute(update(PageRun).where(PageRun.page_run_id == run).values(**values))
    now = recount.read(engine)
    assert now.volumes["scans"] == {"ready": 1, "done": 1, "quarantined": 1, "running": 1, "queued": 1}
    assert now.volumes["others"] == {"ready": 2} and now.total["ready"] == 3
    assert (now.fleet.running, now.fleet.queued) == (1, 1)
    monkeypatch.undo()
    recount.expire()
    assert recount.read(engine).volumes == read_status(engine).volumes == now.volumes
