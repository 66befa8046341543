"""Parameters: one canonical form, one fingerprint."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import fields, replace
from math import inf, nan
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from PIL import Image

from orchestrator.ingest.parameter_options import read_parameters
from tests.unit.drawn_pages import two_columns
from workers.errors import TooManyLines, UnreadableInput
from workers.parameters import PipelineParameters, fingerprint, ranges, software_versions, versions_for
from workers.pipeline import analyse_page
from workers.stage_versions import changed_stages

DEFAULTS = PipelineParameters()
GROUPS = [group.name for group in fields(PipelineParameters)]
NUMBERS = [(group, name) for group in GROUPS for name in ranges(type(getattr(DEFAULTS, group)))]
ENDS = [
    (group, name, end)
    for group, name in NUMBERS
    for allowed in [ranges(type(getattr(DEFAULTS, group)))[name]]
    for end in (allowed.low, allowed.high)
]


def with_number(group: str, name: str, value: float) -> PipelineParameters:
    return replace(DEFAULTS, **{group: replace(getattr(DEFAULTS, group), **{name: value})})


def test_the_canonical_form_reads_back() -> None:
    changed = read_parameters(None, ["faces.scale_factor=1.25", "binarization.method=sauvola", "segmentation.scale=9"])
    assert changed.faces.scale_factor == 1.25
    assert PipelineParameters.from_json(changed.to_json()) == changed
    assert changed.to_json() == json.dumps(json.loads(changed.to_json()), sort_keys=True, separators=(",", ":"))


def test_the_fingerprint_names_parameters_and_versions() -> None:
    plain = PipelineParameters()
    versions = software_versions(plain)
    assert fingerprint(plain, versions) == fingerprint(PipelineParameters.from_json("{}"), versions)
    assert fingerprint(plain, versions) != fingerprint(read_parameters(None, ["faces.min_neighbors=9"]), versions)
    assert fingerprint(plain, versions) != fingerprint(plain, versions | {"opencv": "0"})
    assert set(versions) == {"python", "opencv", "pillow", "broadsheet"}


@pytest.mark.parametrize(("segmenter", "further"), [("kraken", {"kraken"}), ("baseline", {"kraken", "torch"})])
def test_only_what_can_change_the_results_is_part_of_the_name(segmenter: str, further: set[str]) -> None:
    parameters = read_parameters(None, [f"segmentation.segmenter={segmenter}"])
    assert set(software_versions(parameters)) - set(software_versions(DEFAULTS)) == further


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("faces.colour=red", "unknown parameter faces.colour"),
        ("=1", "a value without a name"),
        ("faces.scale_factor=wide", "faces.scale_factor cannot be 'wide'"),
        ("segmentation.segmenter=magic", "it takes fast or kraken or baseline"),
        ("faces.min_neighbors=true", "faces.min_neighbors cannot be True; it takes a whole number"),
        ("segmentation.scale=big", "it takes a number or null"),
        ("segmentation.black_colseps=maybe", "it takes true or false"),
        ("faces", "is not NAME=VALUE"),
        ("faces=3", "faces holds parameters"),
        ("faces.cascades=nose", "no cascade called 'nose'"),
        ("segmentation.mask=nowhere.png", "the file nowhere.png of segmentation.mask does not exist"),
    ],
)
def test_a_wrong_parameter_is_named(change: str, words: str) -> None:
    with pytest.raises(UnreadableInput, match=words):
        read_parameters(None, [change])


def test_a_file_gives_parameters_and_single_changes_go_on_top(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('{"faces": {"min_neighbors": 7, "scale_factor": 1.3}}')
    parameters = read_parameters(file, ["faces.min_neighbors=2"])
    assert (parameters.faces.min_neighbors, parameters.faces.scale_factor) == (2, 1.3)
    file.write_text("[]")
    with pytest.raises(UnreadableInput, match="must hold one JSON object"):
        read_parameters(file, [])
    with pytest.raises(UnreadableInput, match="cannot be read"):
        read_parameters(tmp_path / "none.json", [])


def test_a_list_is_given_as_words_with_commas() -> None:
    assert read_parameters(None, ["faces.cascades=profile,eye"]).faces.cascades == ("profile", "eye")


def test_what_is_in_a_named_file_is_part_of_the_pipelines_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    parameters = read_parameters(None, ["segmentation.mask=mask.png"])
    assert parameters.segmentation.mask == str(tmp_path / "mask.png"), "workers have another current folder"
    before = fingerprint(parameters, versions_for(parameters))
    Image.new("L", (4, 5)).save(tmp_path / "mask.png")
    assert fingerprint(parameters, versions_for(parameters)) != before


@pytest.mark.parametrize("group", GROUPS)
def test_no_number_is_without_a_range(group: str) -> None:
    kind = type(getattr(DEFAULTS, group))
    hints = get_type_hints(kind)
    numeric = {name for name, hint in hints.items() if {int, float} & {hint, *get_args(hint)}}
    assert numeric == set(ranges(kind))


@pytest.mark.parametrize(("group", "name"), NUMBERS)
def test_a_number_outside_its_range_is_refused_in_one_sentence(group: str, name: str) -> None:
    allowed = ranges(type(getattr(DEFAULTS, group)))[name]
    for wrong in (allowed.low - 1, allowed.high + 1, nan, inf, -inf):
        with pytest.raises(ValueError, match=rf"^{group}\.{name} must be [\d.]+ to [\d.]+.*, not {wrong}$"):
            with_number(group, name, wrong)


@pytest.mark.parametrize("text", ["-1.0", "0", "100000", "NaN", "Infinity", "1e999", "1" + "0" * 400])
def test_a_scale_that_no_letter_has_is_refused_before_anything_starts(text: str) -> None:
    with pytest.raises(UnreadableInput, match=r"segmentation\.scale must be 3 to 100 pixels"):
        read_parameters(None, [f"segmentation.scale={text}"])


@pytest.fixture(scope="module")
def small_pages() -> list[Image.Image]:
    page = two_columns(width=700, height=500).image
    return [page, page.crop((0, 0, 60, 40)), Image.new("L", (1, 1), 0), Image.new("L", (300, 2), 0)]


@pytest.mark.parametrize(("group", "name", "value"), ENDS)
def test_both_ends_of_every_range_work_on_pages_of_any_size(
    group: str, name: str, value: float, small_pages: list[Image.Image]
) -> None:
    parameters = with_number(group, name, value)
    ways = ("gaps",) if group == "separators" else ("columns", "none") if group == "segmentation" else ("columns",)
    for page, way in itertools.product(small_pages, ways):
        used: Any = replace(parameters, separators=replace(parameters.separators, method=way))
        try:
            analyse_page(page, used)
        except TooManyLines:
            assert name == "max_lines"


def test_a_whole_number_names_the_same_pipeline_as_its_decimal() -> None:
    assert (
        read_parameters(None, ["segmentation.scale=9"]).to_json() == with_number("segmentation", "scale", 9.0).to_json()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["segmentation.mask=FILE"], "is not an image"),
        (["faces.detector=yunet", "faces.weights=FILE"], "is not a YuNet network"),
    ],
)
def test_a_named_file_of_another_kind_is_refused_before_anything_starts(
    changes: list[str], words: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"neither a picture nor a network")
    with pytest.raises(UnreadableInput, match=words):
        read_parameters(None, [change.replace("FILE", str(tmp_path / "file")) for change in changes])


def test_the_code_of_each_stage_is_in_the_versions() -> None:
    versions = versions_for(PipelineParameters())
    assert changed_stages(versions, versions) == frozenset()
    other = versions | {"stages": re.sub(r"faces:\w+", "faces:0", versions["stages"])}
    assert changed_stages(other, versions) == {"faces"}
    assert changed_stages({}, versions) is None, "what an older version did not note"
