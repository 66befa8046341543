"""Settings: the only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from workers.errors import UnreadableInput
from workers.telemetry.secrets import check_broker_url

PREFIX = "BROADSHEET_"
# Of our temporary files and folders: hidden, so that an ingest which meets one passes it over.
TEMPORARY_PREFIX = ".broadsheet-"
# The file in its folder for which a worker waits that a command has started.
MAY_BEGIN = "may-begin"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process reaches its services, and the times of the lease protocol.

    The order of times matters: soft limit < hard limit < lease < visibility timeout. A page that hangs is
    stopped before its lease runs out, and its lease runs out before the broker delivers the message again.
    """

    # without the URLs: they hold passwords, and a repr ends up in tracebacks
    database_url: str = field(default="", repr=False)
    broker_url: str = field(default="", repr=False)
    soft_limit_seconds: int = 120
    hard_limit_seconds: int = 150
    lease_seconds: int = 180
    visibility_seconds: int = 900
    max_attempts: int = 3
    soft_shutdown_seconds: int = 4  # how long a worker that is asked to stop lets its pages run before it returns them
    database_patience_seconds: int = 60  # how long a worker waits for a database that restarts
    window_per_process: int = 4
    max_window: int = 5_000
    max_failure_rate: int = 10  # percent of the pages that have ended; with more, feeding stops
    max_pixels: int = 200_000_000
    max_memory_per_process_kib: int = 4 * 1024 * 1024
    log_format: str = ""  # json or text; by default text on a terminal, JSON everywhere else
    metrics_address: str = ""  # HOST:PORT where Prometheus asks; by default nowhere
    heartbeat_file: str = ""  # touched every few seconds by a worker or feeder that is at work

    def __post_init__(self) -> None:
        if self.broker_url:
            check_broker_url(self.broker_url)
        if self.log_format not in ("", "json", "text"):
            raise UnreadableInput(f"{PREFIX}LOG_FORMAT must be json or text, not {self.log_format!r}")
        times = (self.soft_limit_seconds, self.hard_limit_seconds, self.lease_seconds, self.visibility_seconds)
        if list(times) != sorted(set(times)) or times[0] <= 0:
            raise UnreadableInput(
                f"the times must rise: {PREFIX}SOFT_LIMIT_SECONDS < HARD_LIMIT_SECONDS < LEASE_SECONDS < "
                f"VISIBILITY_SECONDS, but they are {', '.join(map(str, times))}"
            )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read `BROADSHEET_*`; a setting that is absent keeps its default.

        Raises:
            UnreadableInput: a setting is not of its kind, or the times do not rise.
        """
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = environ.get(PREFIX + item.name.upper(), "").strip()
            if text:
                values[item.name] = _convert(item.name, str(item.type), text)
        return cls(**values)

    def with_urls(self, database_url: str | None, broker_url: str | None) -> Settings:
        """Return the settings with what the command line gave; without any, the SQLite file in this directory."""
        database = database_url or self.database_url or f"sqlite:///{Path('broadsheet.db').absolute()}"
        return replace(self, database_url=database, broker_url=broker_url or self.broker_url)

    def to_env(self) -> dict[str, str]:
        """Return the environment from which `from_env` reads these settings, for a process that we start."""
        return {PREFIX + item.name.upper(): str(getattr(self, item.name)) for item in fields(self)}


def _convert(name: str, kind: str, text: str) -> str | int:
    if kind != "int":
        return text
    try:
        return int(text)
    except ValueError:
        raise UnreadableInput(f"{PREFIX}{name.upper()} must be a whole number, not {text!r}") from None
