"""Parameters: one canonical form, one fingerprint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.ingest.parameter_options import read_parameters
from workers.errors import UnreadableInput
from workers.parameters import PipelineParameters, fingerprint, software_versions, versions_for


def test_the_canonical_form_reads_back() -> None:
    changed = read_parameters(None, ["faces.scale_factor=1.25", "binarization.method=sauvola", "segmentation.scale=9"])
    assert changed.faces.scale_factor == 1.25
    assert PipelineParameters.from_json(changed.to_json()) == changed
    assert changed.to_json() == json.dumps(json.loads(changed.to_json()), sort_keys=True, separators=(",", ":"))


def test_the_fingerprint_names_parameters_and_versions() -> None:
    versions = software_versions()
    plain = PipelineParameters()
    assert fingerprint(plain, versions) == fingerprint(PipelineParameters.from_json("{}"), versions)
    assert fingerprint(plain, versions) != fingerprint(read_parameters(None, ["faces.min_neighbors=9"]), versions)
    assert fingerprint(plain, versions) != fingerprint(plain, versions | {"opencv": "0"})
    assert set(versions) == {"python", "kraken", "opencv", "pillow", "broadsheet"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("faces.colour=red", "unknown parameter faces.colour"),
        ("faces.scale_factor=wide", "faces.scale_factor cannot be 'wide'"),
        ("segmentation.segmenter=magic", "it takes fast or kraken or baseline"),
        ("faces.min_neighbors=true", "faces.min_neighbors cannot be True"),
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
    (tmp_path / "mask.png").write_bytes(b"one")
    monkeypatch.chdir(tmp_path)
    parameters = read_parameters(None, ["segmentation.mask=mask.png"])
    assert parameters.segmentation.mask == str(tmp_path / "mask.png"), "workers have another current folder"
    before = fingerprint(parameters, versions_for(parameters))
    (tmp_path / "mask.png").write_bytes(b"two")
    assert fingerprint(parameters, versions_for(parameters)) != before
