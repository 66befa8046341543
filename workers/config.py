"""Settings: the only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workers.errors import UnreadableInput
from workers.telemetry.secrets import check_broker_url

PREFIX = "BROADSHEET_"
# Of our temporary files and folders: hidden, so that an ingest which meets one passes it over.
TEMPORARY_PREFIX = ".broadsheet-"
# The file in its folder for which a worker waits that a command has started.
MAY_BEGIN = "may-begin"


# Variables of docker-compose.yml, which begin as ours do.
OF_COMPOSE = {"IMAGE", "UID", "GID"}


def setting(
    default: str | int, meaning: str, *, unit: str = "", least: int = 1, most: int | None = None, secret: bool = False
) -> Any:
    """Declare a field of `Settings`: its default, a sentence on what it means, its unit and the range of a number."""
    told = {"meaning": meaning, "unit": unit, "least": least, "most": most}
    return field(default=default, repr=not secret, metadata=told)


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process reaches its services, and the times of the lease protocol.

    The order of times matters: soft limit < hard limit < lease < visibility timeout. A page that hangs is
    stopped before its lease runs out, and its lease runs out before the broker delivers the message again.
    """

    # without the URLs: they hold passwords, and a repr ends up in tracebacks
    database_url: str = setting(
        "", "Where the database is, for `--database`; without either, the SQLite file `broadsheet.db` in this folder.",
        secret=True,
    )  # fmt: skip
    broker_url: str = setting(
        "", "Where the broker is, for `--broker`; without either, `ingest` starts one of its own.", secret=True
    )
    soft_limit_seconds: int = setting(120, "After so long a page is asked to stop.", unit="seconds")
    hard_limit_seconds: int = setting(150, "After so long its process is killed.", unit="seconds")
    lease_seconds: int = setting(
        180, "After so long without a word a page goes back into the queue; longer than the limits.", unit="seconds"
    )
    visibility_seconds: int = setting(
        900, "After so long the broker delivers a message again that nobody acknowledged; longer than a lease.",
        unit="seconds",
    )  # fmt: skip
    max_attempts: int = setting(3, "A page that failed so often is quarantined.", unit="attempts")
    soft_shutdown_seconds: int = setting(
        4, "So long a worker that is asked to stop lets its pages run before it gives them back.", unit="seconds",
        least=0,
    )  # fmt: skip
    database_patience_seconds: int = setting(
        60, "So long a worker waits for a database that restarts.", unit="seconds", least=0
    )
    window_per_process: int = setting(4, "So many pages are in the queue for each worker process.", unit="pages")
    max_window: int = setting(5_000, "Never are more pages in the queue, however large the fleet.", unit="pages")
    max_failure_rate: int = setting(
        10, "When clearly more of the pages that have ended failed, feeding stops; for `--max-failure-rate`.",
        unit="percent", least=0, most=100,
    )  # fmt: skip
    max_pixels: int = setting(200_000_000, "A larger scan is refused before any pixel of it is decoded.", unit="pixels")
    max_memory_per_process_kib: int = setting(
        4 * 1024 * 1024, "A worker process that ever needed more is replaced after its page.", unit="KiB"
    )
    reader_database_url: str = setting(
        "", "The same database as a user who may only read, for `web`; without it, as the one who writes.", secret=True
    )
    web_secret: str = setting(
        "", "What `web` signs sessions with, the same for all its servers; without it, one that ends with the server.",
        secret=True,
    )  # fmt: skip
    cache_folder: str = setting(
        "", "Where files of stores are kept that are read more than once; without it `~/.cache/broadsheet`."
    )
    cache_mib: int = setting(4_096, "So much of them is kept; what was not used for longest goes first.", unit="MiB")
    log_format: str = setting("", "`json` or `text`; without it, text on a terminal and JSON everywhere else.")
    metrics_address: str = setting("", "`HOST:PORT` where Prometheus asks a worker or feeder; without it nowhere.")
    heartbeat_file: str = setting("", "A file that a worker or feeder touches every few seconds while it is at work.")

    web_cache_mib: int = setting(2_048, "So much of the disk `web` keeps thumbnails and tiles on.", unit="MiB")
    web_memory_mib: int = setting(512, "So much memory `web` keeps decoded scans in; one is always kept.", unit="MiB")

    def __post_init__(self) -> None:
        if self.broker_url:
            check_broker_url(self.broker_url)
        if self.log_format not in ("", "json", "text"):
            raise UnreadableInput(f"{PREFIX}LOG_FORMAT must be json or text, not {self.log_format!r}")
        for item in fields(self):
            _check_range(item.name, getattr(self, item.name), item.metadata["least"], item.metadata["most"])
        times = (self.soft_limit_seconds, self.hard_limit_seconds, self.lease_seconds, self.visibility_seconds)
        if list(times) != sorted(set(times)):
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


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return a sentence for each variable that begins as ours do and is none, with the setting it is nearest to."""
    known = {item.name.upper() for item in fields(Settings)}
    names = {name.removeprefix(PREFIX) for name in environ if name.startswith(PREFIX)}
    sentences = []
    for name in sorted(names - known - OF_COMPOSE):
        near = get_close_matches(name, known, n=1)
        sentences.append(f"{PREFIX}{name} is no setting of ours{f'; did you mean {PREFIX}{near[0]}?' if near else '.'}")
    return sentences


def _check_range(name: str, value: str | int, least: int, most: int | None) -> None:
    if isinstance(value, int) and not least <= value <= (value if most is None else most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise UnreadableInput(f"{PREFIX}{name.upper()} must be {allowed}, not {value}")


def _convert(name: str, kind: str, text: str) -> str | int:
    if kind != "int":
        return text
    try:
        return int(text)
    except ValueError:
        raise UnreadableInput(f"{PREFIX}{name.upper()} must be a whole number, not {text!r}") from None
