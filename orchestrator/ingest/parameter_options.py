"""Parameters from the command line: a JSON file, and single changes on top of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.errors import BroadsheetError, UnreadableInput
from workers.parameters import PipelineParameters, software_versions, with_installed


def read_parameters(file: Path | None, changes: Sequence[str]) -> PipelineParameters:
    """Return the defaults, changed by a JSON file and then by `NAME=VALUE` pairs such as `faces.min_neighbors=3`.

    Raises:
        UnreadableInput: the file cannot be read, or a name or value is not one of ours.
    """
    values = _read(file) if file else {}
    try:
        for change in changes:
            _apply(values, change)
        _find_files(values, PipelineParameters.from_json(json.dumps(values)))
        parameters = PipelineParameters.from_json(json.dumps(values))
    except ValueError as error:
        raise UnreadableInput(f"Parameters: {error}.") from error
    _check_surroundings(parameters)
    return parameters


def _find_files(values: dict[str, Any], parameters: PipelineParameters) -> None:
    """Give the files that are named their full paths: a worker reads them from another folder, or machine."""
    for name, path in parameters.files.items():
        if not Path(path).is_file():
            raise ValueError(f"the file {path} of {name} does not exist")
        _apply(values, f"{name}={json.dumps(str(Path(path).resolve()))}")


def _check_surroundings(parameters: PipelineParameters) -> None:
    """Look for the software and read the files that are named, as a worker would: what is amiss stops every page."""
    segmentation, faces = parameters.segmentation, parameters.faces
    try:
        software_versions(parameters)
        if segmentation.mask:
            from workers.sources.images import open_mask

            open_mask(segmentation.mask)
        with_installed(faces)
        if faces.detector == "yunet":
            from workers.stages.faces.yunet import load_network

            load_network(faces.weights)
        if segmentation.segmenter == "baseline" and segmentation.baseline_weights:
            from workers.stages.kraken.neural import load_model

            load_model(segmentation.baseline_weights, segmentation.text_direction)
    except BroadsheetError as error:
        raise UnreadableInput(f"Parameters: {error}") from error
    except FileNotFoundError as error:
        raise UnreadableInput(f"Parameters: {error.filename}: {error.strerror}.") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableInput(f"The parameter file {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UnreadableInput(f"The parameter file {file} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise UnreadableInput(f"The parameter file {file} must hold one JSON object.")
    return values


def _apply(values: dict[str, Any], change: str) -> None:
    name, equals, text = change.partition("=")
    if not equals:
        raise ValueError(f"{change!r} is not NAME=VALUE")
    *groups, last = name.split(".")
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{name} is no parameter")
        values = inner
    try:
        values[last] = json.loads(text)
    except ValueError:
        values[last] = text  # a word, such as sauvola


def as_changes(parameters: str) -> list[str]:
    """Return stored parameters, JSON, as the `NAME=VALUE` pairs that would set them."""
    return [
        f"{group}.{name}={value if isinstance(value, str) else json.dumps(value)}"
        for group, values in json.loads(parameters).items()
        for name, value in values.items()
    ]
