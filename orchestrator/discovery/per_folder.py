"""A folder of volumes: each folder, archive and PDF in it is a volume of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.discovery.natural_order import natural_key
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
    try:
        shown = (one for one in path.iterdir() if not one.name.startswith("."))
        entries = sorted(shown, key=lambda one: natural_key(one.name))
        kinds = {one: _kind(one) for one in entries if one.is_file()}
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be read: {error.strerror}; check its permissions.") from error
    holders = [one for one in entries if one.is_dir() or kinds.get(one) in (*ARCHIVES, "pdf")]
    loose = [one.name for one, kind in kinds.items() if kind in ("image", "frames")]
    if not holders:
        return [path]
    if loose:
        raise UnreadableInput(
            f"{path} holds pages beside its folders ({_some(loose)}); put them into a folder, or leave out "
            "--volume-per-folder."
        )
    return holders


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        return kind_of(file)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
