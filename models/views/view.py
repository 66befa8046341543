"""What a view is: its columns, each with its sentence, and the SQL that all of it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view: what it holds, with its unit, and the SQL expression that gives it."""

    name: str
    meaning: str
    expression: str


@dataclass(frozen=True, slots=True)
class View:
    """A view for readers. `query` is the SELECT by dialect ("sqlite", "postgresql"); one that both take is enough."""

    name: str
    meaning: str
    columns: Mapping[str, str]
    query: str | Mapping[str, str]

    def sql(self, dialect: str) -> str:
        """Return the SELECT in the spelling of `dialect`."""
        return self.query if isinstance(self.query, str) else self.query[dialect]


def columns(*rows: tuple[str, str] | tuple[str, str, str]) -> tuple[Column, ...]:
    """Return columns from (expression, meaning), named like the last part of the expression, or (name, ...) first."""
    return tuple(
        Column(row[0], row[2], row[1]) if len(row) == 3 else Column(row[0].rpartition(".")[2], row[1], row[0])
        for row in rows
    )


def select(wanted: Iterable[Column], source: str) -> str:
    """Return the SELECT of columns from a source (FROM, JOIN, WHERE)."""
    return f"SELECT {', '.join(f'{one.expression} AS {one.name}' for one in wanted)} {source}"


def meanings(wanted: Iterable[Column]) -> dict[str, str]:
    """Return the meaning of each column by its name."""
    return {one.name: one.meaning for one in wanted}


# Of every page run, and of each row that belongs to one.
PAGE = columns(
    ("volume", "v.source", "Name of the volume: the path as it was given to ingest"),
    ("page", "p.name", "Name of the page in its volume: p0003.tif, book.pdf#3"),
    ("p.page_number", "Place of the page in the natural order of its volume, from 1"),
)
PIPELINE = columns(
    ("pipeline", "l.fingerprint", "Fingerprint of the pipeline: the parameters and versions that made it")
)
KEYS = columns(
    ("r.page_run_id", "Number of the page run, to join the views by"),
    ("p.page_id", "Number of the page: the same in all views, whatever pipeline read it"),
)
HISTORY = columns(
    ("r.is_current", "True for the one result of each scan that is present; the other views show only these")
)

OF_PAGE_RUN = """
    JOIN page p ON p.page_id = r.page_id
    JOIN volume v ON v.volume_id = p.volume_id"""
OF_DESCRIPTION = """
    LEFT JOIN page_description m ON m.page_id = p.page_id"""
OF_PIPELINE = """
    JOIN pipeline l ON l.pipeline_id = r.pipeline_id"""
CURRENT = "r.is_current"


def with_history(
    name: str, meaning: str, wanted: tuple[Column, ...], source: str, more: tuple[Column, ...] = ()
) -> tuple[View, View]:
    """Return the view of current results, and its `..._all` with those of every pipeline and of scans that are gone.

    `more` are columns that only the history has.
    """
    has_pipeline = any(column.name == "pipeline" for column in wanted)
    everything = wanted + (() if has_pipeline else PIPELINE) + HISTORY + more
    history = source if has_pipeline else source + OF_PIPELINE
    return (
        View(name, meaning, meanings(wanted), select(wanted, f"{source}\n    WHERE {CURRENT}")),
        View(f"{name}_all", of_history(name), meanings(everything), select(everything, history)),
    )


def of_history(name: str) -> str:
    """Return what an `..._all` view holds."""
    return f"Like {name}, but of every pipeline, and of scans that are gone too"
