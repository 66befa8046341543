"""Names of exported files: readable, one for each page, and never outside the folder they go to."""

from __future__ import annotations

from pathlib import PurePosixPath

_UP = "%2E%2E"
_KEPT = frozenset("-_.,()+=@# ")


def page_path(volume: str, page: str, suffix: str) -> PurePosixPath:
    """Return where a page's file goes below the folder of an export: `VOLUME/PAGE.suffix`."""
    parts = [*volume_path(volume).parts, *_parts(page)]
    return PurePosixPath(*parts[:-1], parts[-1] + suffix)


def volume_path(volume: str) -> PurePosixPath:
    """Return the folder of a volume below the folder of an export: its path without what leads up."""
    parts = _parts(volume)
    while parts[:1] == [_UP]:
        parts = parts[1:]
    return PurePosixPath(*(parts or ["volume"]))


def _parts(name: str) -> list[str]:
    return [_encoded(part) for part in name.split("/") if part not in ("", ".")]


def _encoded(part: str) -> str:
    """Spell what a file system or a URL could take for something else as %XX, as URLs do."""
    if part == "..":
        return _UP
    return "".join(c if c.isalnum() or c in _KEPT else "".join(f"%{b:02X}" for b in c.encode()) for c in part)
