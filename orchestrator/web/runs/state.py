"""What the run page shows: one small value, read from SQL, the same whichever server process reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from models import Page, PageRun, PageRunState, Volume
from orchestrator.feeder.host_waits import HostWait
from orchestrator.feeder.window import INTERACTIVE
from orchestrator.status.figures import Fleet, Status, unfinished_of
from orchestrator.status.recount import Recount
from orchestrator.status.text import fleet_sentence
from orchestrator.terminal.next_steps import go_on
from workers.config import Settings
from workers.lease.database import does_not_answer
from workers.process.registry import Machine, machines

# What is at work or went wrong is shown; of an archive of ten thousand volumes the others are one number.
VOLUMES_SHOWN = 40


@dataclass(frozen=True, slots=True)
class VolumeState:
    """A volume and its page runs by state; `goes_first` where some of those that wait were put before the others."""

    volume_id: int
    name: str
    counts: Mapping[str, int]
    goes_first: bool

    @property
    def pages(self) -> int:
        """Page runs in all."""
        return sum(self.counts.values())

    @property
    def unfinished(self) -> int:
        """Page runs that are still to end."""
        return unfinished_of(self.counts)

    @property
    def ended(self) -> int:
        """Page runs that have ended."""
        return self.pages - self.unfinished


@dataclass(frozen=True, slots=True)
class RunState:
    """All that the run page shows. `trouble` is a sentence on what is away; the rest is then as it was last known."""

    volumes: tuple[VolumeState, ...] = ()
    volumes_in_all: int = 0
    total: Mapping[str, int] | None = None
    failures: Mapping[str, int] | None = None
    waiting: Mapping[str, int] | None = None
    hosts: tuple[HostWait, ...] = ()
    fleet: Fleet | None = None
    machines: tuple[Machine, ...] = ()
    sentence: str = ""
    trouble: str = ""

    @property
    def known(self) -> bool:
        """Return whether the database has been read."""
        return self.fleet is not None

    @property
    def unfinished(self) -> int:
        """Page runs that are still to end."""
        return unfinished_of(self.total or {})

    @property
    def pages(self) -> int:
        """Page runs in all."""
        return sum((self.total or {}).values())

    def to_dict(self) -> dict[str, Any]:
        """Return the state for programs."""
        return asdict(self)


def read_state(
    engine: Engine, settings: Settings, recount: Recount, before: RunState, broker_trouble: str = ""
) -> RunState:
    """Return the state as the database has it now; `before` with a sentence while the database is away."""
    try:
        status = recount.read(engine)
        return _state(engine, settings, status, broker_trouble)
    except OperationalError as error:
        sentence = f"{does_not_answer(error)}. These figures are the last ones known; nothing is lost."
        return replace(before, trouble=sentence)


def _state(engine: Engine, settings: Settings, status: Status, trouble: str) -> RunState:
    order = sorted(status.volumes, key=lambda name: _rank(status.volumes[name]))
    shown = order[:VOLUMES_SHOWN]
    with engine.connect() as connection:
        named = select(Volume.source, Volume.volume_id).where(Volume.source.in_(shown))
        numbers: dict[str, int] = dict(connection.execute(named).all())
        waiting = select(Page.volume_id).distinct().join(PageRun, PageRun.page_id == Page.page_id)
        urgent = set(
            connection.scalars(waiting.where(PageRun.state == PageRunState.READY, PageRun.priority == INTERACTIVE))
        )
    return RunState(
        volumes=tuple(
            VolumeState(numbers[name], name, status.volumes[name], numbers[name] in urgent)
            for name in shown
            if name in numbers
        ),
        volumes_in_all=len(order),
        total=status.total,
        failures=status.failures,
        waiting=status.waiting,
        hosts=status.hosts,
        fleet=status.fleet,
        machines=tuple(machines(engine)),
        sentence=fleet_sentence(status.fleet, status.unfinished, go_on(settings, _unfinished(status))),
        trouble=trouble,
    )


def _rank(counts: Mapping[str, int]) -> int:
    """Put volumes at work before those that wait, these before those with failures, and these before the rest."""
    if counts.get(PageRunState.RUNNING) or counts.get(PageRunState.QUEUED):
        return 0
    if unfinished_of(counts):
        return 1
    return 2 if counts.get(PageRunState.QUARANTINED) else 3


def _unfinished(status: Status) -> list[str]:
    return [name for name, counts in status.volumes.items() if unfinished_of(counts)]
