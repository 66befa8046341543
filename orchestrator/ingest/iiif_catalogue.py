"""The catalogue of a IIIF volume: its documents, asked for once and kept, and the pages that they name."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models import Page, PageRun, PageRunState, WebDocument, database_now
from orchestrator.discovery.discovery import FoundPage
from orchestrator.discovery.iiif.documents import JSON_WANTED, MOST_CATALOGUE_BYTES, json_of
from orchestrator.discovery.iiif.walk import FoundCanvas, Walk
from orchestrator.discovery.looking import SkippedFile
from orchestrator.ingest.iiif_description import described_by
from orchestrator.terminal.wording import seconds_in_words
from workers.errors import NotNow, PageError, ServiceDown, UnreadableImage, UnreadableInput
from workers.lease.guest import Guest
from workers.sources.iiif.archives import TAIL_BYTES, names_in
from workers.sources.iiif.image import CanvasImage
from workers.sources.politeness import host_of
from workers.sources.stores.location import Location
from workers.sources.stores.web import Answer, web

TRIES = 5
UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)
FRESH_SECONDS = 86_400.0
POLL_SECONDS = 0.2
TOLD_SECONDS = 10.0  # shorter waits for a host are nobody's business


@dataclass(frozen=True, slots=True)
class Documents:
    """Manifests and collections as JSON, those that an ingest which was stopped has read not asked for again.

    One that is older than a day, or of which every page has ended, is asked for, and given if it has changed since.
    `meanwhile` is called again and again while a host is waited for.
    """

    engine: Engine
    volume_id: int
    root: Location
    note: Callable[[str], object]
    meanwhile: Callable[[], object] = lambda: None

    def fetch(self, url: str) -> object:
        """Return the document at a URL.

        Raises:
            PageError: it cannot be had, or is no JSON.
            ServiceDown: it is the first, and its host does not answer.
        """
        kept = self._kept(url)
        if kept is not None and kept.is_fresh and (not kept.is_walked or kept.goes_on):
            return json_of(Answer(url, 200, {}, zlib.decompress(kept.body)), url)
        known = {"If-None-Match": kept.etag} if kept is not None and kept.etag else {}
        answer = self._asked(url, known)
        if kept is not None and answer.status == 304:
            answer = replace(answer, status=200, body=zlib.decompress(kept.body), headers={"etag": kept.etag})
        document = json_of(answer, url)
        self._keep(url, answer.body, answer.headers.get("etag"))
        return document

    def names_in(self, url: str) -> list[str]:
        """Return the names of the files in the ZIP at a URL, from its last bytes; none where these do not tell."""
        kept = self._kept(url)
        if kept is not None and kept.is_fresh:
            return list(json.loads(zlib.decompress(kept.body)))
        guest = self._guest()
        names: tuple[str, ...] = ()
        try:
            answer = guest.get(url, TAIL_BYTES, {"Range": f"bytes=-{TAIL_BYTES}"})
            if answer.status == 206:
                names = names_in(answer.body, answer.headers.get("content-range", ""))
        except (NotNow, PageError) as error:
            self.note(f"{error} Its pictures are taken one by one.")
        self._keep(url, json.dumps(names).encode(), None)
        return list(names)

    def _asked(self, url: str, headers: dict[str, str]) -> Answer:
        guest = self._guest()
        for tried in range(1, TRIES + 1):
            try:
                return guest.get(url, MOST_CATALOGUE_BYTES, headers | {"Accept": JSON_WANTED})
            except NotNow as error:
                if url == self.root.shown:
                    raise ServiceDown(f"{error} The same command goes on where it stopped.") from error
                if tried == TRIES:
                    raise UnreadableImage(f"{url} could not be read: {error}") from error
        raise AssertionError("unreachable")

    def _guest(self) -> Guest:
        client = web(self.root.access.allow_hosts)
        return Guest(self.engine, client, float("inf"), tell=self._tell, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        """Wait, and see to the pages that are found already."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.meanwhile()
            time.sleep(min(left, POLL_SECONDS))

    def _tell(self, host: str, seconds: float) -> None:
        if seconds > TOLD_SECONDS:
            self.note(f"{host} asks us to wait; the catalogue goes on in {seconds_in_words(seconds)}.")

    def _kept(self, url: str) -> Any:
        of_volume = select(Page.page_id).where(Page.volume_id == self.volume_id)
        goes_on = select(PageRun.page_run_id).where(PageRun.page_id.in_(of_volume), PageRun.state.in_(UNFINISHED))
        is_fresh = WebDocument.read_at > database_now(-FRESH_SECONDS)
        wanted = select(WebDocument.__table__, is_fresh.label("is_fresh"), goes_on.exists().label("goes_on")).where(
            WebDocument.volume_id == self.volume_id, WebDocument.url == url
        )
        with self.engine.connect() as connection:
            return connection.execute(wanted).one_or_none()

    def _keep(self, url: str, body: bytes, etag: str | None) -> None:
        values = {"body": zlib.compress(body), "etag": etag, "is_walked": False, "read_at": database_now()}
        dialect = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        added = dialect.insert(WebDocument).values(volume_id=self.volume_id, url=url, **values)
        with self.engine.begin() as connection:
            connection.execute(added.on_conflict_do_update(index_elements=["volume_id", "url"], set_=values))

    def end(self) -> None:
        """Note that all of the catalogue was read: the next ingest asks what has changed."""
        walked = update(WebDocument).where(WebDocument.volume_id == self.volume_id).values(is_walked=True)
        with self.engine.begin() as connection:
            connection.execute(walked)


def catalogue_pages(
    documents: Documents, skipped: Callable[[SkippedFile], object], note: Callable[[str], object]
) -> Iterator[FoundPage]:
    """Yield the pages of a catalogue in order.

    Raises:
        UnreadableInput: there is no catalogue.
        ServiceDown: its host does not answer.
    """
    walk = Walk(documents.root.shown, documents.fetch, skipped, note, documents.names_in)
    try:
        for number, found in enumerate(walk.pages(), start=1):
            yield _page(found, number)
    except PageError as error:
        raise UnreadableInput(str(error)) from error
    documents.end()


def _page(found: FoundCanvas, number: int) -> FoundPage:
    image = found.address.canvas
    if found.manifest is None or found.canvas is None or image is None:
        return FoundPage(found.address, number, "", 0, 0, found.error)
    description = described_by(found.manifest, found.canvas)
    return FoundPage(found.address, number, "", 0, 0, host=_host(image), description=description)


def _host(image: CanvasImage) -> str:
    return host_of(image.service or image.url)
