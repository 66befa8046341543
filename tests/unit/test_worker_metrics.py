"""What a worker counts, across children that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from workers.errors import UnreadableInput
from workers.telemetry import metrics

# Three children in one slot of the pool, one after the other; the first is killed.
CHILDREN = """
import billiard, os, signal
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from workers.telemetry import metrics
from workers.layout import StageTiming

def work(number):
    timings = [StageTiming("decode", 40.0, 40.0, 1, 1), StageTiming("faces", 60.0, 1.0, 1, 1)]
    metrics.attempt_ended("done", timings=timings)
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)

metrics.attempt_ended("ready", "worker_lost")
for number in range(3):
    child = billiard.Process(target=work, args=(number,))
    child.index = 0
    child.start()
    child.join()
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_counts_of_killed_and_replaced_children_add_up_and_leave_no_further_files(tmp_path: Path) -> None:
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CHILDREN]
    text = subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout
    assert 'broadsheet_attempts_total{code="",outcome="done"} 3.0' in text
    assert 'broadsheet_attempts_total{code="worker_lost",outcome="ready"} 1.0' in text
    assert 'broadsheet_stage_seconds_bucket{le="0.05",stage="decode"} 3.0' in text
    assert 'broadsheet_stage_seconds_bucket{le="0.05",stage="faces"} 0.0' in text
    assert "broadsheet_page_seconds_count 3.0" in text
    slots = {path.stem.rpartition("_")[2] for path in tmp_path.iterdir()}
    assert slots == {"main", "0"}


# A child that finds no room for its figures, then one that does.
FULL_DISK = """
import billiard, os
from tests.disk import small_disk
from workers.telemetry import logs, metrics

def work(index):
    if index == 0:
        with small_disk():
            metrics.attempt_ended("done")
            metrics.attempt_ended("quarantined", "unreadable_image")
    metrics.attempt_ended("done")

logs.configure("text", "info")
for index in range(2):
    child = billiard.Process(target=work, args=(index,))
    child.index = index
    child.start()
    child.join()
    print(child.exitcode)
"""


def test_a_full_disk_costs_figures_and_no_process(tmp_path: Path) -> None:
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", FULL_DISK], env=environ, check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["0", "0"]
    assert "metrics are incomplete" in run.stderr
    sizes = {file.name: file.stat() for file in tmp_path.iterdir()}
    assert "counter_1.db" in sizes
    assert all(size.st_blocks * 512 >= size.st_size for size in sizes.values()), "a hole would end the process"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc, which Linux has")
def test_memory_is_told_for_the_main_process_and_each_child() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in metrics.child_processes(os.getpid())
        (gauge,) = metrics.ProcessMemory().collect()
        by_role = {(sample.labels["role"], sample.labels["pid"]): sample.value for sample in gauge.samples}
        assert by_role["main", str(os.getpid())] > 1_000_000
        assert ("child", str(child.pid)) in by_role
        child.communicate(b"\n")
    assert metrics.resident_bytes(child.pid) is None


@pytest.mark.parametrize("address", ["9464", "localhost", "localhost:http", ":9464"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(UnreadableInput, match="HOST:PORT"):
        metrics.listen(address, CollectorRegistry())
