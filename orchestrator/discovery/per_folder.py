"""A folder of volumes: each folder, archive and PDF in it is a volume of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.passed_over import is_litter, reason_to_skip
from orchestrator.results.mark import is_export, is_marked
from workers.errors import UnreadableInput
from workers.sources.sniffing import ARCHIVES, kind_of

SHOWN = 3


def volumes_in(path: Path) -> list[Path]:
    """Return the paths of the volumes that a folder holds, in natural order; any other path is a volume itself.

    Raises:
        UnreadableInput: pages lie loose beside the folders, and would belong to none; or it cannot be read.
    """
    if not path.is_dir():
        return [path]
    holders, loose = _look_into(path)
    if not holders:
        return [path]
    if loose:
        raise UnreadableInput(
            f"{path} holds pages beside its folders ({_some(loose)}); put them into a folder, or leave out "
            "--volume-per-folder."
        )
    return holders


def folders_in(path: Path) -> list[Path]:
    """Return the volumes in a folder that is plainly a shelf of them: several folders with pages, no page beside them.

    Empty where it is one volume, or no folder.
    """
    if not path.is_dir():
        return []
    try:
        holders, loose = _look_into(path)
    except UnreadableInput:
        return []  # opening it tells why
    return holders if not loose and sum(one.is_dir() for one in holders) > 1 else []


def _look_into(path: Path) -> tuple[list[Path], list[str]]:
    """Return what in a folder holds pages, and the names of the pages that lie loose beside."""
    try:
        shown = (one for one in path.iterdir() if not is_litter(one.name))
        entries = sorted(shown, key=lambda one: natural_key(one.name))
        kinds = {one: _kind(one) for one in entries if one.is_file()}
        holders = [one for one in entries if _holds_pages(one) or kinds.get(one) in (*ARCHIVES, "pdf")]
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be read: {error.strerror}; check its permissions.") from error
    return holders, [one.name for one, kind in kinds.items() if kind in ("image", "frames")]


def _holds_pages(path: Path) -> bool:
    """Return whether a folder holds what may be a page, at any depth; looks no further than to the first."""
    if path.is_symlink() or not path.is_dir() or is_export(path):
        return False
    for folder, folders, _ in os.walk(path):
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not reason_to_skip(entry)]
        folders[:] = [entry.name for entry in seen if entry.is_dir(follow_symlinks=False)]
        if any(_kind(Path(entry.path)) not in ("text", "unknown") for entry in seen if entry.is_file()):
            return True
    return False


def _kind(path: Path) -> str:
    """Return what a file is; a picture that we made ourselves counts as unknown."""
    with path.open("rb") as file:
        kind = kind_of(file)
        return "unknown" if kind not in ("text", "unknown") and is_marked(file) else kind


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
