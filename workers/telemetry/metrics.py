"""What a worker tells Prometheus: attempts by outcome, times of pages and stages, memory of its processes.

The pages are worked on in child processes. What they count goes through files in the directory that
`PROMETHEUS_MULTIPROC_DIR` names (it must be set before this module is imported), and the main process serves the
sum. Without the directory the figures stay in their process, unread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import billiard
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from workers.errors import UnreadableInput
from workers.layout import StageTiming

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


def _slot() -> str:
    """Return the place of this process in the pool: a new child goes on with the files of the one it replaces."""
    return str(getattr(billiard.current_process(), "index", "main"))


if values.ValueClass._multiprocess:
    # By process number, the library's default, each replaced child would leave its files behind for good.
    values.ValueClass = values.MultiProcessValue(_slot)  # type: ignore[no-untyped-call]

ATTEMPTS = Counter("broadsheet_attempts", "Attempts that ended, by outcome and error code", ["outcome", "code"])
PAGE_SECONDS = Histogram("broadsheet_page_seconds", "Time of one page, all stages", buckets=_SECONDS)
STAGE_SECONDS = Histogram("broadsheet_stage_seconds", "Time of one stage of one page", ["stage"], buckets=_SECONDS)


def attempt_ended(outcome: str, code: str = "", timings: Sequence[StageTiming] = ()) -> None:
    """Count an attempt: done, ready (to be tried again), quarantined, or stale (in other hands by now)."""
    ATTEMPTS.labels(outcome, code).inc()
    if timings:
        PAGE_SECONDS.observe(sum(timing.wall_ms for timing in timings) / 1000)
    for timing in timings:
        STAGE_SECONDS.labels(timing.stage).observe(timing.wall_ms / 1000)


class ProcessMemory(Collector):
    """Resident memory of the main process and of each child, read from /proc (Linux) when it is asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one gauge, in bytes, by role and process number."""
        gauge = GaugeMetricFamily("broadsheet_resident_bytes", "Resident memory now", labels=["role", "pid"])
        main = os.getpid()
        for role, pid in [("main", main), *(("child", child) for child in child_processes(main))]:
            size = resident_bytes(pid)
            if size is not None:
                gauge.add_metric([role, str(pid)], size)
        yield gauge


def child_processes(pid: int) -> list[int]:
    """Return the process numbers of the children of a process; none where there is no /proc."""
    children = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += [int(child) for child in tasks.read_text().split()]
        except FileNotFoundError:  # the thread has ended
            continue
    return sorted(children)


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process, or None when it is gone or there is no /proc."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def serve(address: str) -> None:
    """Answer at `address` (HOST:PORT) with this worker's figures, from a thread of the main process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(ProcessMemory())
    ProcessCollector(registry=registry)
    listen(address, registry)


def listen(address: str, registry: CollectorRegistry) -> None:
    """Serve a registry over HTTP, as OpenMetrics to those that ask for it.

    Raises:
        UnreadableInput: the address is not HOST:PORT.
        OSError: the port is taken.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UnreadableInput(f"BROADSHEET_METRICS_ADDRESS must be HOST:PORT, e.g. 127.0.0.1:9464, not {address!r}.")
    start_http_server(int(port), host.strip("[]"), registry)
