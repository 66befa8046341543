"""Two pipelines on the same pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine, insert, select, text, update

import models
from orchestrator.comparison.differences import GAINED, LOST, MOVED, compare_layouts, difference_image
from orchestrator.comparison.pictures import write_differences
from orchestrator.comparison.pipelines import (
    Candidate,
    analyse_or_tell,
    compare_sample,
    compare_stored,
    find_candidate,
    render_comparison,
    run_sample,
    sample_pages,
    sample_source,
)
from orchestrator.results.selection import Selection
from tests.archive import HEIGHT, WIDTH, add_done_pages, page, store, text_lines
from workers.errors import UnreadableInput
from workers.layout import BoundingBox, PageLayout, TextLine
from workers.parameters import PipelineParameters, fingerprint, versions_for
from workers.sources.address import PageAddress


def changed() -> PageLayout:
    """Lines 1 and 2 as they were, 3 moved, 4 gone, one new."""
    lines = text_lines(3)
    shifted = replace(lines[2], bbox=BoundingBox(100, 166, 450, 186))
    return replace(page(4), lines=(*lines[:2], shifted, TextLine(BoundingBox(600, 900, 900, 920))))


def test_lines_are_matched_moved_gained_and_lost() -> None:
    found = compare_layouts("p", "v", 1, (page(4), changed()), (1.0, 2.0))
    assert (found.same, len(found.moved), found.lost, found.gained) == (
        2,
        1,
        (BoundingBox(100, 190, 450, 210),),
        (BoundingBox(600, 900, 900, 920),),
    )
    assert found.change == 5


def test_equal_layouts_and_empty_ones_do_not_differ() -> None:
    for layout in (page(7), page(0)):
        assert compare_layouts("p", "v", 1, (layout, layout), (0, 0)).change == 0


def test_the_picture_shows_what_became_of_each_line() -> None:
    found = compare_layouts("p", "v", 1, (page(4), changed()), (0, 0))
    picture = np.asarray(difference_image(found, changed(), Image.new("RGB", (WIDTH, HEIGHT), "white")))
    for colour, (x, y) in ((GAINED, (700, 901)), (LOST, (300, 191)), (MOVED, (300, 167))):
        assert tuple(picture[y, x]) == tuple(bytes.fromhex(colour[1:]))


@pytest.fixture
def two_pipelines(engine: Engine) -> tuple[Engine, str, str]:
    """Three pages done under two pipelines; the second page differs."""
    runs = add_done_pages(engine, [page(4), page(4), page(4)])
    with engine.begin() as connection:
        again = {"fingerprint": "b" * 16, "parameters": "{}", "versions": "{}"}
        pipeline = connection.execute(
            insert(models.Pipeline).returning(models.Pipeline.pipeline_id), again
        ).scalar_one()
        pages = connection.scalars(select(models.PageRun.page_id).where(models.PageRun.page_run_id.in_(runs))).all()
        connection.execute(
            insert(models.PageRun), [{"page_id": one, "pipeline_id": pipeline, "state": "queued"} for one in pages]
        )
        queued = (
            select(models.PageRun.page_run_id).where(models.PageRun.state == "queued").order_by(models.PageRun.page_id)
        )
        later = connection.scalars(queued).all()
        first = connection.scalars(select(models.Pipeline.fingerprint).order_by(models.Pipeline.pipeline_id)).first()
    for run, layout in zip(later, (page(4), changed(), page(4)), strict=True):
        store(engine, run, layout)
    return engine, str(first), "b" * 16


def test_stored_results_are_compared_page_by_page(two_pipelines: tuple[Engine, str, str]) -> None:
    engine, a, b = two_pipelines
    comparison = compare_stored(engine, find_candidate(engine, a), find_candidate(engine, b[:4]), Selection(), 5)
    assert (comparison.pages, comparison.changed_pages) == (3, 1)
    assert (comparison.same, comparison.moved, comparison.lost, comparison.gained) == (10, 1, 1, 1)
    assert [one.page for one in comparison.worst] == ["p0002.tif"]
    told = render_comparison(comparison)
    assert "3 pages, 1 of them differ" in told
    assert "430 ms in A, 430 ms in B" in told
    assert comparison.to_dict()["worst"][0]["lost"] == 1


def test_pages_that_only_one_has_done_are_left_out(two_pipelines: tuple[Engine, str, str]) -> None:
    engine, a, _ = two_pipelines
    with engine.begin() as connection:
        connection.execute(insert(models.Pipeline), {"fingerprint": "c" * 16, "parameters": "{}", "versions": "{}"})
    with pytest.raises(UnreadableInput, match="No page is done under both"):
        compare_stored(engine, find_candidate(engine, a), find_candidate(engine, "c" * 16), Selection(), 5)


def test_a_candidate_is_a_fingerprint_a_file_changes_or_the_default(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "less.json"
    file.write_text('{"separators": {"method": "none"}}')
    by_file, by_change = find_candidate(engine, str(file)), find_candidate(engine, "separators.method=none")
    assert by_file == by_change
    assert by_file.fingerprint != find_candidate(engine, "default").fingerprint
    for name in ("nothing", "separators.method=quick"):
        with pytest.raises(UnreadableInput):
            find_candidate(engine, name)


def test_a_sample_runs_both_pipelines_here(sqlite_engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    scan = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for y in range(200, 1000, 40):
        for x in range(100, 800, 18):
            scan[y : y + 18, x : x + 9] = 0
    Image.fromarray(scan).save(folder / "p.png")
    add_done_pages(sqlite_engine, [page(0) for _ in range(6)])
    with sqlite_engine.begin() as connection:
        connection.execute(update(models.Volume).values(location=str(folder)))
        connection.execute(update(models.Page).values(address=PageAddress(("p.png",)).to_json()))
        lost = models.Page.page_number == 1
        connection.execute(update(models.Page).where(lost).values(address=PageAddress(("gone.png",)).to_json()))
    pages = sample_pages(sqlite_engine, Selection(), 10)
    assert len(pages) == 6
    a, b = find_candidate(sqlite_engine, "default"), find_candidate(sqlite_engine, "segmentation.max_lines=1")
    sampled = list(run_sample(pages[:2], a, b, map, 10**9))
    assert "gone.png" in (sampled[0].error or "")
    assert "1" in (sampled[1].error or "")  # more lines than this limit
    good = list(run_sample(pages[1:2], a, a, map, 10**9))
    comparison = compare_sample(good, a, a, 5)
    assert (comparison.pages, comparison.changed_pages) == (1, 0)
    assert comparison.lines[0] >= 15
    less = list(run_sample(pages[1:2], a, find_candidate(sqlite_engine, "binarization.method=sauvola"), map, 10**9))
    comparison = compare_sample([replace(less[0], b=page(3))], a, b, 5)
    write_differences(sqlite_engine, comparison, [replace(less[0], b=page(3))], tmp_path / "out", 10**9)
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


def test_a_sample_is_the_same_every_time_and_no_larger_than_asked(sqlite_engine: Engine) -> None:
    add_done_pages(sqlite_engine, [page(1) for _ in range(30)])
    drawn = [[one.page_run_id for one in sample_pages(sqlite_engine, Selection(), 7)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 7
    with pytest.raises(UnreadableInput, match="no finished page"):
        sample_pages(sqlite_engine, Selection(volumes=("none",)), 7)


def test_of_a_pipeline_of_other_software_a_sample_takes_what_is_stored(sqlite_engine: Engine) -> None:
    add_done_pages(sqlite_engine, [page(2), page(3)])
    with sqlite_engine.connect() as connection:
        stored = connection.execute(text("SELECT fingerprint FROM pipeline")).scalar_one()
    old, here = Candidate(stored, "{}", False), find_candidate(sqlite_engine, "default")
    source = sample_source(Selection(), old, here)
    assert source.pipeline == stored
    pages = sample_pages(sqlite_engine, source, 2)
    found = [page(5) for _ in pages]  # what reading them here would give
    sampled = list(run_sample(pages, old, here, lambda *_: iter(found), 10**9))
    comparison = compare_sample(sampled, old, here, 5)
    assert comparison.lines == [5, 10]
    with pytest.raises(UnreadableInput, match="neither can run here"):
        sample_source(Selection(), old, old)


def test_the_default_pipeline_is_found_by_its_fingerprint(sqlite_engine: Engine) -> None:
    name = fingerprint(PipelineParameters(), versions_for(PipelineParameters()))
    values: dict[str, Any] = {"fingerprint": name, "parameters": PipelineParameters().to_json(), "versions": "{}"}
    with sqlite_engine.begin() as connection:
        connection.execute(insert(models.Pipeline), values)
    assert find_candidate(sqlite_engine, name[:6]) == find_candidate(sqlite_engine, "default")
    assert isinstance(analyse_or_tell("/nowhere", PageAddress(("p",)).to_json(), "{}", 10), str)
