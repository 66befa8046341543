"""Statements of reviewers, in SQL: said, taken back, read. They never change results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, func, insert, select, update

from models import Face, Page, PageRun, PageRunState, Picture, Review, Separator, TextLine, database_now
from models.review import BOX_KINDS, PAGE_VERDICTS, Verdict
from orchestrator.results.selection import Selection
from workers.errors import UnreadableInput
from workers.layout import BoundingBox

LEAST_SIDE_PX = 2
_NUMBERED: Mapping[str, tuple[Any, Any]] = {
    "line": (TextLine, TextLine.line_number),
    "separator": (Separator, Separator.separator_number),
    "face": (Face, Face.face_number),
    "picture": (Picture, Picture.picture_number),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said of a page run. `box_number` is None for the page as a whole and for a box that is missing."""

    verdict: Verdict
    box_kind: str | None = None
    box_number: int | None = None
    box: BoundingBox | None = None
    asked_parameters: str | None = None
    review_id: int = 0
    reviewer: str = ""


class UnusableStatement(UnreadableInput):
    """What was said does not fit the page."""

    code = "unusable_statement"


def say_of(engine: Engine, page_run_id: int, reviewer: str, said: Statement) -> int:
    """Store a statement about a finished page run; returns its number.

    A box that reaches beyond the page is cut at its edges.

    Raises:
        UnusableStatement: there is no such finished page run or box, or the statement lacks its box.
    """
    with engine.begin() as connection:
        size = connection.execute(
            select(PageRun.width, PageRun.height).where(
                PageRun.page_run_id == page_run_id, PageRun.state == PageRunState.DONE
            )
        ).first()
        if size is None:
            raise UnusableStatement("This page has no result to review; it is not read yet.")
        box = _checked(connection, page_run_id, said, size.width or 0, size.height or 0)
        corners = {} if box is None else asdict(box)
        values = {
            "page_run_id": page_run_id, "reviewer": reviewer, "verdict": said.verdict, "box_kind": said.box_kind,
            "box_number": said.box_number, "asked_parameters": said.asked_parameters, **corners,
        }  # fmt: skip
        return int(connection.execute(insert(Review).returning(Review.review_id), values).scalar_one())


def _checked(connection: Any, page_run_id: int, said: Statement, width: int, height: int) -> BoundingBox | None:
    """Return the box to be stored with a statement: the one given, or a copy of the false one."""
    if said.verdict in PAGE_VERDICTS:
        return None
    if said.box_kind not in BOX_KINDS:
        raise UnusableStatement(f"A box is a {', '.join(BOX_KINDS)}; this one is called {said.box_kind!r}.")
    if said.verdict == Verdict.MOVED_SEPARATOR and said.box_kind != "separator":
        raise UnusableStatement("Only separators can be moved; call the box false and draw it anew.")
    known = None
    if said.verdict != Verdict.MISSING_BOX:
        known = _box_of_result(connection, page_run_id, said.box_kind, said.box_number)
    if said.verdict == Verdict.FALSE_BOX:
        return known
    if said.box is None:
        raise UnusableStatement("The place of the box is missing.")
    return clipped(said.box, width, height)


def _box_of_result(connection: Any, page_run_id: int, kind: str, box_number: int | None) -> BoundingBox:
    table, number = _NUMBERED[kind]
    columns = select(table.x_min, table.y_min, table.x_max, table.y_max)
    row = connection.execute(columns.where(table.page_run_id == page_run_id, number == box_number)).first()
    if row is None:
        raise UnusableStatement(f"The page has no {kind} of number {box_number}.")
    return BoundingBox(*row)


def clipped(box: BoundingBox, width: int, height: int) -> BoundingBox:
    """Return the part of a box on a page of `width` x `height` pixels.

    Raises:
        UnusableStatement: nothing of it is there.
    """
    x_max, y_max = min(box.x_max, width), min(box.y_max, height)
    if x_max - box.x_min < LEAST_SIDE_PX or y_max - box.y_min < LEAST_SIDE_PX:
        raise UnusableStatement("That box is too small, or beside the page; draw it on the page.")
    return BoundingBox(box.x_min, box.y_min, x_max, y_max)


