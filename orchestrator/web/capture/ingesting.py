"""A page file that was just written, into the database and to the front of the queue."""

from __future__ import annotations

import threading
from pathlib import Path

from orchestrator.discovery.discovery import open_volume
from orchestrator.ingest.options import IngestOptions
from orchestrator.ingest.progress import Silent
from orchestrator.ingest.run import store_only
from orchestrator.web.errors import NotHere
from orchestrator.web.site import Site
from workers.hashing import sha256_of
from workers.parameters import PipelineParameters

PATTERN = "{title}/{sequence}"
_ONE_AT_A_TIME = threading.Lock()
_NEWEST = """
SELECT page_run_id, page_id FROM page_status WHERE sha256 = :sha256 AND page LIKE :name
ORDER BY page_id DESC LIMIT 1"""


def ingest_page(site: Site, folder: Path, path: Path) -> tuple[int, int]:
    """Store the volume `folder`, in which `path` is new, and return the page run and the page of that file.

    Raises:
        BroadsheetError: the folder cannot be read, or the database refuses.
    """
    with path.open("rb") as file:
        sha256 = sha256_of(file)
    with _ONE_AT_A_TIME:
        options = IngestOptions(interactive=True, fields=PATTERN)
        store_only(site.settings, [open_volume(folder)], PipelineParameters(), options, Silent())
    found = site.ask(_NEWEST, sha256=sha256, name=f"%{path.name}")
    if not found:
        raise NotHere(f"{path.name} is stored, but is no page of the database; see broadsheet ingest {folder}.")
    return found[0]["page_run_id"], found[0]["page_id"]
