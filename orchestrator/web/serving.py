"""The server: one port, taken before anything else so that a port in use is told in a sentence."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import uvicorn

from orchestrator.database import open_existing, open_for_ingest
from orchestrator.terminal.next_steps import database_place
from orchestrator.terminal.verbosity import say
from orchestrator.web.access.entrance import Entrance, warning
from orchestrator.web.app import make_app
from orchestrator.web.site import Site
from orchestrator.web.volumes import VOLUMES
from workers.config import TEMPORARY_PREFIX, Settings
from workers.errors import UnreadableInput

KEPT_SECONDS = 5  # so long a connection to the database is used again
FAREWELL_SECONDS = 2  # so long open answers, the live ones, may end by themselves


def serve(
    settings: Settings,
    entrance: Entrance,
    port: int,
    cache: Path | None,
    origins: tuple[str, ...] = (),
    capture_folder: Path | None = None,
) -> None:
    """Serve the database of `settings` until stopped, at the entrance's address to those whom it lets in.

    With a `capture_folder`, the first picture may be the first page of a new database.

    Raises:
        UnreadableInput: the port or the address cannot be had, or there is no such database.
    """
    if capture_folder is not None:
        capture_folder = _capture_folder(capture_folder)
        open_for_ingest(settings.database_url).dispose()
    reader = open_existing(settings.reader_database_url or settings.database_url, kept_seconds=KEPT_SECONDS)
    site = Site(reader, settings, _cache_folder(cache), origins, capture_folder)
    with listen(entrance.address, port) as listener:
        say(f"Showing {database_place(settings)} at {address_of(listener)} (Ctrl-C ends it)")
        if told := warning(entrance):
            say(told)
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        config = uvicorn.Config(
            make_app(site, entrance), log_config=None, access_log=False, server_header=False, lifespan="off",
            proxy_headers=False,  # whose word is taken for whom is the entrance's to say
            timeout_graceful_shutdown=FAREWELL_SECONDS,
        )  # fmt: skip
        for asked_to_end in (signal.SIGINT, signal.SIGTERM):  # uvicorn passes them on after it has ended well
            signal.signal(asked_to_end, signal.SIG_IGN)
        threading.Thread(target=_count, args=(site,), daemon=True).start()
        uvicorn.Server(config).run(sockets=[listener])


def _count(site: Site) -> None:
    """Count the pages of every volume before somebody asks; whoever asks is told what goes wrong."""
    with suppress(Exception):
        site.kept("volumes", lambda: site.ask(VOLUMES))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UnreadableInput: with the remedy.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UnreadableInput(f"Port {port} is taken by another program; give another with --port.") from error
        raise UnreadableInput(
            f"{host}:{port} cannot be listened on: {error.strerror}; see --host and --port."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _capture_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UnreadableInput(
            f"{folder} cannot be written: {error.strerror}; give another with --capture-folder."
        ) from error
    return folder


def _cache_folder(asked: Path | None) -> Path:
    """Return the folder of thumbnails and tiles, made; one for this process where the usual place cannot be written."""
    folder = asked or _home() / ".cache" / "broadsheet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if asked:
            raise UnreadableInput(f"{asked} cannot be written: {error.strerror}; give another with --cache.") from error
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    return folder


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home
        return Path("/nonexistent")