def take_back_last(engine: Engine, reviewer: str, page_run_id: int | None = None) -> tuple[int, Statement] | None:
    """Take back what a reviewer said last (of one page run, if given); returns its page run and it, None without any.

    The row stays, with the moment when it was taken back.
    """
    with engine.begin() as connection:
        last = select(func.max(Review.review_id)).where(Review.reviewer == reviewer, Review.withdrawn_at.is_(None))
        if page_run_id is not None:
            last = last.where(Review.page_run_id == page_run_id)
        number = connection.scalar(last)
        return None if number is None else _take_back(connection, number)


def take_back(engine: Engine, reviewer: str, review_id: int) -> tuple[int, Statement] | None:
    """Take back one statement of a reviewer; None where it is not theirs, or is taken back already."""
    with engine.begin() as connection:
        theirs = select(Review.review_id).where(
            Review.review_id == review_id, Review.reviewer == reviewer, Review.withdrawn_at.is_(None)
        )
        return None if connection.scalar(theirs) is None else _take_back(connection, review_id)


def _take_back(connection: Any, review_id: int) -> tuple[int, Statement]:
    connection.execute(update(Review).where(Review.review_id == review_id).values(withdrawn_at=database_now()))
    row = connection.execute(select(*Review.__table__.columns).where(Review.review_id == review_id)).one()
    return row.page_run_id, _statement(row)


def standing(engine: Engine, page_run_ids: Sequence[int]) -> dict[int, list[Statement]]:
    """Return by page run what was said and not taken back, oldest first; of each box and page the newest only."""
    found: dict[int, dict[Any, Statement]] = defaultdict(dict)
    statement = select(*Review.__table__.columns).where(
        Review.page_run_id.in_(page_run_ids), Review.withdrawn_at.is_(None)
    )
    with engine.connect() as connection:
        for row in connection.execute(statement.order_by(Review.review_id)):
            said = _statement(row)
            key = row.review_id if said.verdict == Verdict.MISSING_BOX else (said.box_kind, said.box_number)
            found[row.page_run_id].pop(key, None)
            found[row.page_run_id][key] = said
    return {run: list(statements.values()) for run, statements in found.items()}


def _statement(row: Any) -> Statement:
    box = None if row.x_min is None else BoundingBox(row.x_min, row.y_min, row.x_max, row.y_max)
    return Statement(
        Verdict(row.verdict), row.box_kind, row.box_number, box, row.asked_parameters, row.review_id, row.reviewer
    )


@dataclass(frozen=True, slots=True)
class ReviewedPages:
    """The page runs that are ground truth, and how many pages people called wrong without more.

    `state` changes with every statement about the selected pages.
    """

    right: tuple[int, ...]
    wrong: int
    state: str


def reviewed_pages(engine: Engine, selection: Selection) -> ReviewedPages:
    """Return of each present page the page run whose verdict is the newest, as far as it is right.

    It need not be the current one: what was found right on a page stays its truth when the page is read again.
    """
    chosen = selection.narrow(select(Review.review_id).select_from(PageRun))
    chosen = chosen.join(Review, Review.page_run_id == PageRun.page_run_id).where(Page.gone_at.is_(None))
    columns = (PageRun.page_id, PageRun.page_run_id, Review.verdict)
    verdicts = chosen.with_only_columns(*columns).where(
        Review.withdrawn_at.is_(None), Review.verdict.in_((Verdict.RIGHT, Verdict.WRONG))
    )
    changes = chosen.with_only_columns(func.max(Review.review_id), func.count(Review.withdrawn_at))
    with engine.connect() as connection:
        newest = {row.page_id: row for row in connection.execute(verdicts.order_by(Review.review_id))}
        last, withdrawn = connection.execute(changes).one()
    right = tuple(row.page_run_id for row in newest.values() if row.verdict == Verdict.RIGHT)
    return ReviewedPages(right, len(newest) - len(right), f"{last or 0}-{withdrawn}")
