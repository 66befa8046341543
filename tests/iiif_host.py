"""A IIIF host of our own: manifests, an image service, a limit above which it blocks, and lies from the wild."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

_IMAGE = re.compile(r"/image/(?P<name>[^/]+)/(?:(?P<info>info\.json)|(?P<region>[^/]+)/(?P<size>[^/]+)/0/\w+\.jpg)$")
BLOCKED_SECONDS = 3600.0

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Picture:
    """A picture of the image service, and what it tells of it."""

    image: Image.Image
    version: int = 2
    level: int = 1
    sizes: list[tuple[int, int]] = field(default_factory=list)
    most_width: int = 0

    def info(self, service: str) -> dict[str, Any]:
        width, height = self.image.size
        sizes = [{"width": w, "height": h} for w, h in self.sizes]
        told: dict[str, Any] = {"width": width, "height": height, "sizes": sizes}
        if self.most_width:
            told["maxWidth"] = self.most_width
        if self.version == 3:
            context = "http://iiif.io/api/image/3/context.json"
            return {"@context": context, "id": service, "type": "ImageService3", "profile": f"level{self.level}"} | told
        context = f"http://iiif.io/api/image/{self.version}/context.json"
        profile = f"http://iiif.io/api/image/{self.version}/level{self.level}.json"
        limits = [{"maxWidth": self.most_width}] if self.most_width else []
        return {"@context": context, "@id": service, "profile": [profile, *limits]} | told

    def sized(self, size: str) -> tuple[int, int] | None:
        """Return the size that is given for a request, None where it is refused."""
        width, height = self.image.size
        most = self.most_width or width
        if size in ("full", "max"):
            refused = (size == "full" and (self.version == 3 or most < width)) or (size == "max" and self.version < 2)
            return None if refused else (most, round(height * most / width))
        wanted = [int(part) if part else 0 for part in size.lstrip("!").split(",")]
        across = wanted[0] or round(width * wanted[1] / height)
        down = (wanted[1] if len(wanted) > 1 else 0) or round(height * across / width)
        if across > most or down > height or (self.level == 0 and (across, down) not in self.sizes):
            return None
        return across, down


@dataclass
class IiifHost:
    """What the host has, what it was asked, and how it answers above its limit.

    `limit` is (requests, seconds); above it everything is 429 for an hour. `answers` are documents and odd answers,
    `files` are given by ranges.
    """

    pictures: dict[str, Picture] = field(default_factory=dict)
    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    limit: tuple[int, float] | None = None
    delay: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    blocked_until: float = 0.0
    blocks: int = 0
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def document(self, path: str, document: object) -> str:
        """Put a JSON document on the host; returns its URL."""
        body = json.dumps(document).encode()
        self.answers[path] = lambda: (200, {"Content-Type": "application/json"}, body)
        return self.url + path

    def counts(self) -> Counter[str]:
        """Return how often each path was asked for."""
        with self._lock:
            return Counter(path for _, path in self.asked)

    def answer(self, path: str, wanted: str = "") -> Answer:
        if (refused := self._refused(path)) is not None:
            return refused
        if self.delay:
            time.sleep(self.delay)
        if path in self.files:
            return _ranged(self.files[path], wanted)
        if path in self.answers:
            return self.answers[path]()
        found = _IMAGE.fullmatch(path)
        picture = self.pictures.get(found["name"]) if found else None
        if found is None or picture is None:
            return 404, {}, b"not here"
        if found["info"]:
            info = picture.info(f"{self.url}/image/{found['name']}")
            return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()
        size = picture.sized(found["size"])
        if size is None:
            return 403, {}, b"not in this size"
        body = io.BytesIO()
        picture.image.resize(size, Image.Resampling.BOX).save(body, "JPEG", quality=90)
        return 200, {"Content-Type": "image/jpeg"}, body.getvalue()

    def _refused(self, path: str) -> Answer | None:
        now = time.monotonic()
        with self._lock:
            self.asked.append((now, path))
            if self.limit is None:
                return None
            most, seconds = self.limit
            lately = sum(now - at < seconds for at, _ in self.asked)
            if now >= self.blocked_until and lately > most:
                self.blocked_until, self.blocks = now + BLOCKED_SECONDS, self.blocks + 1
            if now < self.blocked_until:
                return 429, {"Retry-After": str(int(BLOCKED_SECONDS)), "Date": formatdate(usegmt=True)}, b"too often"
        return None


def _ranged(data: bytes, wanted: str) -> Answer:
    last = re.fullmatch(r"bytes=-(\d+)", wanted)
    if last is None:
        return 200, {}, data
    start = max(0, len(data) - int(last[1]))
    return 206, {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, data[start:]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host: IiifHost

    def do_GET(self) -> None:
        status, headers, body = self.host.answer(self.path, self.headers.get("Range", ""))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            if name != "Date":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def a_iiif_host() -> Iterator[IiifHost]:
    """Yield a host that listens on a port of its own."""
    host = IiifHost()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": host}))
    server.daemon_threads = True
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def canvas_2(host: str, name: str, size: tuple[int, int], **more: object) -> dict[str, Any]:
    """Return a canvas of Presentation 2 with a picture of the image service."""
    service = {"@id": f"{host}/image/{name}", "@context": "http://iiif.io/api/image/2/context.json"}
    resource = {"@id": f"{host}/image/{name}/full/full/0/default.jpg", "@type": "dctypes:Image", "service": service}
    painting = {"@type": "oa:Annotation", "motivation": "sc:painting", "resource": resource}
    page = {"@id": f"{host}/vol/canvas/{name}", "@type": "sc:Canvas", "label": name, "images": [painting]}
    return page | {"width": size[0], "height": size[1]} | more


def manifest_2(url: str, canvases: list[Any], **more: object) -> dict[str, Any]:
    """Return a manifest of Presentation 2."""
    context = "http://iiif.io/api/presentation/2/context.json"
    sequences = [{"@type": "sc:Sequence", "canvases": canvases}]
    return {"@context": context, "@id": url, "@type": "sc:Manifest", "label": "A book", "sequences": sequences} | more


def canvas_3(host: str, name: str, size: tuple[int, int], **more: object) -> dict[str, Any]:
    """Return a canvas of Presentation 3 with a picture of the image service."""
    service = [{"id": f"{host}/image/{name}", "type": "ImageService3", "profile": "level1"}]
    body = {"id": f"{host}/image/{name}/full/max/0/default.jpg", "type": "Image", "service": service}
    page_id = f"{host}/vol/canvas/{name}"
    painting = {"type": "Annotation", "motivation": "painting", "body": body, "target": page_id}
    page = {"id": page_id, "type": "Canvas", "label": {"none": [name]}, "width": size[0], "height": size[1]}
    return page | {"items": [{"type": "AnnotationPage", "items": [painting]}]} | more


def manifest_3(url: str, canvases: list[Any], **more: object) -> dict[str, Any]:
    """Return a manifest of Presentation 3."""
    context = "http://iiif.io/api/presentation/3/context.json"
    return {"@context": context, "id": url, "type": "Manifest", "label": {"en": ["A book"]}, "items": canvases} | more
