"""Buckets of S3, Google and Azure, by obstore.

obstore hangs for ever in a process that was forked from one which used it. So it is imported here, when a bucket is
read, and buckets are read by worker children and by commands only, which fork nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from workers.errors import ChangedSource, MissingSource, NotNow, UnreadableImage, UnreadableInput
from workers.sources.escape import escaped
from workers.sources.stores.hosts import checked_addresses
from workers.sources.stores.location import Access, Location
from workers.sources.stores.patience import patiently
from workers.sources.stores.store import StoredFile

LISTING_THREADS = 8
LIST_CHUNK = 1_000
CONNECT, ANSWER = timedelta(seconds=10), timedelta(seconds=30)
NO_RETRY = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
RETRY_SECONDS = 5.0
_STATUS = re.compile(r"status(?: code)?:?\s*(\d{3})")
_KEY = re.compile(r'[Pp]ath:? "([^"]*)"')
# where obstore looks for credentials when the environment holds none: only there on machines of these clouds
_PLATFORM = re.compile(r"https?://(169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|metadata/)")
_EXPIRED = re.compile(r"<Code>(Expired|InvalidToken|InvalidAccessKeyId|Signature|RequestTimeTooSkewed|TokenRefresh)")


def obstore() -> Any:
    """Return the package, which is an extra.

    Raises:
        UnreadableInput: it is not installed.
    """
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        raise UnreadableInput(
            "Buckets are read by the package obstore, which is not installed; pip install 'broadsheet[stores]'."
        ) from error
    return obstore


class ObjectStore:
    """One bucket; credentials come from the environment or the platform, as each cloud's own tools find them."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._obstore = obstore()
        self._host = f"{location.scheme}://{location.host}"
        self._store = self._open()

    def _open(self) -> Any:
        """Return obstore's own store.

        Raises:
            RefusedHost: the endpoint has a private address that is not allowed.
            UnreadableInput: what is needed is not set, such as Azure's account.
        """
        access = self._location.access
        if access.endpoint:
            self._check_endpoint(access.endpoint)
        client: dict[str, Any] = {"connect_timeout": CONNECT, "timeout": ANSWER}
        client |= {"allow_http": True} if access.endpoint.startswith("http://") else {}
        try:
            # Tries are counted in `patiently`, which also sees answers that were cut off; obstore would ask ten times.
            return _STORES[self._location.scheme](
                self._obstore.store, self._location.host, access, client_options=client, retry_config=NO_RETRY
            )
        except (self._obstore.exceptions.BaseError, ValueError) as error:
            told = str(error).partition("\n")[0].rstrip(".")
            raise UnreadableInput(f"{self._host} cannot be opened ({told}); see docs/stores.md.") from None

    def _check_endpoint(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise UnreadableInput("The endpoint must be https://HOST or http://HOST:PORT, without a password.")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        checked_addresses(parts.hostname, port, self._location.access.allow_hosts)

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """Yield the files below a prefix; its folders are listed side by side."""
        folders, files = self._folders(prefix)
        yield from files
        with ThreadPoolExecutor(LISTING_THREADS) as pool:
            streams = [self._pages(folder) for folder in folders]
            running: dict[Future[list[StoredFile] | None], Iterator[list[StoredFile]]] = {}
            while streams or running:
                while streams and len(running) < LISTING_THREADS:
                    stream = streams.pop()
                    running[pool.submit(next, stream, None)] = stream
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    stream = running.pop(future)
                    if (block := future.result()) is not None:
                        running[pool.submit(next, stream, None)] = stream
                        yield from block

    def _folders(self, prefix: str) -> tuple[list[str], list[StoredFile]]:
        """Return the folders in a folder, and its files; a folder that holds one folder alone stands for it."""
        while True:
            found = self._ask(prefix, lambda at=prefix: self._obstore.list_with_delimiter(self._store, at or None))
            folders, files = list(found["common_prefixes"]), [_file(meta) for meta in found["objects"]]
            if len(folders) != 1 or files:
                return folders, files
            prefix = folders[0]

    def _pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """Yield what a folder holds, a block at a time; after a failure it goes on behind the last key."""
        last: str | None = None
        stream: Any = None

        def block() -> Any:
            nonlocal stream
            stream = stream or self._obstore.list(self._store, prefix, offset=last, chunk_size=LIST_CHUNK)
            try:
                return next(stream, None)
            except BaseException:
                stream = None
                raise

        while found := self._ask(prefix, block):
            files = [_file(meta) for meta in found]
            yield files
            last = files[-1].key

    def read(self, key: str, start: int, end: int | None, version: str) -> tuple[bytes, StoredFile]:
        """Return a range of bytes, and the file as it is; as `Store.read`."""
        options: dict[str, Any] = {"if_match": version} if version else {}
        if end is not None:
            options["range"] = (start, end)
        elif start:
            options["range"] = {"offset": start}

        def ask() -> tuple[bytes, StoredFile]:
            result = self._obstore.get(self._store, key, options=options)
            file = _file(result.meta)
            return bytes(result.bytes()), file

        data, file = self._ask(key, ask)
        wanted = (file.size_bytes if end is None else min(end, file.size_bytes)) - start
        if len(data) != max(0, wanted):
            raise NotNow(f"{escaped(key)} in {self._host} came shorter than it is.", RETRY_SECONDS)
        return data, file

    def _ask(self, key: str, ask: Any) -> Any:
        def once() -> Any:
            try:
                return ask()
            except (FileNotFoundError, self._obstore.exceptions.BaseError, ValueError, OSError) as error:
                raise self._translated(error, key) from None  # their texts may hold what signs a request

        return patiently(self._host, once)

    def _translated(self, error: Exception, key: str) -> Exception:
        name, kinds, text = f"{escaped(key)} in {self._host}", self._obstore.exceptions, str(error)
        denied = isinstance(error, (kinds.PermissionDeniedError, kinds.UnauthenticatedError))
        if isinstance(error, kinds.PreconditionError):
            return ChangedSource(f"{name} has changed since it was ingested; ingest the volume again.")
        if (isinstance(error, FileNotFoundError) or denied) and not _EXPIRED.search(text) and self._answers():
            if denied:
                return UnreadableImage(f"{name} may not be read with these credentials; allow it, then retry.")
            return MissingSource(f"{name} is no longer there; put it back or ingest the volume again.")
        if isinstance(error, (kinds.InvalidPathError, ValueError)):
            found = _KEY.search(text)
            which = escaped(found[1]) if found else escaped(key)
            return UnreadableImage(
                f"{self._host} holds the key {which}, which cannot be asked for (with //, . or .. in it); copy it "
                "to another key, or give a list of keys without it."
            )
        return NotNow(f"{self._host} cannot be read now ({why(error, denied)}).", RETRY_SECONDS)

    def _answers(self) -> bool:
        """Return whether the bucket can be listed now: then what it refuses is the file, not the caller."""
        try:
            next(self._obstore.list(self._store, self._location.path or None, chunk_size=1), None)
        except Exception:
            return False
        return True


def _s3(stores: Any, bucket: str, access: Access, **options: Any) -> Any:
    config: dict[str, Any] = {"virtual_hosted_style_request": not (access.path_style or access.endpoint)}
    config |= {"skip_signature": True} if access.anonymous else {}
    config |= {"request_payer": True} if access.requester_pays else {}
    if access.endpoint:
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        config |= {"endpoint": access.endpoint, "region": region or "us-east-1"}  # which other makers sign with
    return stores.S3Store(bucket, config=config, **options)


def _gs(stores: Any, bucket: str, access: Access, **options: Any) -> Any:
    config: dict[str, Any] = {"skip_signature": True} if access.anonymous else {}
    config |= {"base_url": access.endpoint} if access.endpoint else {}
    return stores.GCSStore(bucket, config=config, **options)


def _az(stores: Any, container: str, access: Access, **options: Any) -> Any:
    config: dict[str, Any] = {"skip_signature": True} if access.anonymous else {}
    config |= {"endpoint": access.endpoint} if access.endpoint else {}
    return stores.AzureStore(container, config=config, **options)


_STORES: dict[str, Callable[..., Any]] = {"s3": _s3, "gs": _gs, "az": _az}


def why(error: Exception, denied: bool) -> str:
    """Return in words why a bucket cannot be read now; nothing of the error's own text, which may sign a request."""
    if _PLATFORM.search(str(error)):
        return "the environment holds no credentials, nor does this machine; see docs/stores.md, or --anonymous"
    if denied or _EXPIRED.search(str(error)):
        return "its credentials are missing, expired or not enough"
    status = _STATUS.search(str(error))
    if isinstance(error, FileNotFoundError) or (status and status[1] == "404"):
        return "the bucket is not there; check its name"
    return f"it says {status[1]}" if status else "it does not answer"


def _file(meta: Any) -> StoredFile:
    modified_ns = round(meta["last_modified"].timestamp() * 1000) * 1_000_000
    return StoredFile(meta["path"], meta["size"], modified_ns, meta.get("e_tag") or "")
