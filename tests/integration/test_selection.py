"""What people type to name volumes, pages and pipelines, and what is meant by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from models import PageRun, Pipeline, Volume
from orchestrator.results.selection import Selection, resolve
from tests.archive import add_done_pages, page
from workers.errors import UnreadableInput


@pytest.fixture
def volumes(engine: Engine) -> Engine:
    for year in (1850, 1851):
        add_done_pages(engine, [page(1) for _ in range(11)], f"arch/gazette/{year}")
    add_done_pages(engine, [page(1)], "tribune")
    return engine


def location(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(select(Volume.location).where(Volume.source == name)))


def count(engine: Engine, selection: Selection) -> int:
    with engine.connect() as connection:
        runs = resolve(engine, selection).narrow(select(PageRun.page_run_id).select_from(PageRun))
        return len(connection.scalars(runs).all())


@pytest.mark.parametrize("typed", ["tribune", "tribune/", "./tribune", "trib*"])
def test_a_volume_is_found_as_it_was_given_as_a_shell_completes_it_and_by_a_pattern(
    volumes: Engine, typed: str
) -> None:
    assert resolve(volumes, Selection((typed,))).volumes == ("tribune",)


def test_a_volume_is_found_by_its_place(volumes: Engine) -> None:
    place = Path(location(volumes, "tribune"))
    assert resolve(volumes, Selection((str(place),))).volumes == ("tribune",)
    assert resolve(volumes, Selection((f"{place}/",))).volumes == ("tribune",)
    assert resolve(volumes, Selection((f"{place.parent}/trib*",))).volumes == ("tribune",)


def test_a_pattern_names_several_volumes_each_once(volumes: Engine) -> None:
    both = ("arch/gazette/1850", "arch/gazette/1851")
    assert resolve(volumes, Selection(("arch/*", "*/1850"))).volumes == both
    assert count(volumes, Selection(("arch/*",))) == 22


@pytest.mark.parametrize(
    ("pattern", "pages"),
    [("p*", 23), ("p000?.tif", 19), ("*1.tif", 5), ("p001[01].tif", 4), ("p000[!1].tif", 16), ("p0001.tif", 3)],
)
def test_pages_are_named_by_patterns_of_a_shell(volumes: Engine, pattern: str, pages: int) -> None:
    assert count(volumes, Selection(pages=(pattern,))) == pages


def test_names_and_patterns_together_are_all_meant(volumes: Engine) -> None:
    assert count(volumes, Selection(("tribune", "arch/gazette/1850"), ("p0001.tif", "p0002*"))) == 3


def test_a_pipeline_is_named_by_the_beginning_of_its_fingerprint(volumes: Engine) -> None:
    with volumes.begin() as connection:
        connection.execute(insert(Pipeline).values(fingerprint="fe0f0a85fe0f0a85", parameters="{}", versions="{}"))
    for typed in ("fe0f", "fe0f0a85fe0f0a85"):
        assert resolve(volumes, Selection(pipeline=typed)).pipeline == "fe0f0a85fe0f0a85"
    with pytest.raises(UnreadableInput, match="0 is the beginning of several pipelines"):
        resolve(volumes, Selection(pipeline="0"))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (Selection(("tribun",)), r"no volume tribun; did you mean tribune\?"),
        (Selection(("x*",)), r"no volume x\*; it holds"),
        (Selection(pages=("q*.tif",)), r"no page q\*\.tif; "),
        (Selection(pages=("p012.tif",)), r"no page p012\.tif; did you mean p00"),
        (Selection(pipeline="f"), "no pipeline f; it holds"),
    ],
)
def test_what_is_not_there_is_a_sentence_with_what_is_near(volumes: Engine, typed: Selection, words: str) -> None:
    with pytest.raises(UnreadableInput, match=words):
        resolve(volumes, typed)
