"""Whole pages beside kraken and OpenCV as they come: lines alone, faces alone, all from the file to the boxes."""

from __future__ import annotations

import cProfile
import pstats
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from PIL import Image

from benchmarks.side_by_side import Comparison, NotMeasured, Row, Seconds, timed
from workers.layout import PageLayout
from workers.parameters import FaceParameters, PipelineParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.working_page import working_page
from workers.stages.faces.detection import find_faces
from workers.stages.palette.normalise import normalise
from workers.stages.segmentation.reading_order import kraken_reading_order
from workers.stages.segmentation.text_lines import Found, find_text_lines
from workers.stages.separators.columns import find_columns

PARAMETERS = PipelineParameters()
SMALL_TYPE = Path("newspaper_ndnp/national_tribune_18981110_p1.jpg")
FRAKTUR = Path("newspaper_nzz/img_0112_nzz_18910329_0_0_a1_p1_1.tif")
LARGEST = Path("newspaper_gbn/DerPionier_18880121-p05.png")
REPEATS = 7  # of what takes about a second
STEPS = 30


def whole_page(data: Path) -> Row:
    """From the file to lines, separators and faces, beside kraken's binarize and segment and OpenCV's faces."""
    name, path = "whole page, newspaper_ndnp", data / SMALL_TYPE
    if not path.exists():
        return NotMeasured(name, f"{path} is missing")
    ours, page = timed(lambda: analyse_page(_decoded(path), PARAMETERS), REPEATS)
    theirs, lines = timed(lambda: _kraken_and_opencv(path))
    return Comparison(
        name, "kraken binarize + segment, OpenCV faces (1.15, 5)", ours, theirs, 25, f"{len(page.lines)} lines, {lines}"
    )


def _kraken_and_opencv(path: Path) -> int:
    from kraken import binarization, pageseg

    grey = _decoded(path).convert("L")
    lines = pageseg.segment(binarization.nlbin(grey)).lines
    _cascade().detectMultiScale(np.asarray(grey), 1.15, 5)
    return len(lines)


def lines_of_fraktur(data: Path) -> Row:
    """Lines alone, after decoding, beside kraken's segmenter as it comes."""
    return _lines(data / FRAKTUR, None, 25)


def lines_of_small_type(data: Path) -> Row:
    """Lines alone, after decoding, beside kraken's segmenter as it comes."""
    return _lines(data / SMALL_TYPE, None, 25)


def lines_of_fraktur_in_our_order(data: Path) -> Row:
    """Lines alone beside kraken's segmenter with our reading order handed to it."""
    return _lines(data / FRAKTUR, kraken_reading_order, 20)


def lines_of_small_type_in_our_order(data: Path) -> Row:
    """Lines alone beside kraken's segmenter with our reading order handed to it."""
    return _lines(data / SMALL_TYPE, kraken_reading_order, 20)


def _lines(path: Path, order: Callable[..., object] | None, wanted: float) -> Row:
    from kraken import pageseg

    against = "kraken segment on the Otsu page" + (", our reading order" if order else "")
    name = f"lines alone, {path.parent.name}"
    if not path.exists():
        return NotMeasured(name, f"{path} is missing")
    image = _decoded(path)
    ours, (found, _) = timed(lambda: _our_lines(image), REPEATS)
    grey = np.asarray(image.convert("L"))
    ink = Image.fromarray(np.asarray(cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]))
    ink = ink.convert("1", dither=Image.Dither.NONE)
    options = {"reading_order_fn": order} if order else {}
    theirs, expected = timed(lambda: pageseg.segment(ink, **options).lines)
    return Comparison(name, against, ours, theirs, wanted, f"{len(found)} lines, {len(expected)}")


def _our_lines(image: Image.Image) -> Found:
    page = working_page(normalise(image).grey, PARAMETERS.binarization)
    return find_text_lines(page, find_columns(page), PARAMETERS.segmentation)


def faces_beside_pictures(data: Path) -> Row:
    """Faces alone on a page with large pictures, beside OpenCV's search of the full page."""
    return _faces(data / SMALL_TYPE)


def faces_in_type(data: Path) -> Row:
    """Faces alone on a page of type only, beside OpenCV's search of the full page."""
    return _faces(data / FRAKTUR)


def _faces(path: Path) -> Row:
    name = f"faces alone, {path.parent.name}"
    if not path.exists():
        return NotMeasured(name, f"{path} is missing")
    image = _decoded(path)
    grey, lines = normalise(image).grey, [line.bbox for line in _our_lines(image)[0]]
    ours, found = timed(lambda: find_faces(grey, lines, FaceParameters()), REPEATS)
    theirs, boxes = timed(lambda: _cascade().detectMultiScale(grey, 1.1, 5))
    return Comparison(name, "detectMultiScale(grey, 1.1, 5)", ours, theirs, 10, f"{len(found)} faces, {len(boxes)}")


