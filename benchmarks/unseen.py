"""Text lines on any scans with truth: ours beside PP-OCRv6's detector and tesseract, in one run, one thread.

    python -m benchmarks.unseen ../shared/data/newspaper_nzz FOLDER ... [--readers ours PP-OCRv6 tesseract] [--pages]

A folder holds scans and their `truth.json`. Two figures each, over all pages of a folder: F1 of lines where a found and
a true line are the same when along the line they share half of what they cover together and across it half of the
lower one's height (relaxed: styles of drawing boxes do not decide), and F1 at intersection over union 0.5. Then the
processor time of a page in seconds; ours without faces. Lines within `ignore` boxes of the truth are not looked at.
Where most true lines are taller than wide, ours is told that the text is vertical.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.other_readers import Reading, paddle, tesseract
from orchestrator.evaluation.matching import Boxes, Score, as_boxes, match_boxes, pairwise_overlap
from orchestrator.evaluation.scores import boxes_of
from orchestrator.evaluation.truth import PageTruth, read_truth
from workers.parameters import PipelineParameters, SegmentationParameters, TextDirection
from workers.pipeline import analyse_page

Reader = Callable[[Path, TextDirection], Reading | None]
ALONG, ACROSS = 0.5, 0.5


def ours(path: Path, direction: TextDirection, second_reader: str = "auto") -> Reading:
    """Read with this project's engine, its second reader where `auto` asks for it."""
    segmentation = SegmentationParameters(text_direction=direction)
    with Image.open(path) as image:
        image.load()
        started = process_time()
        layout = analyse_page(image, replace(PipelineParameters(), segmentation=segmentation))
        spent = process_time() - started
    faces = sum(timing.cpu_ms for timing in layout.timings if timing.stage == "faces") / 1000
    return boxes_of(line.bbox for line in layout.lines), spent - faces


READERS: dict[str, Reader] = {
    "ours": ours,
    "PP-OCRv6": lambda path, direction: paddle(path),
    "tesseract": lambda path, direction: tesseract(path),
}


@dataclass(frozen=True, slots=True)
class PageScore:
    """What one reader scored on one page, and its processor time in seconds."""

    relaxed: Score
    strict: Score
    seconds: float


def match_relaxed(found: Boxes, truth: Boxes) -> Score:
    """Count lines that are the same along and across, one to one, whatever their style of boxes."""
    return _most_pairs(same_relaxed(found, truth))


def same_relaxed(found: Boxes, truth: Boxes) -> NDArray[np.bool_]:
    """Return which found line may be which true one, (found, true), whatever their style of boxes."""
    width, height = pairwise_overlap(found, truth)
    tall = truth[:, 3] - truth[:, 1] > truth[:, 2] - truth[:, 0]
    along = np.where(tall, height / _together(found, truth, 1), width / _together(found, truth, 0))
    across = np.where(tall, width / _smaller(found, truth, 0), height / _smaller(found, truth, 1))
    return np.asarray((along >= ALONG) & (across >= ACROSS))


def _together(found: Boxes, truth: Boxes, axis: int) -> NDArray[np.float64]:
    first, last = found[:, axis][:, None], found[:, axis + 2][:, None]
    union = np.maximum(last, truth[:, axis + 2]) - np.minimum(first, truth[:, axis])
    return np.asarray(np.maximum(union, 1e-9))


def _smaller(found: Boxes, truth: Boxes, axis: int) -> NDArray[np.float64]:
    sides = (found[:, axis + 2] - found[:, axis])[:, None], truth[:, axis + 2] - truth[:, axis]
    return np.asarray(np.maximum(np.minimum(*sides), 1e-9))


def _most_pairs(same: NDArray[np.bool_]) -> Score:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    hits = int((maximum_bipartite_matching(csr_array(same), perm_type="column") >= 0).sum()) if same.size else 0
    return Score(hits, same.shape[0] - hits, same.shape[1] - hits)


