"""Where a volume lies that is not on a disk: a URL, with what a client needs to know to reach it. No secrets. Pure.

People write `s3://bucket/prefix`, with the key as it is. Stored is a URL whose fragment, which no server ever sees,
holds how the store is reached: `s3://bucket/prefix#endpoint=http://10.0.0.5:9000&path-style`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from workers.errors import UnreadableInput

STORES = ("s3", "gs", "az")
WEB = ("http", "https")
_URL = re.compile(r"(s3|gs|az|https?)://", re.IGNORECASE)
_ONE_SLASH = re.compile(r"(s3|gs|az|https?):/(?!/)", re.IGNORECASE)
# What signs a URL, in the query: of S3, Google, Azure and CloudFront; and what people call their passwords.
_SECRET = re.compile(
    r"(x-(amz|goog)-(signature|credential|security-token)|signature|sig|key-pair-id|policy|awsaccesskeyid|googleaccessid"
    r"|access_?token|token|api_?key|password|secret)",
    re.IGNORECASE,
)

_IN_PATH = "/%!$&'()*+,;=:@~"  # what a path may hold as it is
_RESERVED = re.compile(r"[%?#\t\r\n]")  # in a key they would end it


@dataclass(frozen=True, slots=True)
class Access:
    """How a store is reached, as far as it is no secret; credentials are the business of the platform.

    `allow_hosts` are the hosts that may have a private, loopback or link-local address.
    """

    endpoint: str = ""
    path_style: bool = False
    anonymous: bool = False
    requester_pays: bool = False
    allow_hosts: tuple[str, ...] = ()


NO_ACCESS = Access()


@dataclass(frozen=True, slots=True)
class Location:
    """A volume in a store or on a web server.

    `host` is the bucket of a store, `path` without its first slash a key or the beginning of keys; on the web it is
    percent-encoded, as it was given.
    """

    scheme: str
    host: str
    path: str = ""
    query: str = ""
    access: Access = NO_ACCESS

    @property
    def name(self) -> str:
        """The last part of the path, as people know it."""
        last = self.path.rstrip("/").rpartition("/")[2] or self.host
        return unquote(last) if self.is_web else last

    @property
    def is_web(self) -> bool:
        """Whether it is on a web server, not in a bucket."""
        return self.scheme in WEB

    @property
    def is_file(self) -> bool:
        """Whether it is one file, not all that lies below a prefix: such a path is empty or ends with a slash."""
        return bool(self.path) and not self.path.endswith("/")

    @property
    def shown(self) -> str:
        """The URL as people write it, without how it is reached."""
        return f"{self.scheme}://{self.host}/{self.path}{f'?{self.query}' if self.query else ''}"

    @property
    def parents(self) -> list[Location]:
        """The prefixes that hold it, the nearest first; on the web none, since nothing lists them."""
        parts = self.path.rstrip("/").split("/")[:-1] if self.path and not self.is_web else []
        above = [self.at("".join(f"{part}/" for part in parts[:count])) for count in range(len(parts), 0, -1)]
        return [*above, self.at("")] if self.path and not self.is_web else []

    def at(self, path: str) -> Location:
        """Return another place of the same bucket or server."""
        return replace(self, path=path, query="")

    def __str__(self) -> str:
        """Return what is stored, for `stored_location`."""
        path = self.path if self.is_web else _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", self.path)
        fragment = _fragment(self.access)
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.host}/{path}{query}{f'#{fragment}' if fragment else ''}"


def is_url(text: str) -> bool:
    """Return whether a path is none, but the URL of a store or a web server."""
    return _URL.match(text) is not None


def no_url(text: str) -> str:
    """Return what to say of something that was meant as a URL and is none; of an unknown scheme not its address."""
    if found := _ONE_SLASH.match(text):
        return f"{found[0]} lacks a slash; write {found[1].lower()}://."
    scheme, address, _ = text.partition("://")
    what = f"{scheme}:// is not read" if address else f"{text} is no address of a bucket or of a file on the web"
    return f"{what}; write s3://, gs://, az://, https:// or http://."


def lacks_a_slash(text: str) -> bool:
    """Return whether it begins as a URL with one slash, as it does after somebody shortened `//`."""
    return _ONE_SLASH.match(text) is not None


def given_location(text: str, access: Access = NO_ACCESS) -> Location:
    """Return the location that somebody wrote.

    Raises:
        UnreadableInput: it is no such URL, names no host, or holds a password or a signature, which would end up in
            SQL.
    """
    if not is_url(text):
        raise UnreadableInput(no_url(text))
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme in WEB:
        return _on_the_web(text, access)
    bucket, _, key = rest.partition("/")
    if "@" in bucket:
        raise UnreadableInput(_secret_in(scheme))
    if not bucket:
        raise UnreadableInput(f"{text} names no bucket; write {scheme}://BUCKET/PREFIX.")
    return Location(scheme, bucket, key, access=access)


def _on_the_web(text: str, access: Access) -> Location:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise UnreadableInput(_secret_in(text.partition("://")[0].lower()))
    if not host:
        raise UnreadableInput(f"{text} names no host; write https://HOST/FILE.")
    if any(_SECRET.fullmatch(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise UnreadableInput(_secret_in(parts.scheme))
    shown = f"[{host}]" if ":" in host else host
    path = quote(parts.path.lstrip("/"), safe=_IN_PATH)
    return Location(parts.scheme.lower(), f"{shown}:{port}" if port else shown, path, parts.query, access)


def _secret_in(scheme: str) -> str:
    return (
        f"The {scheme}:// address holds a password or a signature, which would be stored with the volume; leave it out "
        "and give credentials in the environment (docs/stores.md)."
    )


def web_url(text: str) -> str:
    """Return an address that somebody else wrote as one that can be asked and stored.

    Without the password in it, which is not sent, and with spaces and letters of other alphabets percent-encoded; empty
    where it is no address on the web, or a broken one.
    """
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in WEB and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    netloc = parts.netloc.rpartition("@")[2]
    path, query = quote(parts.path, safe=_IN_PATH), quote(parts.query, safe=f"{_IN_PATH}?")
    return urlunsplit(parts._replace(netloc=netloc, path=path, query=query)) if is_whole else ""


def stored_location(text: str) -> Path | Location:
    """Return the location of a volume as it stands in the database (unescaped): a path on the disk, or a URL."""
    if not is_url(text):
        return Path(text)
    parts = urlsplit(text)
    path = parts.path.lstrip("/") if parts.scheme in WEB else unquote(parts.path[1:])
    return Location(parts.scheme, parts.netloc, path, parts.query, _access(parts.fragment))


def _fragment(access: Access) -> str:
    flags = {"path-style": access.path_style, "anonymous": access.anonymous, "requester-pays": access.requester_pays}
    pairs = [("endpoint", access.endpoint)] if access.endpoint else []
    pairs += [(name, "1") for name, is_set in flags.items() if is_set]
    pairs += [("allow-host", host) for host in access.allow_hosts]
    return urlencode(pairs, safe=":/")


def _access(fragment: str) -> Access:
    pairs = parse_qsl(fragment)
    values = dict(pairs)
    hosts = tuple(value for name, value in pairs if name == "allow-host")
    return Access(
        values.get("endpoint", ""), "path-style" in values, "anonymous" in values, "requester-pays" in values, hosts
    )
