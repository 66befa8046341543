"""The clock that times the stages of a page."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.layout import StageTiming

# Linux counts ru_maxrss in KiB, macOS in bytes.
RSS_UNITS_PER_KIB = 1024 if sys.platform == "darwin" else 1


@dataclass(slots=True)
class StageItems:
    """How many things a stage gave, set by the code it runs."""

    count: int = 0


class StageClock:
    """Times stages one after the other; `timings` holds those that ended well, `current` the one that runs."""

    def __init__(self, enter_stage: Callable[[str], None] | None = None) -> None:
        self.timings: list[StageTiming] = []
        self.current: str | None = None
        self._enter_stage = enter_stage

    @contextmanager
    def stage(self, name: str) -> Iterator[StageItems]:
        """Time the block as stage `name`; when it raises, `current` keeps the name for the report."""
        self.current = name
        if self._enter_stage is not None:
            self._enter_stage(name)
        items, its_own = StageItems(), forget_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        yield items
        self.timings.append(
            StageTiming(
                stage=name,
                wall_ms=round((time.perf_counter() - wall) * 1000, 3),
                cpu_ms=round((time.process_time() - cpu) * 1000, 3),
                peak_rss_kib=peak_rss_kib() if its_own else 0,
                items=items.count,
            )
        )
        self.current = None


def peak_rss_kib() -> int:
    """Return the peak resident memory of this process, in KiB: since the stage began on Linux, else ever."""
    return _own_peak_kib() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // RSS_UNITS_PER_KIB


def forget_peak() -> bool:
    """Let the peak begin anew at what the process holds now; False where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _own_peak_kib() -> int | None:
    # not getrusage: that counts in what the parent needed when it started this program
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    found = status.partition("VmHWM:")[2].split(maxsplit=1)
    return int(found[0]) if found else None
