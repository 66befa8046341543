"""Which page runs a command is about, by whatever the user named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, bindparam, func, or_, select

from models import Page, PageRun, Pipeline, Volume
from workers.errors import UnreadableInput
from workers.sources.escape import typed
from workers.sources.stores.location import is_url

LOOKED_AT = 10_000  # names, for one that is similar to a mistyped one
WILDCARDS = "*?["


@dataclass(frozen=True, slots=True)
class Selection:
    """Which page runs: those that fit everything that is given; nothing given means all.

    Names are those of the database, `page_patterns` have the wildcards of a shell; `resolve` makes them of what people
    type. `page_runs` picks single ones by number.

    Results are read of what is current; a pipeline or numbers ask for others too.
    """

    volumes: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    pipeline: str | None = None
    page_runs: tuple[int, ...] | None = None
    code: str | None = None
    page_patterns: tuple[str, ...] = ()

    def narrow(self, statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """Return a statement on page_run that is joined with page, volume and pipeline, narrowed to the selection."""
        statement = (
            statement.join(Page, Page.page_id == PageRun.page_id)
            .join(Volume, Volume.volume_id == Page.volume_id)
            .join(Pipeline, Pipeline.pipeline_id == PageRun.pipeline_id)
        )
        if self.volumes:
            statement = statement.where(Volume.source.in_(self.volumes))
        if self.pages or self.page_patterns:
            statement = statement.where(or_(Page.name.in_(self.pages), *map(_fits, self.page_patterns)))
        if self.pipeline is not None:
            statement = statement.where(Pipeline.fingerprint == self.pipeline)
        if self.code is not None:
            statement = statement.where(PageRun.error_code == self.code)
        if self.page_runs is not None:
            # written into the statement: a database takes some ten thousand bound values at most
            runs: Any = bindparam("page_runs", self.page_runs, expanding=True, literal_execute=True)
            statement = statement.where(PageRun.page_run_id.in_(runs))
        return statement


def resolve(engine: Engine, selection: Selection) -> Selection:
    """Return the selection that was meant.

    A volume is named as it was given to `ingest`, by its path on the disk, by a pattern, or by the folder that holds it
    and others; a page by its name or by a pattern; a pipeline by its fingerprint or the beginning of it.

    Raises:
        UnreadableInput: the database holds nothing of that name, with the names that are near.
    """
    with engine.connect() as connection:
        volumes = [name for text in selection.volumes for name in _volumes(connection, typed(text))]
        pages = [typed(text) for text in selection.pages]
        patterns = [text for text in pages if _is_pattern(connection, text)]
        return replace(
            selection,
            volumes=tuple(dict.fromkeys(volumes)),
            pages=tuple(text for text in pages if text not in patterns),
            page_patterns=tuple(patterns),
            pipeline=None if selection.pipeline is None else _pipeline(connection, selection.pipeline),
        )


def _volumes(connection: Connection, text: str) -> list[str]:
    known = [(row.source, row.location) for row in connection.execute(select(Volume.source, Volume.location))]
    plain, place, real = str(Path(text)), str(Path(text).absolute()), str(Path(text).resolve())
    exact = [source for source, _ in known if source in (text, plain)]
    exact = exact or [source for source, location in known if location in (place, real)]
    if exact:
        return exact
    pattern = text if is_url(text) else plain
    fitting = [source for source, location in known if fnmatchcase(source, pattern) or fnmatchcase(location, place)]
    fitting = fitting or [source for source, location in known if location.startswith((f"{place}/", f"{real}/"))]
    if not fitting:
        raise UnreadableInput(f"The database has no volume {text}; {_instead(connection, Volume.source, text)}")
    return fitting


def _is_pattern(connection: Connection, text: str) -> bool:
    """Return whether a page's name is a pattern; one that the database holds as it is is none."""
    names = select(Page.page_id).limit(1)
    if connection.scalar(names.where(Page.name == text)) is not None:
        return False
    if not any(sign in text for sign in WILDCARDS) or connection.scalar(names.where(_fits(text))) is None:
        raise UnreadableInput(f"The database has no page {text}; {_instead(connection, Page.name, text)}")
    return True


def _pipeline(connection: Connection, text: str) -> str:
    begin_so = select(Pipeline.fingerprint).where(Pipeline.fingerprint.startswith(text, autoescape=True))
    found = connection.scalars(begin_so.order_by(Pipeline.fingerprint)).all()
    if text in found or len(found) == 1:
        return text if text in found else found[0]
    if found:
        raise UnreadableInput(f"{text} is the beginning of several pipelines: {', '.join(found)}.")
    raise UnreadableInput(f"The database has no pipeline {text}; {_instead(connection, Pipeline.fingerprint, text)}")


def _fits(pattern: str) -> ColumnElement[bool]:
    """Return the condition that a page's name fits the pattern of a shell, also across slashes."""
    return Page.name.regexp_match(_regular(pattern))


def _regular(pattern: str) -> str:
    """Return a pattern of a shell as a regular expression that both databases understand."""
    inside, out = False, "^"
    for sign in pattern:
        if inside:
            out += "^" if sign == "!" and out.endswith("[") else sign
            inside = sign != "]" or out.endswith(("[]", "[^]"))
        elif sign == "[" and "]" in pattern:
            inside, out = True, out + "["
        else:
            out += {"*": ".*", "?": "."}.get(sign, f"\\{sign}" if sign in r".\+^$(){}|[]" else sign)
    return out + "$"


def _instead(connection: Connection, column: Any, name: str) -> str:
    """Suggest names that hold what was typed, else similar ones, else some that there are."""
    stem = name.strip(WILDCARDS).rstrip("/").rsplit("/", 1)[-1].split(".", 1)[0] or name
    known = select(column).group_by(column).order_by(func.length(column), column)
    near = connection.scalars(known.where(column.icontains(stem, autoescape=True)).limit(3)).all()
    if not near:
        near = get_close_matches(name, connection.scalars(known.limit(LOOKED_AT)).all(), n=3, cutoff=0.7)
    if near:
        return f"did you mean {' or '.join(near)}?"
    held = connection.scalars(select(column).distinct().order_by(column).limit(5)).all()
    return f"it holds {', '.join(held)}{' and more' if len(held) == 5 else ''}." if held else "it holds none yet."
