"""One input after another through discovery and the worker's opener, in a process of its own under a memory limit.

A path comes from standard input, one line of JSON goes out: what became of the file, and what is wrong with that.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import traceback
import warnings
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from orchestrator.discovery.discovery import find_pages, open_volume
from workers.errors import MissingSource, PageError, TransientError, UnreadableInput
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.stages.palette.normalise import NormalisedPage, normalise

MEMORY_BYTES = 3 * 1024**3
LIMITS = Limits(
    max_pixels=10_000_000,
    max_frames=200,
    max_members=500,
    max_unpacked_bytes=32 * 1024**2,
    ratio_from_bytes=4 * 1024**2,
)
_MOST_PAGES = 12
# What only Python says. A sentence is one line and begins with the name of the file.
_PYTHON = re.compile(r"\bb'|Error\b|NoneType|Traceback|\bself\b|object at 0x|unpack requires|argument\b")


def judged(path: Path) -> dict[str, object]:
    """Return `outcome` (counted), and `fault` when it is none that may be."""
    outcomes: list[str] = []
    try:
        for page in islice(find_pages(open_volume(path), LIMITS), _MOST_PAGES):
            outcomes.append(_page(path, page.address, page.error))
    except UnreadableInput as error:
        outcomes.append(_sentence(error))
    return {"outcome": outcomes[0] if outcomes else "no page"}


def _page(path: Path, address: PageAddress, error: PageError | None) -> str:
    try:
        if error:
            raise error
        page = normalise(open_page(path, address, LIMITS))
    except (MissingSource, TransientError) as wrong:
        raise AssertionError(f"the file is there and the storage is well: {wrong!r}") from wrong
    except PageError as refused:
        return _sentence(refused)
    _check(page)
    if page.grey.max() < 8 and len(address.members) == 1 and address.frame is None and _second_reader_sees_more(path):
        raise AssertionError("a silent black page")
    return "page"


def _sentence(error: PageError | UnreadableInput) -> str:
    text = str(error)
    if "\n" in text or not text.endswith(".") or _PYTHON.search(text):
        raise AssertionError(f"no sentence for people: {text!r}")
    return error.code


def _check(page: NormalisedPage) -> None:
    height, width = page.grey.shape
    if page.rgb.shape != (height, width, 3) or page.grey.dtype != np.uint8 or not height * width:
        raise AssertionError("no picture of the shape that was promised")


def _second_reader_sees_more(path: Path) -> bool:
    """Return whether OpenCV reads a plain image and finds more than one value in it."""
    seen = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    return (
        seen is not None and seen.dtype == np.uint8 and float(np.ptp(seen[:, :, :3] if seen.ndim == 3 else seen)) > 100
    )


def main() -> None:
    """Judge files until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")
    for line in sys.stdin:
        try:
            answer = judged(Path(line.rstrip("\n")))
        except BaseException as error:
            answer = {"fault": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
