"""HTTP as a guest: checked addresses, followed redirects checked again, bounded answers, verified certificates.

Python's own client, since it lets us connect to the very address that was checked. One request is one request: who
asks again, and when, is decided by the caller.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from workers.errors import NotNow, RefusedHost, UnreadableImage
from workers.sources.stores.hosts import checked_addresses
from workers.sources.stores.location import web_url

CONNECT_SECONDS, SILENCE_SECONDS, ANSWER_SECONDS = 10.0, 30.0, 90.0  # an answer ends before a page's soft limit
MAX_REDIRECTS = 5
RETRY_SECONDS = 5.0
USER_AGENT = "broadsheet (layout of scanned pages)"
_CHUNK_BYTES = 256 * 1024
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the names of `headers` are in lower case, `url` is where the last redirect led."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Asked:
    most_bytes: int
    headers: Mapping[str, str]
    method: str
    cut: bool


class Web:
    """Asks web servers; keeps one connection to each open. Not for several threads at once.

    Args:
        allowed: hosts that may have a private address.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(allowed)
        self._open: dict[tuple[str, str, int], HTTPConnection] = {}

    def get(
        self,
        url: str,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        cut: bool = False,
        follow: bool = True,
    ) -> Answer:
        """Return the answer to one request, and to those that redirects lead to.

        Args:
            url: http or https.
            most_bytes: a longer body is refused.
            headers: further ones of the request.
            method: GET, or HEAD for no body.
            cut: leave what is longer than `most_bytes` unread instead.
            follow: go where a redirect leads; else it is the answer, for a caller that counts requests.

        Raises:
            NotNow: the server could not be reached, or its answer was cut off.
            RefusedHost: a host has a private address, or a redirect leads from https to http.
            UnreadableImage: the body is longer, or redirects do not end.
        """
        given = url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = self._once(url, _Asked(most_bytes, headers or {}, method, cut))
            except RefusedHost as error:
                if url == given:
                    raise
                raise RefusedHost(f"{_shown(given)} redirects elsewhere: {error}") from error
            target = answer.headers.get("location")
            if answer.status not in REDIRECTS or not target or not follow:
                return answer
            url = redirected(url, target)
        raise UnreadableImage(f"{_shown(url)} redirects more than {MAX_REDIRECTS} times; give the last address.")

    def _once(self, url: str, asked: _Asked) -> Answer:
        """Do one exchange; once more where a server closed the connection that was kept, as it may at any moment."""
        parts = urlsplit(url)
        place = (parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        for is_kept in (place in self._open, False):
            try:
                return self._exchange(place, url, asked)
            except (OSError, HTTPException) as error:
                self._forget(place)
                if not (is_kept and isinstance(error, (http.client.BadStatusLine, ConnectionError))):
                    raise _gone(url, error) from error
            except BaseException:
                self._forget(place)
                raise
        raise AssertionError("unreachable")

    def _exchange(self, place: tuple[str, str, int], url: str, asked: _Asked) -> Answer:
        connection = self._open.get(place) or _connection(place, self._allowed)
        self._open[place] = connection
        parts = urlsplit(url)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **asked.headers}
        connection.request(asked.method, path, headers=sent)
        response = connection.getresponse()
        body = _body(response, url, asked)
        if response.will_close or not response.isclosed():
            self._forget(place)
        return Answer(url, response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def _forget(self, place: tuple[str, str, int]) -> None:
        if connection := self._open.pop(place, None):
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.popitem()[1].close()

    def __del__(self) -> None:
        self.close()  # with the thread that it was of


def redirected(url: str, target: str) -> str:
    """Return where a redirect leads.

    Raises:
        RefusedHost: from https to http, or not to the web at all.
    """
    try:
        there = urljoin(url, target)
        schemes = urlsplit(url).scheme, urlsplit(there).scheme
    except ValueError:
        raise RefusedHost(f"{_shown(url)} redirects to a broken address; give the last one.") from None
    if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
        raise RefusedHost(f"{_shown(url)} redirects to {schemes[1]}://, which is not followed; give an https address.")
    if not (address := web_url(there)):
        raise RefusedHost(f"{_shown(url)} redirects to a broken address; give the last one.")
    return address


def _body(response: HTTPResponse, url: str, asked: _Asked) -> bytes:
    """Return the whole body, as long as it says it is.

    Raises:
        HTTPException: it was cut off.
        NotNow: it took too long.
        UnreadableImage: it is longer than it may be, and not to be cut.
    """
    until = time.monotonic() + ANSWER_SECONDS
    said = response.length
    chunks, count = [], 0
    while chunk := response.read(_CHUNK_BYTES):
        chunks.append(chunk)
        count += len(chunk)
        if count > asked.most_bytes and asked.cut:
            return b"".join(chunks)[: asked.most_bytes]
        if count > asked.most_bytes:
            raise UnreadableImage(f"{_shown(url)} answers with more than {asked.most_bytes} bytes; it was not read on.")
        if time.monotonic() > until:
            raise NotNow(f"{_shown(url)} did not answer to the end in {ANSWER_SECONDS:.0f} s.", RETRY_SECONDS)
    if said is not None and count < said:
        raise HTTPException("the answer was cut off")
    return b"".join(chunks)


def _gone(url: str, error: Exception) -> Exception:
    if isinstance(error, ssl.SSLCertVerificationError):
        return RefusedHost(
            f"The certificate of {urlsplit(url).hostname} cannot be verified ({error.verify_message}); SSL_CERT_FILE "
            "names further authorities."
        )
    what = "did not answer in time" if isinstance(error, TimeoutError) else "could not be reached, or stopped answering"
    return NotNow(f"{urlsplit(url).hostname} {what}.", RETRY_SECONDS)


def _shown(url: str) -> str:
    """Return a URL without its query, which may hold a secret."""
    return url.partition("?")[0].partition("#")[0]


def _connection(place: tuple[str, str, int], allowed: frozenset[str]) -> HTTPConnection:
    scheme, host, port = place
    if scheme == "https":
        return _CheckedTls(host, port, timeout=SILENCE_SECONDS, context=_verifying(), allowed=allowed)
    return _Checked(host, port, timeout=SILENCE_SECONDS, allowed=allowed)


@lru_cache(maxsize=1)
def _verifying() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Checked(HTTPConnection):
    """Connects to the address that was checked, not to the name."""

    def __init__(self, *place: str | int, allowed: Collection[str], **options: float) -> None:
        super().__init__(*place, **options)  # type: ignore[arg-type]
        self._allowed = allowed

    def connect(self) -> None:
        self.sock = _connected(self.host, self.port, self._allowed)


class _CheckedTls(HTTPSConnection):
    """The same, and the certificate must be of the name."""

    def __init__(
        self, host: str, port: int, *, timeout: float, context: ssl.SSLContext, allowed: Collection[str]
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._allowed, self._tls = allowed, context

    def connect(self) -> None:
        plain = _connected(self.host, self.port, self._allowed)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host.strip("[]"))
        except BaseException:
            plain.close()
            raise


def _connected(host: str, port: int, allowed: Collection[str]) -> socket.socket:
    last: OSError = OSError("no address")
    for address in checked_addresses(host, port, allowed):
        try:
            connected = socket.create_connection((address, port), CONNECT_SECONDS)
        except OSError as error:
            last = error
        else:
            connected.settimeout(SILENCE_SECONDS)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
    raise last


_OF_THREAD = threading.local()


def web(allowed: Collection[str] = ()) -> Web:
    """Return the client of this thread and process for volumes that allow these hosts."""
    clients: dict[tuple[int, frozenset[str]], Web] = _OF_THREAD.__dict__.setdefault("clients", {})
    return clients.setdefault((os.getpid(), frozenset(allowed)), Web(allowed))
