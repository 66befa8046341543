"""What the static site shows of pages and volumes, as rows of `page_status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, String, bindparam, text

from orchestrator.results.selection import Selection

PAGES_A_WALL = 200

Row = Mapping[str, Any]

_PAGES = """
SELECT page_id, page_run_id, volume_id, volume, page, page_number, state, error_message, empty_reason, width, height,
       text_lines, columns, separators, pictures, faces, title, date_issued, issue, edition, page_label, pipeline,
       sha256
FROM page_status
WHERE :every_volume OR volume IN :volumes
ORDER BY volume, volume_id, page_number, page_id"""


@dataclass(frozen=True, slots=True)
class ShownVolume:
    """A volume with its pages in their order."""

    volume_id: int
    name: str
    pages: Sequence[Row]

    @property
    def walls(self) -> list[Sequence[Row]]:
        """The pages, as many as one file of the site shows."""
        return [self.pages[start : start + PAGES_A_WALL] for start in range(0, len(self.pages), PAGES_A_WALL)]

    @property
    def issues(self) -> list[Sequence[Row]]:
        """The pages of each issue, where the volume has several."""
        found: list[Sequence[Row]] = [list(pages) for of, pages in groupby(self.pages, _issue) if any(of)]
        return found if len(found) > 1 else []

    def total(self, column: str) -> int:
        """The sum of a column over the pages."""
        return sum(row[column] or 0 for row in self.pages)

    def count(self, state: str) -> int:
        """How many pages are in a state."""
        return sum(row["state"] == state for row in self.pages)


def shown_volumes(engine: Engine, scope: Selection) -> list[ShownVolume]:
    """Return the volumes of a scope with their pages."""
    statement = text(_PAGES).bindparams(bindparam("volumes", expanding=True, type_=String()))
    values = {"every_volume": not scope.volumes, "volumes": list(scope.volumes)}
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(statement, values).mappings()]
    volumes = groupby(rows, key=lambda row: (row["volume_id"], row["volume"]))
    return [ShownVolume(volume_id, name, list(pages)) for (volume_id, name), pages in volumes]


def _issue(row: Row) -> tuple[Any, ...]:
    return row["date_issued"], row["issue"], row["edition"]
