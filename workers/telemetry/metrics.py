"""What a worker tells Prometheus: attempts by outcome, times of pages and stages, memory of its processes.

The pages are worked on in child processes. What they count goes through files in the directory that
`PROMETHEUS_MULTIPROC_DIR` names (it must be set before this module is imported), and the main process serves the
sum. Without the directory the figures stay in their process, unread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import billiard
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from workers.errors import UnreadableInput
from workers.layout import StageTiming

log = logging.getLogger(__name__)

# Room for some thousand figures, ten times what a worker counts: a file that had to grow would get holes again.
FILE_BYTES = 1 << 20
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


def _slot() -> str:
    """Return the place of this process in the pool: a new child goes on with the files of the one it replaces."""
    return str(getattr(billiard.current_process(), "index", "main"))


class AllocatedFile(MmapedDict):
    """The figures of one process, in a file whose blocks are all there before it is mapped.

    The library's own file has holes: the first figure written to one on a full disk would end the process (SIGBUS).
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            self._allocate(Path(filename))
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    @staticmethod
    def _allocate(file: Path) -> None:
        if not file.exists():
            part = file.with_suffix(f".{os.getpid()}")
            try:
                part.write_bytes(bytes(FILE_BYTES))
                part.rename(file)
            finally:
                part.unlink(missing_ok=True)


if values.ValueClass._multiprocess:
    # By process number, the library's default, each replaced child would leave its files behind for good.
    values.ValueClass = values.MultiProcessValue(_slot)  # type: ignore[no-untyped-call]
    values.MmapedDict = AllocatedFile  # type: ignore[attr-defined]

ATTEMPTS = Counter("broadsheet_attempts", "Attempts that ended, by outcome and error code", ["outcome", "code"])
PAGE_SECONDS = Histogram("broadsheet_page_seconds", "Time of one page, all stages", buckets=_SECONDS)
STAGE_SECONDS = Histogram("broadsheet_stage_seconds", "Time of one stage of one page", ["stage"], buckets=_SECONDS)


def attempt_ended(outcome: str, code: str = "", timings: Sequence[StageTiming] = ()) -> None:
    """Count an attempt: done, ready (to be tried again), quarantined, or stale (in other hands by now).

    A figure that cannot be counted is missing; the page it is about is stored.
    """
    try:
        _count(outcome, code, timings)
    except Exception as error:  # the library stumbles in many ways over a file that it could not make
        log.warning("metrics are incomplete: %s: %s", type(error).__name__, error)


def _count(outcome: str, code: str, timings: Sequence[StageTiming]) -> None:
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
