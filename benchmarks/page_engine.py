"""The page engine beside what it is measured against: side by side, in one run, one thread, printed as ratios.

    python -m benchmarks.page_engine [--data ../shared/data] [--only NAME ...]

A row is a function that takes the folder of reference scans and returns a `Comparison`, or `NotMeasured` with its
reason; `ROWS` of a module of rows lists them. What imports cost is not counted. Times are of the processor, then of
the wall; the ratio that is wanted is one of processor times. All rows together take about twenty minutes, nearly all
of it in what ours is measured against: the reading order of 700 lines, kraken on newspaper_ndnp (twice) and the loops.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable
from pathlib import Path

import cv2

from benchmarks import core_rows, page_rows
from benchmarks.side_by_side import Comparison, Row, as_table

ROWS: list[Callable[[Path], Row]] = [*core_rows.ROWS, *page_rows.ROWS]
REFERENCE_SCANS = Path(__file__).resolve().parents[2] / "shared" / "data"


def main() -> int:
    """Measure the rows asked for, print them as a table; return 1 if one is slower than wanted."""
    names = [row.__name__ for row in ROWS]
    parser = argparse.ArgumentParser(description="The page engine beside what it takes the place of, as ratios.")
    parser.add_argument("--data", type=Path, default=REFERENCE_SCANS, help="folder of reference scans")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    arguments = parser.parse_args()
    _one_thread()
    measured = []
    for row in ROWS:
        if row.__name__ in arguments.only:
            print(f"measuring {row.__name__} ...", flush=True)
            measured.append(row(arguments.data))
    print(f"\n{as_table(measured)}\n\nload of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for title, report in page_rows.REPORTS.items() if arguments.only == names else ():
        print(f"\n{title}\n{report(arguments.data)}", flush=True)
    return int(any(isinstance(row, Comparison) and row.ratio < row.wanted for row in measured))


def _one_thread() -> None:
    """Keep every library to one thread; kraken's imports are paid here and not in a row."""
    cv2.setNumThreads(1)
    import torch
    from kraken import pageseg  # noqa: F401

    torch.set_num_threads(1)
    logging.getLogger("kraken").setLevel(logging.ERROR)


if __name__ == "__main__":
    raise SystemExit(main())
