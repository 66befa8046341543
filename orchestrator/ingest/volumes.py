"""The first half of an ingest: find the pages of volumes and store them, through restarts of the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Engine

from orchestrator.database import own_files
from orchestrator.discovery.discovery import FoundPage, KnownHash, SkippedFile, Volume, VolumeKind, find_pages
from orchestrator.ingest.earlier_results import OlderVersions
from orchestrator.ingest.iiif_catalogue import Documents, catalogue_pages
from orchestrator.ingest.known_hashes import KnownHashes
from orchestrator.ingest.missing_scans import missing_of_bag, settle_missing
from orchestrator.ingest.overlaps import absorb, follow_moved, volume_around
from orchestrator.ingest.progress import Display
from orchestrator.ingest.rows import StoredCounts, Target, store_pages, store_volume
from orchestrator.metadata.describe import describe_volume, remember_pattern
from orchestrator.metadata.patterns import PathPattern
from orchestrator.metadata.text import render_described
from orchestrator.terminal.wording import plural
from orchestrator.volumes.volumes import call_volume
from workers.config import Settings
from workers.lease.database import Result, retry_while_down
from workers.sources.escape import escaped, unescaped
from workers.sources.limits import Limits
from workers.sources.stores.location import Location, stored_location

log = logging.getLogger(__name__)


@dataclass(slots=True)
class VolumeIngester:
    """Stores volumes one after the other for one pipeline; tells what it has stored and what it has passed over."""

    engine: Engine
    reader: Engine
    settings: Settings
    display: Display
    pipeline_id: int
    priority: int
    older: OlderVersions = field(default_factory=OlderVersions)
    fields: PathPattern | None = None
    metadata: Path | None = None
    volume_name: str | None = None
    volume_ids: list[int] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    found: int = 0
    kept: int = 0
    stale: int = 0
    taken_over: int = 0
    missing: int = 0

    @property
    def pipeline_ids(self) -> tuple[int, ...]:
        """The pipelines whose results count: ours, and those of older versions that are kept."""
        return (self.pipeline_id, *self.older.pipeline_ids)

    def add(self, volume: Volume, after_block: Callable[[], object]) -> None:
        """Find and store the pages of a volume; calls `after_block` whenever some more are stored and may be fed.

        A folder in one that is a volume already is no volume of its own: that one is looked through again.
        """
        outermost = self._outermost(volume)
        volume = self._called(volume) if outermost is volume else outermost
        volume_id = self.retry_while_down(
            lambda: store_volume(self.engine, volume.source, escaped(str(volume.location)), volume.kind),
        )
        self.volume_ids.append(volume_id)
        before = self.found

        def tell(stored: StoredCounts) -> None:
            self.found = before + stored.found
            self.display.show_found(self.found, discovering=True)
            after_block()

        target = Target(volume_id, self.pipeline_id, self.priority, self.older)
        with self.retry_while_down(self.reader.connect) as connection:
            known = self._patient(KnownHashes(connection, volume_id).look_up)
            limits, own = Limits(max_pixels=self.settings.max_pixels), own_files(self.settings.database_url)
            if volume.kind == "iiif":
                pages = self._catalogue(volume, volume_id, after_block)
            else:
                pages = find_pages(volume, limits, known, self.skipped.append, own, self.display.note)
            stored = store_pages(self.engine, target, pages, tell, self.retry_while_down, volume.listing is None)
        log.info("%s: %s found, %d of them new", volume.source, plural(stored.found, "page"), stored.new_pages)
        self.kept += stored.kept
        self.stale += stored.stale
        self.taken_over += stored.taken_over
        if stored.taken_over:
            for source in self.retry_while_down(lambda: follow_moved(self.engine, volume_id)):
                self.display.note(f"Pages of {source}, which is no longer there, belong to {volume.source} now.")
        if volume.kind in ("directory", "prefix"):
            absorbed = self.retry_while_down(lambda: absorb(self.engine, volume_id, volume.location))
            if absorbed:
                self.display.note(f"{plural(absorbed, 'page')} of volumes inside {volume.source} now belong to it.")

        self.missing += self.retry_while_down(lambda: self._describe(volume, target))

    def _catalogue(self, volume: Volume, volume_id: int, meanwhile: Callable[[], object]) -> Iterator[FoundPage]:
        assert isinstance(volume.location, Location)
        documents = Documents(self.engine, volume_id, volume.location, self.display.note, meanwhile)
        return catalogue_pages(documents, self.skipped.append, self.display.note)

    def _describe(self, volume: Volume, target: Target) -> int:
        """Say whose pages a volume holds; returns how many scans are named and not there."""
        if self.fields is not None:
            remember_pattern(self.engine, target.volume_id, self.fields)
        described = describe_volume(self.engine, target.volume_id, self.metadata, self.display.note)
        if described is not None:
            self.display.note(render_described(volume.source, described))
        if not isinstance(volume.location, Path) or volume.kind != "directory":
            return 0
        missing = described.missing if described is not None else ()
        return settle_missing(self.engine, target, [*missing_of_bag(volume.location), *missing])

    def _outermost(self, volume: Volume) -> Volume:
        around = self.retry_while_down(lambda: volume_around(self.reader, volume.location))
        if around is None:
            return volume
        source, location = around
        self.display.note(f"{volume.source} lies in the volume {source}, which is ingested instead.")
        place = stored_location(unescaped(location))
        kind: VolumeKind = "directory" if isinstance(place, Path) else "prefix"
        return replace(volume, source=source, location=place, kind=kind, listing=None)

    def _called(self, volume: Volume) -> Volume:
        """Return the volume under the name that was asked for; one that is there already is renamed."""
        if self.volume_name is None:
            return volume
        name, location = escaped(self.volume_name), escaped(str(volume.location))
        before = self.retry_while_down(lambda: call_volume(self.engine, location, name))
        if before is not None:
            self.display.note(f"{before} is called {name} from now on.")
        return replace(volume, source=name)

    def retry_while_down(self, action: Callable[[], Result]) -> Result:
        """Do something with the database, again while a server restarts; the trouble with a file does not pass."""
        if self.engine.dialect.name == "sqlite":
            return action()
        return retry_while_down(action, self.settings.database_patience_seconds, self.display.note)

    def _patient(self, look_up: KnownHash) -> KnownHash:
        return lambda *file: self.retry_while_down(lambda: look_up(*file))
