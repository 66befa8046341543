"""Which fault strikes where: a small plan that travels to the processes of a fleet in their environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

VARIABLE = "BROADSHEET_TEST_FAULTS"


@dataclass(frozen=True)
class Fault:
    """At `point`, on `page` and in these attempts (None: any), do `action`.

    Points: `start` (of a process), `load`, `analyse`, `recorded` (after the commit, before the message is
    acknowledged), `publish` (before a message is sent), and inside a transaction `claim.commit`, `record.commit`,
    `fail.commit`, `take.commit`, `sweep.commit`, `store_block.commit`.
    Actions are the functions of `tests.faults.actions`. With `once`, a file of that name, only one process is struck.
    """

    point: str
    action: str
    page: str | None = None
    attempts: tuple[int, ...] | None = None
    once: str | None = None

    def strikes(self, point: str, page: str | None, attempt: int | None) -> bool:
        """Return whether this is the place."""
        return (
            self.point == point
            and self.page in (None, page)
            and (self.attempts is None or attempt in self.attempts)
            and (self.once is None or _first(self.once))
        )


def _first(file: str) -> bool:
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def to_environment(faults: Sequence[Fault]) -> dict[str, str]:
    """Return the variable that carries the plan."""
    return {VARIABLE: json.dumps([asdict(fault) for fault in faults])}


def from_environment(environ: Mapping[str, str] = os.environ) -> list[Fault]:
    """Read the plan of this process."""
    loaded = json.loads(environ.get(VARIABLE, "[]"))
    return [Fault(**(item | {"attempts": item["attempts"] and tuple(item["attempts"])})) for item in loaded]
