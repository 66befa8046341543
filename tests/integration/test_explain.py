"""A page explained beside its volume."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from orchestrator.report.explain import Explanation, explain_pages, render_explanation
from orchestrator.results.selection import Selection, resolve
from tests.archive import add_done_pages, page
from tests.rows import add_page_runs
from workers.errors import UnreadableInput
from workers.layout import StageTiming
from workers.lease.claims import Failure, claim, fail


def explained(engine: Engine, name: str, volume: str | None = None, pipeline: str | None = None) -> list[Explanation]:
    return explain_pages(engine, resolve(engine, Selection((volume,) if volume else (), (name,), pipeline)))


def test_a_slow_page_names_its_stage_and_what_is_usual(engine: Engine) -> None:
    layouts = [page(20) for _ in range(9)]
    layouts[4] = page(90, ms=2700.0)
    add_done_pages(engine, layouts)
    (found,) = explained(engine, "p0005.tif")
    told = render_explanation(found)
    assert "segmentation took 2,700 ms, 9.0 times the volume's median of 300 ms" in told
    assert "text lines: 90, 4.5 times the volume's median of 20" in told
    assert "separators: 1, as usual (median 1)" in told
    assert "Odd: more lines" in told
    segmentation = next(stage for stage in found.stages if stage.stage == "segmentation")
    assert (segmentation.median_ms, segmentation.median_peak_rss_kib, segmentation.median_items) == (300.0, 120_000, 20)
    assert (segmentation.wait_ms, segmentation.median_wait_ms) == (pytest.approx(270), pytest.approx(30))


def test_a_page_that_had_to_wait_says_where(engine: Engine) -> None:
    layouts = [page(20) for _ in range(3)]
    layouts[1] = replace(
        page(20), timings=(StageTiming("decode", 50.0, 48.0, 9, 9), StageTiming("faces", 900.0, 80.0, 9, 0))
    )
    add_done_pages(engine, layouts)
    told = render_explanation(explained(engine, "p0002.tif")[0])
    # beside these stages, storing the page took its real time
    assert re.search(r"It had no processor for 8\d\d ms of that, most of it in faces", told)
    assert re.search(r"faces +900 ms +80 ms +820 ms +1 ms", told)


def test_an_ordinary_page_is_as_usual(engine: Engine) -> None:
    add_done_pages(engine, [page(20) for _ in range(5)])
    told = render_explanation(explained(engine, "p0002.tif")[0])
    assert "as usual in its volume" in told
    assert "Nothing about it looks odd" in told


def test_a_failed_page_tells_each_attempt(engine: Engine) -> None:
    (run,) = add_page_runs(engine, 1)
    held = claim(engine, run, "task", "vm:1", 180)
    assert held is not None
    fail(engine, run, held.owner, Failure("unreadable_image", "It is torn.", False, stage="decode"), 3)
    (found,) = explained(engine, "p0001.tif")
    told = render_explanation(found)
    assert "quarantined" in told
    assert "failed last with unreadable_image: It is torn." in told
    assert re.search(r"Attempt 1 on vm:1, .* ms: unreadable_image in decode: It is torn\.\n", told)
    assert json.loads(json.dumps(found.to_dict()))["state"] == "quarantined"


def test_a_page_of_several_volumes_is_explained_in_each(engine: Engine) -> None:
    add_done_pages(engine, [page()], "a")
    add_done_pages(engine, [page()], "b")
    assert [found.volume for found in explained(engine, "p0001.tif")] == ["b", "a"]
    assert [found.volume for found in explained(engine, "p0001.tif", volume="a")] == ["a"]


def test_an_unknown_page_is_a_sentence_with_the_nearest(engine: Engine) -> None:
    add_page_runs(engine, 1)
    with pytest.raises(UnreadableInput, match=r"no volume scan; did you mean scans\?"):
        explained(engine, "p0001.tif", volume="scan")
    with pytest.raises(UnreadableInput, match=r"no page p001\.tif; did you mean p0001\.tif"):
        explained(engine, "p001.tif")
    with pytest.raises(UnreadableInput, match=r"no pipeline ffff; it holds 0+1\."):
        explained(engine, "p0001.tif", pipeline="ffff")
    with pytest.raises(UnreadableInput, match=r"no page p0001; did you mean p0001\.tif"):
        explained(engine, "p0001")
