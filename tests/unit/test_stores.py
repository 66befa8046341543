"""Parts of reading from stores: locations, addresses that may be asked, files by ranges, listings, the cache."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import socket
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.discovery.listing import Listing
from orchestrator.discovery.lists import listed_volumes
from orchestrator.discovery.natural_order import natural_bytes, natural_key
from tests.stores import serving
from tests.unit.test_architecture import loaded_by
from workers.errors import ChangedSource, NotNow, RefusedHost, UnreadableImage, UnreadableInput
from workers.sources.address import PageAddress
from workers.sources.limits import Limits
from workers.sources.stores import patience
from workers.sources.stores.cache import Cache
from workers.sources.stores.hosts import checked_addresses, is_public
from workers.sources.stores.location import Access, Location, given_location, stored_location
from workers.sources.stores.object_store import why
from workers.sources.stores.ranges import RangeFile, as_file, fetched
from workers.sources.stores.store import StoredFile
from workers.sources.stores.web import Web
from workers.sources.stores.web_store import WebStore
from workers.sources.zip_archive import ZipArchive

ALLOWED = ("127.0.0.1",)


class Memory:
    """A store of one file, which counts what it is asked for."""

    def __init__(self, data: bytes, version: str = '"1"') -> None:
        self.data, self.version = data, version
        self.asked: list[tuple[int, int | None]] = []

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        yield StoredFile("key", len(self.data), 0, self.version)

    def read(self, key: str, start: int, end: int | None, version: str) -> tuple[bytes, StoredFile]:
        if version not in ("", self.version):
            raise ChangedSource("changed")
        self.asked.append((start, end))
        return self.data[start:end], StoredFile(key, len(self.data), 0, self.version)


@pytest.mark.parametrize(
    "access",
    [Access(), Access("http://10.0.0.5:9000", True, True, True, ("10.0.0.5", "store.local"))],
)
@pytest.mark.parametrize("text", ["s3://bucket/a b/ü%23#?x/", "gs://bucket", "https://host:8443/a%20b.zip?id=5&v=1"])
def test_a_location_is_stored_as_a_url_and_read_back(text: str, access: Access) -> None:
    location = given_location(text, access)
    assert stored_location(str(location)) == location
    assert str(location).startswith(text.partition("://")[0] + "://")


def test_a_path_stays_a_path() -> None:
    assert stored_location("/scans/s3:/x") == Path("/scans/s3:/x")


@pytest.mark.parametrize(
    "text",
    [
        "https://user:secret@host/x.zip",
        "s3://key:secret@bucket/x",
        "https://b.s3.amazonaws.com/x?X-Amz-Signature=secret",
        "https://a.blob.core.windows.net/c/x?sv=1&sig=secret",
        "https://host/x?access_token=secret",
    ],
)
def test_what_holds_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UnreadableInput, match="password or a signature") as refused:
        given_location(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://user:secret@host/x", "ftp:// is not read"),
        ("s3:/bucket/x", "lacks a slash; write s3://"),
        ("HTTPS:/host/x", "lacks a slash; write https://"),
        ("scans/p1.png", "scans/p1.png is no address"),
    ],
)
def test_what_is_no_url_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said) as refused:
        given_location(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("10.1.2.3", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
    ],
)
def test_which_addresses_are_of_the_public_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_host_with_one_private_address_is_refused_unless_it_is_allowed_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [(2, 1, 6, "", ("8.8.8.8", 80)), (2, 1, 6, "", ("192.168.1.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(RefusedHost, match=r"--allow-host mixed\.example"):
        checked_addresses("mixed.example", 80, ["other.example"])
    assert checked_addresses("Mixed.example", 80, ["mixed.example"]) == ["8.8.8.8", "192.168.1.1"]


class Misleading(BaseHTTPRequestHandler):
    """A server that leads elsewhere, says too much, or breaks off."""

    def do_GET(self) -> None:
        port = self.server.server_address[1]  # type: ignore[misc]
        redirects = {
            "/to-localhost": f"http://localhost:{port}/fine",
            "/to-file": "file:///etc/passwd",
            "/to-nowhere": "http://127.0.0.1:99999/x",
            "/in-circles": "/in-circles",
            "/once": "/fine",
        }
        if target := redirects.get(self.path):
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * (500 if self.path == "/cut" else 1000))

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/to-localhost", RefusedHost),
        ("/to-file", RefusedHost),
        ("/to-nowhere", RefusedHost),
        ("/in-circles", UnreadableImage),
        ("/large", UnreadableImage),
        ("/cut", NotNow),
    ],
)
def test_a_server_that_misleads_is_not_followed(path: str, error: type[Exception]) -> None:
    with serving(Misleading) as port, pytest.raises(error):
        Web(ALLOWED).get(f"http://127.0.0.1:{port}{path}", 999 if path == "/large" else 2000)


def test_a_refused_redirect_names_the_address_that_led_there() -> None:
    with serving(Misleading) as port, pytest.raises(RefusedHost, match="/to-localhost redirects elsewhere: localhost"):
        Web(ALLOWED).get(f"http://127.0.0.1:{port}/to-localhost", 1000)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("rows.csv", b"url\nhttps://host/p1.png\nhtp://host/p2.png\n", r"In row 2 of .*rows\.csv: htp:// is not read"),
        ("other.csv", b"name,date\nx,1\n", "no list of files: it needs a column url"),
        ("empty.csv", b"", "no list of files: it needs a column url"),
        ("cut.csv.gz", gzip.compress(b"url\nhttps://host/p1.png\n")[:-9], "cannot be read as a list"),
        ("no.csv.gz", b"url\n", "cannot be read as a list"),
        ("no.parquet", b"no table", "cannot be read as a list"),
        ("manifest.json", b'{"fileSchema": "Bucket, Key", "fileFormat": "CSV", "files": [{}]}', "cannot be read as a"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_a_sentence(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableInput, match=said):
        listed_volumes(tmp_path / name, Access())


def test_a_redirect_within_what_is_allowed_is_followed() -> None:
    with serving(Misleading) as port:
        answer = Web(ALLOWED).get(f"http://127.0.0.1:{port}/once", 1000)
        assert answer.url.endswith("/fine") and len(answer.body) == 1000
        with pytest.raises(RefusedHost):
            Web().get(f"http://127.0.0.1:{port}/fine", 1000)


class WithoutRanges(BaseHTTPRequestHandler):
    """A server that gives whole files only, some without saying how long they are."""

    def do_GET(self) -> None:
        size = 10_000 if "small" in self.path else 100_000
        self.send_response(200)
        if "silent" not in self.path:
            self.send_header("Content-Length", str(size))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who reads only the beginning hangs up
            self.wfile.write(b"x" * size)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_without_ranges_gives_whole_files_and_never_a_piece_for_the_whole() -> None:
    with serving(WithoutRanges) as port:
        store = WebStore(Location("http", f"127.0.0.1:{port}", access=Access(allow_hosts=ALLOWED)))
        for key, size in (("small", 10_000), ("silent-small", 10_000), ("large", 100_000)):
            head, known = store.read(key, 0, 16_384, "")
            assert (len(head), known.size_bytes) == (min(size, 16_384), size)
            with fetched(store, key, "", 10**6) as whole:
                assert len(whole.read()) == size
        with pytest.raises(UnreadableImage, match="no ranges"):
            store.read("large", 5, 10, "")
        with pytest.raises(UnreadableImage, match="no length"):
            store.read("silent-large", 0, 16_384, "")


@given(
    st.binary(min_size=1, max_size=300_000),
    st.lists(st.tuples(st.integers(0, 320_000), st.integers(0, 90_000)), max_size=12),
)
def test_a_file_by_ranges_reads_like_a_file(data: bytes, reads: list[tuple[int, int]]) -> None:
    data = data * 20 if len(data) < 20_000 else data
    plain, ranges = io.BytesIO(data), RangeFile(Memory(data), "key")
    for place, count in reads:
        plain.seek(place)
        ranges.seek(place)
        assert ranges.read(count) == plain.read(count)
        assert ranges.tell() == plain.tell()


def test_who_reads_forward_gets_ever_larger_ranges() -> None:
    store = Memory(random.Random(1).randbytes(40_000_000))
    ranges = RangeFile(store, "key")
    while ranges.read(65_536):
        pass
    assert len(store.asked) < 20
    assert sum((end or 0) - start for start, end in store.asked) < 1.01 * len(store.data)


def test_one_page_of_a_large_zip_takes_few_requests_and_hardly_more_than_its_bytes() -> None:
    buffer, page = io.BytesIO(), random.Random(1)
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(30):
            archive.writestr(f"p{number}.jpg", page.randbytes(1_000_000))
    store = Memory(buffer.getvalue())
    archive_afar = ZipArchive(as_file(RangeFile(store, "key")), "issue.zip", Limits())
    with zipfile.ZipFile(buffer) as here, archive_afar.extract("p17.jpg") as afar:
        assert afar.read() == here.read("p17.jpg")
    assert len(store.asked) <= 4
    assert sum((end or 0) - start for start, end in store.asked) <= 1.2 * 1_000_000


def test_a_file_that_changes_while_it_is_read_is_noticed() -> None:
    store = Memory(bytes(200_000))
    ranges = RangeFile(store, "key")
    store.version = '"2"'
    with pytest.raises(ChangedSource):
        ranges.read()
    with pytest.raises(ChangedSource):
        fetched(store, "key", '"1"', 10**9)


def test_a_span_of_a_file_is_fetched_alone() -> None:
    store = Memory(bytes(range(256)) * 1000)
    with fetched(store, "key", "", 10**9, (300, 50)) as part:
        assert part.read() == store.data[300:350]
    assert store.asked == [(300, 350)]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=6) | st.from_regex(
    r"[pPq][0-9]{1,4}\.jpg", fullmatch=True
)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), unique=True, max_size=12))
def test_listings_are_sorted_as_folders_are_walked(keys: list[str]) -> None:
    def walked(names: list[str]) -> list[str]:
        heads = sorted({name.partition("/")[0] for name in names}, key=natural_key)
        return [
            f"{head}/{below}" if below else head
            for head in heads
            for below in (
                *([""] if head in names else []),
                *walked([name.partition("/")[2] for name in names if name.startswith(f"{head}/")]),
            )
        ]

    assert sorted(keys, key=natural_bytes) == walked(keys)


def test_a_listing_keeps_the_roots_apart() -> None:
    listing = Listing()
    files = [("b", StoredFile("p10.jpg", 5, 7, "v")), ("a", StoredFile("x", 1)), ("b", StoredFile("p9.jpg", 2))]
    listing.add(files)
    assert listing.roots() == ["a", "b"]
    assert list(listing.in_order("b")) == [files[2][1], files[0][1]]
    listing.close()


def test_the_cache_fetches_once_and_lets_the_oldest_go(tmp_path: Path) -> None:
    cache, fetched_keys = Cache(tmp_path / "cache", 250), []

    def read(key: str) -> bytes:
        def fetch() -> io.BytesIO:
            fetched_keys.append(key)
            return io.BytesIO(key.encode() * 100)

        with cache.open(key, fetch) as file:
            return file.read()

    assert [read(key)[:1] for key in ("a", "b", "a", "c", "a", "b")] == [b"a", b"b", b"a", b"c", b"a", b"b"]
    assert fetched_keys == ["a", "b", "c", "b"]
    assert cache.size() == (2, 200)
    assert cache.empty() == (2, 200) and cache.size() == (0, 0)


def test_where_nothing_can_be_kept_a_file_is_fetched_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file" / "cache", 250)
    for _ in range(2):
        with cache.open("a", lambda: io.BytesIO(b"a")) as file:
            assert file.read() == b"a"
    assert cache.size() == (0, 0)


def test_a_host_that_keeps_failing_is_left_alone_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience.time, "sleep", lambda seconds: None)
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise NotNow("down", 0.0)

    waits = []
    for _ in range(6):
        with pytest.raises(NotNow) as refused:
            patience.patiently("host.example", fail)
        waits.append(refused.value.seconds)
    assert len(tries) == 6 * patience.TRIES
    assert all(1.0 * 2**n <= wait <= 2.0 * 2**n for n, wait in enumerate(waits))
    patience.patiently("host.example", lambda: None)
    with pytest.raises(NotNow) as refused:
        patience.patiently("host.example", fail)
    assert refused.value.seconds <= 2.0


def test_the_address_of_a_page_in_a_store_comes_back() -> None:
    address = PageAddress(("a/b.tar", "p.jpg"), None, None, '"etag"', (512, 1000))
    assert PageAddress.from_json(address.to_json()) == address
    assert address.archive == PageAddress(("a/b.tar",))


def test_a_process_that_forks_never_loads_obstore() -> None:
    worker = "import workers.tasks, workers.process.service, workers.celery, orchestrator.commands.worker"
    feeder = "import orchestrator.commands.feed, orchestrator.feeder.service, orchestrator.local.services"
    ingest = "import orchestrator.commands.ingest, orchestrator.ingest.run, workers.sources.images"
    assert "obstore" not in loaded_by(f"{worker}\n{feeder}\n{ingest}")


@pytest.mark.parametrize(
    ("text", "denied", "said"),
    [
        ("Error performing PUT http://169.254.169.254/latest/api/token in 1s - error", False, "holds no credentials"),
        ("performing GET http://169.254.169.254/computeMetadata/v1/x - status code: 403", False, "no credentials"),
        ("GET http://h/b?list-type=2 - non-2xx status code: 404 Not Found", False, "bucket is not there"),
        ("GET http://h/b - status code: 403 Forbidden", True, "missing, expired or not enough"),
        ("GET http://h/b - status code: 503 Slow Down", False, "it says 503"),
        ("GET http://h/b - error sending request", False, "does not answer"),
    ],
)
def test_why_a_bucket_cannot_be_read_is_said_in_words(text: str, denied: bool, said: str) -> None:
    assert said in why(Exception(text), denied)


def test_parents_of_a_prefix_are_the_prefixes_around_it() -> None:
    assert [one.path for one in Location("s3", "b", "x/y/z.zip").parents] == ["x/y/", "x/", ""]
    assert [one.path for one in Location("s3", "b", "x/").parents] == [""]
    assert Location("s3", "b").parents == []
