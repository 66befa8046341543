"""Which volumes are meant by the paths that were given: each path, or each folder in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from models.session import open_engine_read_only
from orchestrator.discovery.per_folder import folders_in, volumes_in
from orchestrator.ingest.overlaps import is_in_volume
from orchestrator.metadata.beside import describes_pages
from orchestrator.terminal.wording import plural
from workers.errors import UnreadableInput


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether each folder is a volume of its own; None: where a path is plainly a folder of volumes."""

    per_folder: bool | None
    database_url: str

    def volumes(self, paths: Sequence[Path | str], note: Callable[[str], object]) -> list[Path | str]:
        """Return the paths of the volumes, and URLs as they are; what was chosen without being asked for is noted.

        Raises:
            UnreadableInput: each folder was to be a volume, and pages lie beside them, or all of it is one already.
        """
        found: list[Path | str] = []
        for path in paths:
            found += [path] if isinstance(path, str) else self._of(path, note)
        return found

    def _of(self, path: Path, note: Callable[[str], object]) -> Iterator[Path]:
        if self.per_folder and self._is_known(path):
            raise UnreadableInput(
                f"{path} is one volume in the database, or lies in one; leave out --volume-per-folder, or forget that "
                "one first: broadsheet volume list names it."
            )
        if self.per_folder is not None:
            yield from volumes_in(path) if self.per_folder else [path]
            return
        folders = [] if describes_pages(path) or self._is_known(path) else folders_in(path)
        if folders:
            note(f"{path} holds {plural(len(folders), 'volume')}, one a folder; --one-volume takes it for one.")
        yield from folders or [path]

    def _is_known(self, path: Path) -> bool:
        """Return whether the database holds a folder as one volume, or as part of one: it stays what it is."""
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            return False
        engine = open_engine_read_only(url)
        try:
            return is_in_volume(engine, path.resolve())
        except DBAPIError:
            return False  # it has no schema yet, or does not answer now; then the ingest itself looks again
        finally:
            engine.dispose()
