"""Scores one page's layout against its truth, and adds the scores of many pages up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.evaluation.matching import (
    Boxes,
    Matching,
    Score,
    as_boxes,
    lines_across_columns,
    match_boxes,
    pad_boxes,
)
from orchestrator.evaluation.rules import LengthScore, SeparatorComparison, compare_separators
from orchestrator.evaluation.truth import PageTruth
from workers.layout import BoundingBox, PageLayout


@dataclass(frozen=True, slots=True)
class EvaluationParameters:
    """How boxes are compared.

    `iou` and `face_iou` are the overlaps from which two boxes are the same line or face (what belongs to a face is a
    matter of taste, so that asks for less). `pad` grows found lines by that share of their height. True lines lower
    than `min_height` pixels (dirt in the output of an OCR engine) are neither wanted nor wrong.
    """

    iou: float = 0.5
    pad: float = 0.0
    face_iou: float = 0.3
    min_height: float = 0.0


@dataclass(frozen=True, slots=True)
class BoxComparison:
    """Found boxes, true boxes and which is which."""

    found: Boxes
    truth: Boxes
    matching: Matching

    @property
    def score(self) -> Score:
        """The counts."""
        return self.matching.score

    @property
    def hits(self) -> Boxes:
        """The found boxes that are true."""
        return self.found[self.matching.pairs[:, 0]]

    @property
    def false_boxes(self) -> Boxes:
        """The found boxes that are not."""
        return np.delete(self.found, self.matching.pairs[:, 0], axis=0)

    @property
    def missed(self) -> Boxes:
        """The true boxes that were not found."""
        return np.delete(self.truth, self.matching.pairs[:, 1], axis=0)


@dataclass(frozen=True, slots=True)
class PageScore:
    """What one page scored; None where its truth says nothing about a kind of box."""

    page: str
    lines: BoxComparison | None
    across_columns: NDArray[np.bool_]
    separators: SeparatorComparison | None
    faces: BoxComparison | None
    layout: PageLayout

    @property
    def line_score(self) -> Score | None:
        """The counts of lines."""
        return None if self.lines is None else self.lines.score

    @property
    def separator_score(self) -> LengthScore | None:
        """The lengths of separators."""
        return None if self.separators is None else self.separators.lengths

    @property
    def face_score(self) -> Score | None:
        """The counts of faces."""
        return None if self.faces is None else self.faces.score

    @property
    def quality(self) -> float:
        """The F1 of lines, else of separators, else of faces: by this the worst pages are found."""
        scores = (self.line_score, self.separator_score, self.face_score)
        return next((score.f1 for score in scores if score is not None), 1.0)


@dataclass(frozen=True, slots=True)
class TotalScore:
    """The sums over pages; a kind of box that no truth speaks of is None."""

    pages: int
    lines: Score | None
    across_columns: int
    separators: LengthScore | None
    faces: Score | None


def evaluate_layout(
    layout: PageLayout, truth: PageTruth, parameters: EvaluationParameters = EvaluationParameters(), page: str = ""
) -> PageScore:
    """Compare what was found on a page with its truth.

    Raises:
        UnreadableTruth: the truth is of a picture of other proportions.
    """
    truth = truth.scaled_to(layout.width, layout.height)
    lines = boxes_of(line.bbox for line in layout.lines)
    compared = None if truth.lines is None else _compare_lines(lines, truth.lines, parameters)
    across = np.zeros(0, np.bool_) if compared is None else lines_across_columns(compared.found, compared.truth)
    faces = boxes_of(face.bbox for face in layout.faces if face.label == "face")
    return PageScore(
        page=page or truth.names[0],
        lines=compared,
        across_columns=across,
        separators=compare_separators(layout.separators, truth),
        faces=None if truth.faces is None else _compare(faces, truth.faces, parameters.face_iou),
        layout=layout,
    )


def add_up(pages: Sequence[PageScore]) -> TotalScore:
    """Return the sums over all pages."""
    lines = [counts for page in pages if (counts := page.line_score) is not None]
    separators = [lengths for page in pages if (lengths := page.separator_score) is not None]
    faces = [counts for page in pages if (counts := page.face_score) is not None]
    return TotalScore(
        pages=len(pages),
        lines=sum(lines, Score()) if lines else None,
        across_columns=sum(int(page.across_columns.sum()) for page in pages),
        separators=sum(separators, LengthScore()) if separators else None,
        faces=sum(faces, Score()) if faces else None,
    )


def boxes_of(boxes: Iterable[BoundingBox]) -> Boxes:
    """Return bounding boxes as an array of shape (n, 4), float64."""
    return as_boxes([(box.x_min, box.y_min, box.x_max, box.y_max) for box in boxes])


def _compare(found: Boxes, truth: Boxes, iou: float) -> BoxComparison:
    return BoxComparison(found, truth, match_boxes(found, truth, iou))


def _compare_lines(found: Boxes, truth: Boxes, parameters: EvaluationParameters) -> BoxComparison:
    found = pad_boxes(found, parameters.pad)
    low = truth[:, 3] - truth[:, 1] < parameters.min_height
    if low.any():
        pairs = match_boxes(found, truth, parameters.iou).pairs
        found = np.delete(found, pairs[low[pairs[:, 1]], 0], axis=0)
    return _compare(found, truth[~low], parameters.iou)
