"""In which order suspects are reviewed, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.ingest.parameter_options import read_parameters
from orchestrator.reviews.presets import PRESETS
from orchestrator.reviews.queue import worst_first
from workers.parameters import PipelineParameters


def row(number: int, reason: str, measure: float, detail: str = "") -> dict[str, Any]:
    page = {"page_run_id": number, "volume": "scans", "page": f"p{number}", "page_number": number}
    return page | {"reason": reason, "detail": detail, "measure": measure}


def order(*rows: dict[str, Any]) -> list[int]:
    return [one.page_run_id for one in worst_first(rows)]


def test_the_worst_page_comes_first_whatever_its_reason_is() -> None:
    rows = [row(1, "slow", 90_000), row(2, "fewer_lines", 0.1), row(3, "doubtful", 0.2), row(4, "fewer_lines", 0.45)]
    assert order(*rows) == [2, 4, 3, 1]


def test_two_reasons_are_worse_than_one_and_make_one_entry() -> None:
    rows = [row(1, "doubtful", 0.3), row(2, "doubtful", 0.3), row(2, "lines_across_separator", 6)]
    assert order(*rows) == [2, 1]
    assert worst_first(rows)[0].reasons == (
        "30% of its letters lie outside of the lines",
        "6 lines reach across a separator",
    )


def test_a_page_that_is_called_blank_waits_behind_one_where_lines_were_lost() -> None:
    assert order(row(1, "no_lines", 0, "blank"), row(2, "no_lines", 0, "too_many_components")) == [2, 1]


def test_alike_pages_keep_the_order_of_their_volume() -> None:
    assert order(*(row(number, "doubtful", 0.5) for number in (3, 1, 2))) == [1, 2, 3]


def test_a_reason_that_is_new_to_us_is_shown_by_its_name() -> None:
    assert worst_first([row(1, "upside_down", 1)])[0].reasons == ("upside down",)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_is_other_parameters_that_are_understood(preset: Any) -> None:
    if "baseline" in str(preset.changes):
        pytest.importorskip("kraken")
    assert read_parameters(None, preset.changes) != PipelineParameters()
