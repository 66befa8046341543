"""What reviewers say of boxes, made into a layout."""

from __future__ import annotations

import numpy as np

from models.review import Verdict
from orchestrator.evaluation.rules import compare_separators
from orchestrator.evaluation.truth import PageTruth
from orchestrator.reviews.corrections import corrected, moved_separator, separator_outline
from orchestrator.reviews.statements import Statement
from tests.archive import HEIGHT, WIDTH, page, text_lines
from workers.layout import BoundingBox, PageLayout, Separator, TextLine


def false(kind: str, number: int) -> Statement:
    return Statement(Verdict.FALSE_BOX, kind, number)


def missing(kind: str, *corners: int) -> Statement:
    return Statement(Verdict.MISSING_BOX, kind, box=BoundingBox(*corners))


def test_a_page_of_which_nothing_is_said_stays_as_it_is() -> None:
    layout = page(5, [BoundingBox(600, 300, 700, 420)])
    assert corrected(layout, []) == layout
    assert corrected(layout, [Statement(Verdict.RIGHT)]) == layout


def test_false_boxes_go_by_their_numbers_and_missing_ones_come() -> None:
    layout = page(5, [BoundingBox(600, 300, 700, 420)])
    right = corrected(layout, [false("line", 2), false("face", 1), missing("face", 600, 600, 700, 720)])
    assert [line.bbox for line in right.lines] == [line.bbox for n, line in enumerate(layout.lines, 1) if n != 2]
    assert [face.bbox for face in right.faces] == [BoundingBox(600, 600, 700, 720)]


def test_a_line_that_was_drawn_stands_in_its_column_at_its_height() -> None:
    left = text_lines(4)
    right = tuple(TextLine(line.bbox, column=2) for line in text_lines(4, x=550))
    layout = PageLayout(WIDTH, HEIGHT, (*left[:2], left[3], *right[:1], *right[2:]))
    drawn = [missing("line", 552, 131, 900, 149), missing("line", 101, 162, 450, 181)]
    found = corrected(layout, drawn).lines
    assert [line.column for line in found] == [1] * 4 + [2] * 4
    assert [line.bbox.y_min for line in found] == [100, 130, 162, 190, 100, 131, 160, 190]


def test_a_line_that_was_drawn_has_its_baseline_where_those_of_the_page_are() -> None:
    boxes = [line.bbox for line in text_lines(3)]
    layout = PageLayout(
        WIDTH, HEIGHT, tuple(TextLine(b, ((b.x_min, b.y_min + 15), (b.x_max - 1, b.y_min + 15))) for b in boxes)
    )
    drawn = corrected(layout, [missing("line", 100, 400, 450, 440)]).lines[-1]
    assert drawn.baseline == ((100, 430), (449, 430))


def test_the_first_line_of_an_empty_page_can_be_drawn() -> None:
    assert len(corrected(page(0), [missing("line", 100, 100, 300, 130)]).lines) == 1


def test_a_moved_separator_keeps_its_slant() -> None:
    slanted = Separator(BoundingBox(500, 100, 521, 1100), "printed", ((501, 100), (519, 1099)))
    moved = moved_separator(slanted, BoundingBox(400, 200, 421, 700))
    assert moved.path == ((401, 200), (419, 699))


def test_the_outline_of_a_slanted_separator_follows_it() -> None:
    slanted = Separator(BoundingBox(500, 100, 544, 1100), "printed", ((502, 100), (541, 1099)))
    outline = np.array(separator_outline(slanted), float)
    assert np.ptp(outline[np.isin(outline[:, 1], 100), 0]) <= 6
    truth = PageTruth(("p",), WIDTH, HEIGHT, separators=(outline,))
    compared = compare_separators([slanted], truth)
    assert compared is not None
    assert compared.lengths.recall == 1.0
