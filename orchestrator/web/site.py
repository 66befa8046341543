"""What every page is given: the database, read-only, the settings, the folder of thumbnails and tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from starlette.requests import Request

from orchestrator.query.query import run_query
from orchestrator.web.kept import KeptAnswers
from workers.config import Settings

SQL_SECONDS = 20.0  # so long a question of our own pages may take


@dataclass(frozen=True, slots=True)
class Site:
    """The archive that is shown.

    `engine` is one on which the database refuses every write, `cache` the folder of pictures made before, `origins` the
    addresses of other sites whose viewers may have pictures and manifests, `*` for all. `capture_folder` is where the
    pictures of a camera become a volume, None where none are taken.
    """

    engine: Engine
    settings: Settings
    cache: Path
    origins: tuple[str, ...] = ()
    capture_folder: Path | None = None
    answers: KeptAnswers = field(default_factory=KeptAnswers)

    def ask(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a question over the promised views, each as a mapping by column.

        Raises:
            QueryError: the database refused, or the time is over.
            ServiceDown, OperationalError: the database is away.
        """
        return self.ask_with(sql, parameters)

    def ask_with(self, sql: str, parameters: Mapping[str, Any], seconds: float = SQL_SECONDS) -> list[dict[str, Any]]:
        """Return what `ask` does, with the values of the parameters in a mapping."""
        with run_query(self.engine, sql, parameters, seconds) as answer:
            return [dict(zip(answer.columns, row, strict=True)) for batch in answer.batches for row in batch]

    def kept(self, name: str, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return what `ask` returns, or returned a moment ago: for questions that count every page of an archive."""
        return self.answers.get(name, ask)


def site_of(request: Request) -> Site:
    """Return the archive that the request is about."""
    site: Site = request.app.state.site
    return site
