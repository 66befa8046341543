"""How long the schema of a large SQLite database takes up and down.

    python -m benchmarks.migrate [--page-runs 1000000] [--lines 10] [--revision 0003]

A database with that many page runs and lines on each is made, taken down to the revision, and up again. Times are by
the wall clock and of this process's CPU; readers of SQLite go on in the meantime, writers wait.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import migrations
from benchmarks.synthetic import fill
from models.session import open_engine

PAGES = 1_000  # of a volume


def timed(what: str, action: Callable[[], object]) -> None:
    """Do something and print how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    print(f"{what}: {time.perf_counter() - wall:,.1f} s, {time.process_time() - cpu:,.1f} s of CPU", flush=True)


def main() -> None:
    """Print the times of the way down and of the way up."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--page-runs", type=int, default=1_000_000)
    options.add_argument("--lines", type=int, default=10, help="of a page")
    options.add_argument("--revision", default="0003")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'broadsheet.db'}")
        migrations.upgrade(engine)
        timed("filled", lambda: fill(engine, -(-given.page_runs // PAGES), PAGES, given.lines))
        head = migrations.head_revision()
        timed(f"{head} down to {given.revision}", lambda: migrations.downgrade(engine, given.revision))
        timed(f"{given.revision} up to {head}", lambda: migrations.upgrade(engine))
        engine.dispose()


if __name__ == "__main__":
    main()
