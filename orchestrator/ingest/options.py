"""How the user wants an ingest; in a module of its own, so that the services are started before all else is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How the user wants the run: how many local processes, whether to wait for the end, before others or not.

    `refresh` reads pages again that have results of older versions of the software: `all`, or those that went through a
    stage whose code has `changed`. `fields`, a pattern of paths, and
    `metadata`, a table, say whose pages they are. `volume_name` is what the one volume is called, new or known.
    """

    processes: int | None = None
    wait: bool = True
    interactive: bool = False
    refresh: Literal["changed", "all"] | None = None
    fields: str | None = None
    metadata: Path | None = None
    volume_name: str | None = None