def wanted(found: Boxes, ignored: Boxes) -> Boxes:
    """Return the found lines (n, 4) whose middle is in no box of `ignored`."""
    x, y = (found[:, 0] + found[:, 2]) / 2, (found[:, 1] + found[:, 3]) / 2
    inside = (x[:, None] > ignored[:, 0]) & (x[:, None] < ignored[:, 2])
    inside &= (y[:, None] > ignored[:, 1]) & (y[:, None] < ignored[:, 3])
    return found[~inside.any(axis=1)]


def pages(folder: Path) -> Iterator[tuple[Path, PageTruth, Boxes]]:
    """Yield the scans of a folder that have true lines, their truth, and the boxes that are not looked at."""
    stated = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    for truth in read_truth(folder / "truth.json").pages:
        scan = next(iter(sorted(folder.glob(f"*{truth.names[0]}"))), None)  # names may have got a prefix
        if truth.lines is not None and scan is not None:
            ignored = [entry["bbox"] if isinstance(entry, dict) else entry for entry in _ignored(stated, truth)]
            yield scan, truth, as_boxes(ignored)


def _ignored(stated: dict[str, dict[str, list[object]]], truth: PageTruth) -> list[object]:
    return stated[truth.names[0]].get("ignore", [])


def score(reading: Reading, truth: Boxes, ignored: Boxes) -> PageScore:
    """Score the boxes and the time of one reader on one page."""
    found = wanted(reading[0], ignored)
    truth = wanted(truth, ignored)
    return PageScore(match_relaxed(found, truth), match_boxes(found, truth).score, reading[1])


def direction_of(truth: Boxes) -> TextDirection:
    """Return the direction in which most true lines run; vertical text is read from the right."""
    tall = (truth[:, 3] - truth[:, 1] > truth[:, 2] - truth[:, 0]).mean() > 0.5
    return "vertical-rl" if tall else "horizontal-lr"


def row(name: str, scores: Sequence[Sequence[PageScore | None]]) -> str:
    """Return a row of the table: for each reader both figures and the processor time of a page."""
    cells = []
    for own in scores:
        known = [page for page in own if page is not None]
        relaxed, strict = (sum((getattr(p, kind) for p in known), Score()).f1 for kind in ("relaxed", "strict"))
        seconds = sum(page.seconds for page in known) / max(1, len(known))
        cells.append(f"{relaxed:.3f} / {strict:.3f} / {seconds:.2f} s" if known else "not installed")
    return f"| {name} | {' | '.join(cells)} |"


def measure(folder: Path, readers: Sequence[str], each_page: bool) -> str:
    """Return a folder's row; the rows of its pages are printed on the way where asked for."""
    scores: list[list[PageScore | None]] = [[] for _ in readers]
    for scan, truth, ignored in pages(folder):
        with Image.open(scan) as image:
            size = image.size
        lines = truth.scaled_to(*size).lines
        assert lines is not None
        for own, reader in zip(scores, readers, strict=True):
            reading = READERS[reader](scan, direction_of(lines))
            own.append(None if reading is None else score(reading, lines, ignored))
        if each_page:
            print(row(f"{folder.name}: {scan.name[-24:]}", [own[-1:] for own in scores]), flush=True)
    return row(f"**{folder.name}**" if each_page else folder.name, scores)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", nargs="+", type=Path, help="folders of scans with truth.json")
    options.add_argument("--readers", nargs="+", default=list(READERS), choices=list(READERS))
    options.add_argument("--pages", action="store_true", help="a row for each page, too")
    given = options.parse_args()
    cv2.setNumThreads(1)
    print("Relaxed F1 / F1 at IoU 0.5 / processor time a page\n")
    print(f"| set | {' | '.join(given.readers)} |\n|---|{'---|' * len(given.readers)}", flush=True)
    for folder in given.folders:
        print(measure(folder, given.readers, given.pages), flush=True)


if __name__ == "__main__":
    main()
