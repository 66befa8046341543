"""Where the faults are hung up in a process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from PIL import Image
from sqlalchemy import Engine, event

from orchestrator.feeder.broker import Message, RedisBroker
from tests.faults import actions
from tests.faults.plan import from_environment
from workers.config import Settings
from workers.layout import BoundingBox, PageLayout, TextLine
from workers.lease import processing
from workers.lease.claims import Claim
from workers.parameters import PipelineParameters
from workers.telemetry.timing import StageClock

PLAN = from_environment()
TRANSACTIONS = {"claim", "record", "fail", "take", "sweep", "store_block"}
_page: tuple[str, int] | tuple[None, None] = (None, None)


def install() -> tuple[processing.Steps, tuple[str, ...]]:
    """Hang up the faults of this process's plan; returns the steps and the command of a suspect's process."""
    reach("start")
    event.listen(Engine, "commit", at_commit)
    RedisBroker.publish = publish  # type: ignore[method-assign]
    return processing.Steps(load, analyse, record), (sys.executable, "-m", "tests.faults.alone")


def reach(point: str) -> None:
    """Do what the plan says for this point."""
    for fault in PLAN:
        if fault.strikes(point, *_page):
            actions.point = point
            getattr(actions, fault.action)()


def load(claim: Claim, settings: Settings) -> Image.Image:
    """Open the scan."""
    global _page
    _page = (claim.page_name, claim.attempt_number)
    reach("load")
    return processing.open_claimed_scan(claim, settings)


def analyse(image: Image.Image, parameters: PipelineParameters, clock: StageClock) -> PageLayout:
    """Find as many lines as the width of the scan says."""
    with clock.stage("segmentation") as found:
        reach("analyse")
        lines = tuple(TextLine(BoundingBox(1, 10 * n + 1, 30, 10 * n + 9)) for n in range(lines_on(image.width)))
        found.count = len(lines)
    return PageLayout(image.width, image.height, lines, timings=tuple(clock.timings))


def lines_on(width: int) -> int:
    """Return how many lines the pages of these tests have."""
    return 1 + width % 7


def record(engine: Engine, claim: Claim, page: PageLayout) -> bool:
    """Store the results, then strike before the message is acknowledged."""
    stored = processing.Steps().record(engine, claim, page)
    reach("recorded")
    return stored


def at_commit(_connection: Any) -> None:
    """Strike inside the transaction of one of the functions that have a name."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code.co_name in TRANSACTIONS and "tests" not in frame.f_globals["__name__"]:
            reach(f"{frame.f_code.co_name}.commit")
            return


_true_publish = RedisBroker.publish


def publish(self: RedisBroker, messages: Sequence[Message]) -> None:
    """Strike between the feeder's commit and its messages."""
    reach("publish")
    _true_publish(self, messages)
