"""The first half of an ingest: find the pages of volumes and store them, through restarts of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Engine

from orchestrator.database import own_files
from orchestrator.discovery.discovery import SkippedFile, Volume, find_pages
from orchestrator.ingest.progress import Display
from orchestrator.ingest.rows import known_hashes, store_pages, store_volume
from workers.config import Settings
from workers.lease.database import Result, retry_while_down
from workers.sources.escape import escaped
from workers.sources.limits import Limits


@dataclass(slots=True)
class VolumeIngester:
    """Stores volumes one after the other for one pipeline; tells what it has stored and what it has passed over."""

    engine: Engine
    reader: Engine
    settings: Settings
    display: Display
    pipeline_id: int
    priority: int
    volume_ids: list[int] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    found: int = 0

    def add(self, volume: Volume) -> Iterator[None]:
        """Find and store the pages of a volume; yields whenever some more are stored and may be fed."""
        volume_id = self.retry_while_down(
            lambda: store_volume(self.engine, volume.source, escaped(str(volume.location)), volume.kind),
        )
        self.volume_ids.append(volume_id)
        pages = find_pages(
            volume,
            Limits(max_pixels=self.settings.max_pixels),
            self._known(volume_id),
            self._skip,
            own_files(self.settings.database_url),
        )
        before = self.found
        for stored in store_pages(
            self.engine, volume_id, self.pipeline_id, self.priority, pages, self.retry_while_down
        ):
            self.found = before + stored.found
            self.display.found(self.found, discovering=True)
            yield

    def retry_while_down(self, action: Callable[[], Result]) -> Result:
        """Do something with the database, again while a server restarts; the trouble with a file does not pass."""
        if self.engine.dialect.name == "sqlite":
            return action()
        return retry_while_down(action, self.settings.database_patience_seconds, self.display.note)

    def _known(self, volume_id: int) -> Callable[[str, int, int], str | None]:
        # PostgreSQL is asked on the connection that is kept, SQLite on one that takes no lock
        asked = self.reader if self.engine.dialect.name == "sqlite" else self.engine
        look_up = self.retry_while_down(lambda: known_hashes(asked, volume_id))
        return lambda *file: self.retry_while_down(lambda: look_up(*file))

    def _skip(self, file: SkippedFile) -> None:
        self.skipped.append(file)
