"""A folder of files, one or some for each page or volume: each written whole or not at all, and never twice.

`_export.json` in the folder says what it holds; readers of data sets skip names that begin so. The same export into the
same folder goes on where the last one stopped; another export is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.export.provenance import provenance_record
from orchestrator.results.pages import ArchivedPage, Provenance, Selection
from orchestrator.terminal.files import writing, writing_beside, writing_bytes
from workers.errors import BroadsheetError, PageError, UnreadableInput

MANIFEST = "_export.json"


@dataclass(slots=True)
class Written:
    """What an export did: files written, files that were there already, pages whose scan could not be read."""

    files: int = 0
    kept: int = 0
    unreadable: int = 0


def open_folder(folder: Path, form: str, selection: Selection, options: Mapping[str, Any]) -> None:
    """Make the folder of an export, or find the one that was begun.

    Raises:
        UnreadableInput: something else is there.
    """
    wanted = {"format": form, "selection": asdict(selection), "options": dict(options)}
    wanted = json.loads(json.dumps(wanted))
    manifest = folder / MANIFEST
    if manifest.exists():
        if _same_export(manifest, wanted):
            return
        raise UnreadableInput(f"{folder} holds another export (see its {MANIFEST}); choose another folder.")
    refuse_full_folder(folder)
    if not folder.exists():
        _make(folder)
    with writing(manifest) as out:
        json.dump(wanted, out, indent=1)


def refuse_full_folder(folder: Path) -> None:
    """Refuse a folder that holds something, and a file.

    Raises:
        UnreadableInput: with the remedy.
    """
    if folder.exists() and not folder.is_dir():
        raise UnreadableInput(f"{folder} is a file; choose a folder.")
    if folder.exists() and any(folder.iterdir()):
        raise UnreadableInput(f"{folder} is not empty; choose another folder.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UnreadableInput(f"{folder} could not be made: {error.strerror}.") from error


def _same_export(manifest: Path, wanted: dict[str, Any]) -> bool:
    try:
        begun = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(begun, dict) and {name: begun.get(name) for name in wanted} == wanted


def finish_folder(folder: Path, provenances: Iterable[Provenance], written: Written) -> None:
    """Note in the manifest what made the results, once everything is there."""
    manifest = folder / MANIFEST
    begun = json.loads(manifest.read_text(encoding="utf-8"))
    begun |= {"files": written.files + written.kept, "provenance": provenance_record(list(provenances))}
    with writing_beside(manifest, replace=True) as beside:
        beside.write_text(json.dumps(begun, indent=1), encoding="utf-8")


# where a file goes below the folder, and what makes its content
PageFile = tuple[PurePosixPath, Callable[[], bytes]]
Files = Callable[[ArchivedPage], Iterable[PageFile]]


def write_pages(
    folder: Path,
    pages: Iterable[ArchivedPage],
    files_of: Files,
    told: Callable[[ArchivedPage, BroadsheetError | None], None],
) -> Written:
    """Write the files of each page that are not there yet; `told` hears of each page, and why it was left out.

    `files_of` gives paths below `folder` and functions that make their content, called only when it is needed.
    """
    written = Written()
    for page in pages:
        trouble = None
        try:
            for path, content in files_of(page):
                write_file(folder / path, content, written)
        except PageError as error:
            trouble = error
            written.unreadable += 1
        told(page, trouble)
    return written


def write_file(path: Path, content: Callable[[], bytes], written: Written) -> None:
    """Write one file unless it is there, and count it.

    Raises:
        UnreadableInput: there is no room, or no permission.
    """
    if path.exists():
        written.kept += 1
        return
    made = content()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableInput(f"{path.parent} could not be made: {error.strerror}.") from error
    with writing_bytes(path) as out:
        out.write(made)
    written.files += 1
