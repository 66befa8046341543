"""`page_boxes`: all kinds of boxes in one view, in pixels and as fractions of the page."""

from __future__ import annotations

from models.views.view import (
    CURRENT,
    HISTORY,
    KEYS,
    OF_PAGE_RUN,
    OF_PIPELINE,
    PAGE,
    PIPELINE,
    Column,
    View,
    columns,
    meanings,
    of_history,
    select,
)

MEANING = "Lines, separators and faces in one table, in pixels and as fractions of the page"
KINDS = (
    ("line", "text_line", "line_number", "NULL", "b.confidence"),
    ("separator", "separator", "separator_number", "b.origin", "NULL"),
    ("face", "face", "face_number", "b.label", "b.confidence"),
)


def _columns(kind: str, number: str, label: str, confidence: str) -> tuple[Column, ...]:
    return (
        PAGE
        + columns(
            ("kind", f"'{kind}'", "line, separator or face"),
            ("number", f"b.{number}", "Number on the page, from 1; of a line its reading order"),
            ("label", f"CAST({label} AS VARCHAR(40))", "Origin of a separator, label of a face; NULL for a line"),
            ("confidence", f"CAST({confidence} AS FLOAT)", "Of a face or a line, 0 to 1; NULL for a separator"),
            ("b.x_min", "Left edge, pixels of the upright original scan"),
            ("b.y_min", "Top edge, pixels"),
            ("b.x_max", "Right edge, exclusive, pixels"),
            ("b.y_max", "Bottom edge, exclusive, pixels"),
            ("x_fraction", "CAST(b.x_min AS FLOAT) / r.width", "Left edge, from 0 to 1 of the page's width"),
            ("y_fraction", "CAST(b.y_min AS FLOAT) / r.height", "Top edge, from 0 to 1 of the page's height"),
            ("width_fraction", "CAST(b.x_max - b.x_min AS FLOAT) / r.width", "Width, from 0 to 1 of the page's"),
            ("height_fraction", "CAST(b.y_max - b.y_min AS FLOAT) / r.height", "Height, from 0 to 1 of the page's"),
        )
        + PIPELINE
        + KEYS
    )


def _union(condition: str, *more: Column) -> str:
    return " UNION ALL ".join(
        select(
            _columns(kind, number, label, confidence) + more,
            f"FROM {table} b JOIN page_run r ON r.page_run_id = b.page_run_id{OF_PAGE_RUN}{OF_PIPELINE}{condition}",
        )
        for kind, table, number, label, confidence in KINDS
    )


_MEANINGS = meanings(_columns("", "", "", ""))
VIEWS = (
    View("page_boxes", MEANING, _MEANINGS, _union(f" WHERE {CURRENT}")),
    View("page_boxes_all", of_history("page_boxes"), _MEANINGS | meanings(HISTORY), _union("", *HISTORY)),
)
