"""What happens to pages whose process crashes, hangs or runs out of memory: one fleet, a page for each fault."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.plan import Fault
from tests.fleet import Fleet
from tests.integration.fleets import a_fleet, a_redis
from tests.servers import PostgresServer

# Page -> what strikes it, in its first attempt unless it says otherwise.
FAULTS = [
    Fault("analyse", "kill", "p0001.png", (1,)),
    Fault("analyse", "segfault", "p0002.png", (1,)),
    Fault("analyse", "eat_and_die", "p0003.png", (1,)),
    Fault("analyse", "memory_error", "p0004.png", (1,)),
    Fault("record.commit", "kill", "p0006.png", (1,)),
    Fault("recorded", "kill", "p0007.png", (1,)),
    Fault("analyse", "segfault", "p0008.png"),
    Fault("load", "bad_scan", "p0009.png"),
    Fault("analyse", "eat_and_die", "p0010.png"),
    Fault("analyse", "fork_after_torch", "p0011.png"),
    Fault("analyse", "fork_after_torch", "p0012.png"),
]
PAGES = 24


@pytest.fixture(scope="module")
def crashed(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet of one worker that has been through all of the faults."""
    folder = tmp_path_factory.mktemp("fleet")
    with a_redis() as redis, a_fleet(folder, postgres, redis, PAGES, FAULTS, max_window=8) as fleet:
        fleet.feeder()
        fleet.worker(2)
        fleet.until_ended()
        yield fleet


def outcomes(fleet: Fleet, name: str) -> list[tuple[str, str | None]]:
    return [(attempt.outcome, attempt.error_code) for attempt in fleet.attempts(name)]


def test_every_page_ends_with_its_results_once_and_its_attempts_counted(crashed: Fleet) -> None:
    crashed.check()
    assert crashed.states() == {"done": PAGES - 3, "quarantined": 3}


def test_the_workers_main_process_survives_all_of_it(crashed: Fleet) -> None:
    feeder, worker = crashed.processes
    assert (feeder.poll(), worker.poll()) == (None, None)


@pytest.mark.parametrize(("name", "signal"), [("p0001.png", 9), ("p0002.png", 11), ("p0006.png", 9)])
def test_a_page_whose_child_dies_is_tried_again(crashed: Fleet, name: str, signal: int) -> None:
    assert outcomes(crashed, name) == [("retry", "worker_lost"), ("done", None)]
    assert crashed.attempts(name)[0].signal == signal


def test_the_second_attempt_runs_in_a_process_of_its_own(crashed: Fleet) -> None:
    processes = {attempt.worker for number in range(13, PAGES + 1) for attempt in crashed.attempts(f"p{number:04}.png")}
    alone = [crashed.attempts(name)[1].worker for name in ("p0001.png", "p0002.png", "p0003.png", "p0006.png")]
    assert len(set(alone)) == 4
    assert processes.isdisjoint(alone)


def test_a_crash_in_native_code_leaves_pythons_stack_and_the_stage(crashed: Fleet) -> None:
    first = crashed.attempts("p0002.png")[0]
    assert first.stage == "segmentation"
    assert "in segfault" in first.traceback
    assert "signal 11" in first.error_message


def test_a_child_that_is_killed_for_memory_leaves_its_peak(crashed: Fleet) -> None:
    first = crashed.attempts("p0003.png")[0]
    assert first.peak_rss_kib > 500 * 1024
    assert re.search(r"with a peak of \d{3} MiB", first.error_message)


def test_numpys_memory_error_costs_an_attempt_and_no_process(crashed: Fleet) -> None:
    assert outcomes(crashed, "p0004.png") == [("retry", "out_of_memory"), ("done", None)]


def test_a_crash_before_the_commit_stores_nothing_and_after_it_everything(crashed: Fleet) -> None:
    assert outcomes(crashed, "p0006.png") == [("retry", "worker_lost"), ("done", None)]
    assert outcomes(crashed, "p0007.png") == [("done", None)]


@pytest.mark.parametrize(("name", "signal"), [("p0008.png", 11), ("p0010.png", 9)])
def test_a_poison_page_is_quarantined_with_what_is_known_of_its_end(crashed: Fleet, name: str, signal: int) -> None:
    attempts = crashed.attempts(name)
    assert outcomes(crashed, name) == [("retry", "worker_lost")] * 2 + [("quarantined", "worker_lost")]
    assert [(attempt.stage, attempt.signal) for attempt in attempts] == [("segmentation", signal)] * 3
    row = crashed.page_run(name)
    assert (row.state, row.error_code) == ("quarantined", "worker_lost")
    assert f"signal {signal} in stage segmentation" in row.error_message
    last = attempts[-1]
    assert last.peak_rss_kib > (500 * 1024 if signal == 9 else 10 * 1024)
    assert "segmentation begins" in last.log
    assert signal == 9 or "Fatal Python error" in last.traceback


def test_a_broken_scan_needs_no_second_attempt(crashed: Fleet) -> None:
    assert outcomes(crashed, "p0009.png") == [("quarantined", "unreadable_image")]


def test_torch_works_in_the_children(crashed: Fleet) -> None:
    assert outcomes(crashed, "p0011.png") == outcomes(crashed, "p0012.png") == [("done", None)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full, which Linux has")
def test_a_full_disk_under_logs_records_and_metrics_costs_no_page(postgres: PostgresServer, tmp_path: Path) -> None:
    faults = [Fault("load", "fill_disk"), Fault("analyse", "kill", "p0002.png", (1,)), FAULTS[7]]
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 12, faults) as fleet:
        fleet.feeder()
        worker = fleet.worker(2)
        fleet.until_ended()
        fleet.check()
        assert worker.poll() is None
        assert outcomes(fleet, "p0002.png") == [("retry", "worker_lost"), ("done", None)]
        assert outcomes(fleet, "p0009.png") == [("quarantined", "unreadable_image")]
        others = [outcomes(fleet, f"p{number:04}.png") for number in range(1, 13) if number not in (2, 9)]
        assert others == [[("done", None)]] * 10


def test_a_page_stuck_in_one_call_is_ended_by_the_hard_limit(postgres: PostgresServer, tmp_path: Path) -> None:
    limits = {"soft_limit_seconds": 14, "hard_limit_seconds": 15, "lease_seconds": 60}
    stuck = Fault("analyse", "hang", "p0001.png", (1,))
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 1, [stuck], **limits) as fleet:
        fleet.feeder()
        fleet.worker(1)
        fleet.until_ended()
        fleet.check()
        first = fleet.attempts("p0001.png")[0]
    assert (first.outcome, first.error_code, first.stage) == ("retry", "time_limit", "segmentation")
    assert 14 < (first.finished_at - first.started_at).total_seconds() < 60


def test_a_page_that_takes_its_process_with_it_runs_again_within_five_seconds(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    struck = Fault("analyse", "kill", "p0001.png", (1,))
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 1, [struck]) as fleet:
        fleet.feeder()
        fleet.worker(2)
        fleet.until_ended()
        fleet.check()
        first, second = fleet.attempts("p0001.png")
    # a fresh process has to start for it: on a busy machine that alone takes seconds
    slack = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert (second.started_at - first.started_at).total_seconds() < 5 * slack
