"""A real S3 server for the tests, and a proxy before it that counts, refuses and cuts answers."""

from __future__ import annotations

import http.client
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from tests.servers import free_port
from workers.sources.stores.location import Access

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
WAIT_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """A running server that keeps its buckets in a temporary folder."""

    endpoint: str

    @property
    def options(self) -> list[str]:
        """The options of `ingest` that lead to it."""
        return ["--endpoint", self.endpoint, "--allow-host", "127.0.0.1"]

    @property
    def access(self) -> Access:
        """The same for our functions."""
        return Access(self.endpoint, allow_hosts=("127.0.0.1",))

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")).close()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Store an object."""
        request = urllib.request.Request(f"{self.endpoint}/{bucket}/{key}", data=data, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        urllib.request.urlopen(request).close()

    def put_folder(self, bucket: str, prefix: str, folder: Path) -> None:
        """Store all files of a folder below a prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(bucket, f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())


@contextmanager
def an_s3_server() -> Iterator[S3Server]:
    """Yield SeaweedFS, started for this; skips where it is not installed."""
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if found is None:
        pytest.skip("SeaweedFS (weed) is not installed")
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-test-"))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    command = [found, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=50"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={free_port()}" for name in ports]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    # credentials in its environment would be the only ones that it lets in
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environ)
    try:
        server = S3Server(f"http://127.0.0.1:{ports['s3']}")
        _wait_for(server, process, folder)
        yield server
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: S3Server, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            server.make_bucket("ready")
            server.put("ready", "probe", b"1")
            return
        except (URLError, OSError):
            log = (folder / "weed.log").read_text(errors="replace")[-2000:]
            assert process.poll() is None and time.monotonic() < until, log
            time.sleep(0.1)


@dataclass
class Proxy:
    """Passes requests on to a server; each `refuse_each`th is answered 503, each `cut_each`th answer is cut.

    Requests whose path holds `denied`, and all once credentials have `expired`, are answered 403.
    """

    target: str
    refuse_each: int = 0
    cut_each: int = 0
    down: bool = False
    denied: str = ""
    expired: bool = False
    requests: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    refused: int = 0
    cut: int = 0
    port: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def server(self) -> S3Server:
        """The server as it is seen through the proxy."""
        return S3Server(f"http://127.0.0.1:{self.port}")

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        number = next(self._numbers)
        self.requests.append(f"{handler.command} {handler.path} {handler.headers.get('Range', '')}".strip())
        if self.down or (self.refuse_each and number % self.refuse_each == 0):
            self.refused += 1
            handler.send_response(503)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if self.expired or (self.denied and self.denied in handler.path):
            code = "ExpiredToken" if self.expired else "AccessDenied"
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            handler.send_response(403)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            return
        with closing(http.client.HTTPConnection(self.target)) as behind:
            length = int(handler.headers.get("Content-Length", 0))
            behind.request(handler.command, handler.path, handler.rfile.read(length), dict(handler.headers.items()))
            response = behind.getresponse()
            body = response.read()
            handler.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                    handler.send_header(name, value)
            if response.getheader("Content-Length") is None:
                handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
        if handler.command == "HEAD":
            return
        if self.cut_each and number % self.cut_each == 0 and len(body) > 1:
            self.cut += 1
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
            return
        self.sent_bytes += len(body)
        handler.wfile.write(body)


@contextmanager
def a_proxy(server: S3Server, refuse_each: int = 0, cut_each: int = 0) -> Iterator[Proxy]:
    """Yield a proxy before a server."""
    proxy = Proxy(server.endpoint.removeprefix("http://"), refuse_each, cut_each)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.answer(self)

        do_HEAD = do_PUT = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as port:
        proxy.port = port
        yield proxy


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on a free port of the loopback, which is yielded."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
