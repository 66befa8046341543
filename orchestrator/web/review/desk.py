"""What reviewing needs beside the archive: suspects in order, and a process in which pages are read to compare."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from starlette.requests import Request

from orchestrator.comparison.pipelines import analyse_or_tell, pool
from orchestrator.query.query import QueryError
from orchestrator.results.pages import ArchivedPage
from orchestrator.reviews.queue import SUSPECTS, WITHOUT_VERDICT, Suspect, worst_first
from orchestrator.web.reading import Reading
from orchestrator.web.site import Site
from workers.errors import TransientError, UnreadableInput
from workers.layout import PageLayout

KEPT_SECONDS = 60.0  # so long the order of suspects holds: to find it takes a look at every page of a large archive
LISTED = 2_000
COMPARING_SECONDS = 120.0
TOO_MANY = "To find the suspects among so many pages takes too long; choose one volume, or all pages in their order."

_ALL_PAGES = """
SELECT page_run_id, volume, page, page_number FROM page_status
WHERE state = 'done' AND {where} ORDER BY volume_id, page_number, page_id LIMIT :most"""


@dataclass(slots=True)
class Desk:
    """One for each server."""

    site: Site
    reading: Reading
    _suspects: dict[int | None, tuple[float, list[Suspect]]] = field(default_factory=dict)
    _pool: ProcessPoolExecutor | None = None
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _pooling: threading.Lock = field(default_factory=threading.Lock)

    def pages(self, volume_id: int | None, *, suspects_only: bool) -> list[Suspect]:
        """Return the pages without a verdict, of one volume or of all: suspects worst first, or every page in order."""
        found = self.suspects(volume_id) if suspects_only else self._every_page(volume_id)
        judged = {row["page_run_id"] for row in self.site.ask(WITHOUT_VERDICT)}
        return [one for one in found if one.page_run_id not in judged][:LISTED]

    def suspects(self, volume_id: int | None) -> list[Suspect]:
        """Return the suspects, worst first, as they were at most a minute ago; one looks for them at a time."""
        with self._looking:
            at, found = self._suspects.get(volume_id, (float("-inf"), []))
            if time.monotonic() - at > KEPT_SECONDS:
                where = "1 = 1" if volume_id is None else "s.volume = :volume"
                named = {} if volume_id is None else {"volume": self._name(volume_id)}
                try:
                    found = worst_first(self.site.ask_with(SUSPECTS.format(where=where), named))
                except QueryError as error:
                    raise UnreadableInput(TOO_MANY if volume_id is None else str(error)) from error
                self._suspects[volume_id] = (time.monotonic(), found)
        return found

    def reasons(self, page_run_id: int) -> tuple[str, ...]:
        """Return why a page run is suspect, as far as it was in a list lately: to look anew takes long."""
        lists = [found for _, found in list(self._suspects.values())]
        return next((one.reasons for found in lists for one in found if one.page_run_id == page_run_id), ())

    def _every_page(self, volume_id: int | None) -> list[Suspect]:
        where = "1 = 1" if volume_id is None else "volume_id = :volume_id"
        named = {} if volume_id is None else {"volume_id": volume_id}
        rows = self.site.ask_with(_ALL_PAGES.format(where=where), {"most": 2 * LISTED, **named})
        return [Suspect(**row, reasons=(), badness=0.0) for row in rows]

    def _name(self, volume_id: int) -> str:
        found = self.site.ask("SELECT volume FROM page_status WHERE volume_id = :number LIMIT 1", number=volume_id)
        return str(found[0]["volume"]) if found else ""

    def read_here(self, page: ArchivedPage, parameters: str) -> PageLayout:
        """Read a page under other parameters (JSON), in a process of its own; nothing is stored.

        Raises:
            UnreadableInput: it cannot be read so; the sentence says why.
            TransientError: the process died, or took too long.
        """
        with self._pooling:
            self._pool = self._pool or pool(1)
            running = self._pool
        try:
            job = (page.volume_location, page.address, parameters, self.site.settings.max_pixels)
            found = running.submit(analyse_or_tell, *job).result(COMPARING_SECONDS)
        except (BrokenProcessPool, TimeoutError) as error:
            self._end(running)
            raise TransientError(
                f"Reading {page.page} so took too long or too much memory; nothing was stored."
            ) from error
        if isinstance(found, str):
            raise UnreadableInput(found)
        return found

    def _end(self, broken: ProcessPoolExecutor) -> None:
        with self._pooling:
            if self._pool is broken:
                self._pool = None
        for process in list(getattr(broken, "_processes", {}).values()):
            process.kill()
        broken.shutdown(wait=False, cancel_futures=True)


def desk_of(request: Request) -> Desk:
    """Return the desk of the archive that the request is about."""
    desk: Desk = request.app.state.desk
    return desk
