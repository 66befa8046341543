"""A folder of files, one or some for each page or volume: each written whole or not at all, and never twice.

`_export.json` in the folder says what it holds; readers of data sets skip names that begin so. The same export into the
same folder goes on where the last one stopped; another export is refused.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from orchestrator.export.provenance import provenance_record
from orchestrator.results.mark import MANIFEST
from orchestrator.results.pages import ArchivedPage, Provenance
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import NO_ROOM, UnwritableOutput, writing, writing_beside, writing_bytes
from orchestrator.terminal.wording import about
from workers.errors import UnreadableInput


@dataclass(slots=True)
class Written:
    """What an export did: files written, files that were there already, pages that could not be written."""

    files: int = 0
    kept: int = 0
    failed: int = 0


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
    make_folder(folder)
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


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there.

    Raises:
        UnwritableOutput: there is no room, or no permission.
        OSError: it cannot be of that name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UnwritableOutput(f"{folder} could not be made: {error.strerror}.") from error


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


def write_pages(folder: Path, pages: Iterable[ArchivedPage], files_of: Files, tell: Callable[[str], object]) -> Written:
    """Write the files of each page that are not there yet; `tell` is told of each page that fails, and why.

    `files_of` gives paths below `folder` and functions that make their content, called only when it is needed.
    """
    written = Written()
    for page in pages:
        with going_on(page.page, written, tell):
            for path, content in files_of(page):
                write_file(folder / path, content, written)
    return written


@contextmanager
def going_on(page: str, written: Written, tell: Callable[[str], object]) -> Iterator[None]:
    """Tell of the trouble with one page, whatever it is, and count it, so that the other pages are still written.

    Raises:
        UnwritableOutput: the output as a whole cannot be written.
    """
    try:
        yield
    except (UnwritableOutput, SQLAlchemyError):
        raise
    except Exception as error:
        written.failed += 1
        tell(about(page, error))


def write_file(path: Path, content: Callable[[], bytes], written: Written) -> None:
    """Write one file unless it is there, and count it.

    Raises:
        UnwritableOutput: there is no room, or no permission.
        OSError: it cannot be of that name.
    """
    if path.is_file():
        written.kept += 1
        return
    if path.exists():
        raise FileExistsError(errno.EEXIST, "a folder has the name of its file", str(path))
    made = content()
    make_folder(path.parent)
    with writing_bytes(path) as out:
        out.write(made)
    written.files += 1
