"""One page from prompt to prompt: what `broadsheet ingest page.png` takes beside the page itself.

    python -m benchmarks.one_page [REPEATS]

Each run has a folder and a database of its own. The least of some runs is told: a busy machine only adds to it.
Processor time is that of all processes together.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.unit.drawn_pages import two_columns

REPEATS = 7


def main() -> None:
    """Print one line."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.png"
        two_columns(width=1400, height=900).image.save(page)
        runs = [one_run(page) for _ in range(repeats)]
    wall, processor = (min(column) for column in zip(*runs, strict=True))
    print(f"one page from prompt to prompt: {wall:.2f} s, {processor:.2f} s of processor time; least of {repeats}")


def one_run(page: Path) -> tuple[float, float]:
    """Return the seconds of one run, by the clock and of the processor."""
    folder = Path(tempfile.mkdtemp(dir=page.parent))
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "ingest", str(page), "--json"], cwd=folder, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the ingest ended with exit code {process.returncode}")
    shutil.rmtree(folder)
    return seconds, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
