"""A worker works on a pipeline only with the software that the pipeline names, as far as it can change the results."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest
from PIL import Image
from sqlalchemy import Engine, select, update

from models import Attempt, Pipeline
from tests.rows import add_page_runs
from workers import parameters as parameters_module
from workers.config import Settings
from workers.layout import PageLayout
from workers.lease import claims, processing
from workers.lease.processing import Steps, process
from workers.parameters import PipelineParameters, SegmentationParameters, fingerprint, software_versions, versions_for

FAST = PipelineParameters()
KRAKEN = PipelineParameters(segmentation=SegmentationParameters(segmenter="kraken"))


@pytest.fixture(autouse=True)
def _read_afresh() -> None:
    """A process reads the versions once for each pipeline; here they change."""
    processing._pipeline.cache_clear()


def outcome(engine: Engine, parameters: PipelineParameters, name: str) -> tuple[str, str | None]:
    """Let this process work on a page run of a pipeline; return how its attempt ended."""
    (page_run_id,) = add_page_runs(engine, 1)
    with engine.begin() as connection:
        connection.execute(update(Pipeline).values(parameters=parameters.to_json(), fingerprint=name))
    claim = claims.claim(engine, page_run_id, "message", "host:1:1", 180)
    assert claim is not None
    steps = Steps(load=lambda *_: Image.new("L", (9, 9)), analyse=lambda *_: PageLayout(9, 9, ()))
    process(engine, claim, Settings(), steps)
    with engine.connect() as connection:
        row = connection.execute(select(Attempt.outcome, Attempt.error_code)).one()
    return row.outcome, row.error_code


@pytest.mark.parametrize("name", software_versions(FAST))
def test_a_worker_with_other_versions_leaves_the_page_to_others(sqlite_engine: Engine, name: str) -> None:
    other = versions_for(FAST) | {name: "0"}
    assert outcome(sqlite_engine, FAST, fingerprint(FAST, other)) == ("retry", "wrong_versions")


@pytest.mark.parametrize(("parameters", "expected"), [(FAST, ("done", None)), (KRAKEN, ("retry", "wrong_versions"))])
def test_another_kraken_matters_only_where_it_finds_lines(
    sqlite_engine: Engine,
    parameters: PipelineParameters,
    expected: tuple[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_with = fingerprint(parameters, versions_for(parameters))
    monkeypatch.setattr(parameters_module, "version", lambda name: "0" if name == "kraken" else version(name))
    assert outcome(sqlite_engine, parameters, made_with) == expected


def test_a_light_worker_leaves_the_pages_of_krakens_segmenters_to_others(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_with = fingerprint(KRAKEN, versions_for(KRAKEN))

    def light(name: str) -> str:
        if name == "kraken":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(parameters_module, "version", light)
    assert outcome(sqlite_engine, KRAKEN, made_with) == ("retry", "segmenter_missing")