def report_stages(data: Path) -> str:
    """Return where each millisecond of a page goes, beside decoding alone, which is the floor."""
    lines = []
    for path in (data / FRAKTUR, data / SMALL_TYPE, data / LARGEST):
        if path.exists():
            floor, image = timed(lambda path=path: _decoded(path), REPEATS)  # type: ignore[misc]
            pages = [analyse_page(image, PARAMETERS) for _ in range(REPEATS)]
            lines.append(_stages(path, floor, image, pages))
    return "\n".join(lines)


def _stages(path: Path, floor: Seconds, image: Image.Image, pages: Sequence[PageLayout]) -> str:
    """Return the shortest processor time of each stage."""
    spent = {step[0].stage: min(t.cpu_ms for t in step) for step in zip(*(p.timings for p in pages), strict=True)}
    total = floor.processor * 1000 + sum(spent.values())
    pixels = image.width * image.height / 1e6
    shown = ", ".join(f"{stage} {milliseconds:,.0f}" for stage, milliseconds in spent.items())
    return (
        f"{path.parent.name}, {pixels:.1f} Mpx, {len(pages[0].lines)} lines: decode {floor.processor * 1000:,.0f}, "
        f"{shown}: {total:,.0f} ms, {total / pixels:.0f} ms a Mpx; decoding alone {pixels / floor.processor:,.0f} Mpx/s"
    )


def report_steps(data: Path) -> str:
    """Return the steps of finding lines that take longest, with what they call, under a profiler that slows them."""
    path = data / SMALL_TYPE
    if not path.exists():
        return f"not measured: {path} is missing"
    image, profile = _decoded(path), cProfile.Profile(process_time)
    profile.runcall(_our_lines, image)
    steps = [
        (cumulative, f"{Path(file).stem}.{function}")
        for (file, _, function), (_, _, _, cumulative, _) in pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
        if "stages" in Path(file).parts and not function.startswith("<")
    ]
    return "\n".join(f"{cumulative * 1000:6,.0f} ms {name}" for cumulative, name in sorted(steps, reverse=True)[:STEPS])


def report_growth(data: Path) -> str:
    """Return how time grows with pixels, and with the lines on as many pixels."""
    path = data / FRAKTUR
    if not path.exists():
        return f"not measured: {path} is missing"
    page = _decoded(path).convert("L")
    answers = []
    for share in (0.25, 0.5, 1.0):
        part = page.crop((0, 0, page.width, round(page.height * share)))
        blank = Image.new("L", page.size, 255)
        blank.paste(part)
        for what, image in (("cut to", part), ("blank below", blank)):
            spent, (found, _) = timed(lambda image=image: _our_lines(image), REPEATS)  # type: ignore[misc]
            answers.append(
                f"{what} {share:.0%}: {image.width * image.height / 1e6:.1f} Mpx, {len(found)} lines, "
                f"{spent.processor * 1000:,.0f} ms"
            )
    return "\n".join(answers)


def report_memory(data: Path) -> str:
    """Return the peak resident memory over the imports of the largest page, measured in a process of its own."""
    path = data / LARGEST
    if not path.exists():
        return f"not measured: {path} is missing"
    code = "import sys, benchmarks.page_rows as rows; rows.print_memory(sys.argv[1])"
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def print_memory(path: str) -> None:
    """Print by how much one page raised this process's peak memory."""
    # getrusage would tell the peak of the process that started this one; Linux lets us begin anew
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_gib()
    image = _decoded(Path(path))
    analyse_page(image, PARAMETERS)
    over = _peak_gib() - before
    print(f"{image.width * image.height / 1e6:.0f} Mpx: {over:.2f} GiB over the imports (wanted: < 1.0)")


def _peak_gib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024**2  # type: ignore[index]


def _decoded(path: Path) -> Image.Image:
    with path.open("rb") as file:
        image = Image.open(file)
        image.load()
    return image


def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


ROWS = [
    faces_beside_pictures,
    faces_in_type,
    lines_of_fraktur_in_our_order,
    lines_of_small_type_in_our_order,
    lines_of_fraktur,
    whole_page,
    lines_of_small_type,
]
REPORTS = {
    "Where each millisecond goes": report_stages,
    "Which steps take longest on newspaper_ndnp, lines alone": report_steps,
    "How time grows": report_growth,
    "Peak memory": report_memory,
}
