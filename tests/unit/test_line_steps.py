"""It can be told which step of finding text lines dropped, trimmed, joined or cut a line."""

import numpy as np

from tests.unit.drawn_pages import DrawnPage, two_columns
from workers.layout import BoundingBox
from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page, explain_page_lines
from workers.stages.palette.normalise import normalise
from workers.stages.segmentation.step_effects import StepEffect, step_effect
from workers.stages.segmentation.text_lines import STEPS

NONE = np.zeros((0, 4), np.int64)
A, B, C = [10, 10, 200, 30], [220, 10, 400, 30], [10, 50, 400, 70]


def _effect(before: list[list[int]], after: list[list[int]]) -> StepEffect:
    return step_effect("step", *(np.array(boxes, np.int64).reshape(-1, 4) for boxes in (before, after)))


def _changes(effect: StepEffect) -> dict[str, list[list[int]]]:
    names = ("dropped", "trimmed", "added", "joined", "cut")
    return {name: boxes.tolist() for name in names if len(boxes := getattr(effect, name))}


def test_a_step_that_changes_nothing_has_no_effect() -> None:
    assert _changes(_effect([A, B, C], [C, A, B])) == {}


def test_what_is_gone_was_dropped_and_what_is_new_was_added() -> None:
    assert _changes(_effect([A, C], [A, B])) == {"dropped": [C], "added": [B]}
    assert _changes(_effect([], [A])) == {"added": [A]}
    assert _changes(_effect([A], [])) == {"dropped": [A]}


def test_two_pieces_that_became_one_line_were_joined() -> None:
    assert _changes(_effect([A, B, C], [C, [10, 10, 400, 30]])) == {"joined": [A, B]}


def test_a_line_that_became_two_was_cut() -> None:
    assert _changes(_effect([C, [10, 10, 400, 30]], [A, B, C])) == {"cut": [[10, 10, 400, 30]]}


def test_the_end_that_a_line_lost_was_trimmed_and_a_pixel_is_no_end() -> None:
    assert _changes(_effect([C], [[10, 52, 300, 70]])) == {"trimmed": [[300, 50, 400, 70]]}
    assert _changes(_effect([C], [[12, 50, 399, 70]])) == {}


def test_the_last_step_leaves_the_lines_of_the_page_and_a_stain_has_the_step_that_dropped_it() -> None:
    page, stain = two_columns(), (300, 20, 370, 46)
    page.draw.rectangle(stain, fill=0)
    steps = explain_page_lines(normalise(page.image).grey, PipelineParameters())
    assert [step.step for step in steps] == ["find_body_lines", *(step.__name__ for step in STEPS)]
    assert steps[-1].lines == len(analyse_page(page.image, PipelineParameters()).lines) == len(page.lines)
    (dropped,) = [(step.step, box) for step in steps for box in step.dropped]
    assert dropped[0] == "drop_noise_and_trim_ends"
    assert dropped[1].iou(BoundingBox(*stain)) > 0.7


def test_a_page_without_ink_has_no_steps() -> None:
    assert explain_page_lines(normalise(DrawnPage().image).grey, PipelineParameters()) == ()
