"""Pages in a real object store: what is asked for, what a bad day does, what becomes of overwritten ones."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from sqlalchemy import Engine, select, update

from models import Attempt, Page, PageRun, PageRunState
from models.page import UNREAD
from orchestrator.discovery.discovery import FoundPage, Volume, find_pages, open_volume, open_volumes
from orchestrator.ingest.rows import StoredCounts, Target, store_pages, store_pipeline, store_volume
from orchestrator.results.pages import read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from orchestrator.status.figures import read_status
from tests.stores import CREDENTIALS, Proxy, S3Server, a_proxy
from workers.config import Settings
from workers.errors import ServiceDown, UnreadableInput
from workers.layout import PageLayout
from workers.lease.processing import Steps, claim_and_process
from workers.parameters import PipelineParameters, versions_for
from workers.sources.address import PageAddress
from workers.sources.images import open_stored_page
from workers.sources.limits import Limits
from workers.sources.opening import OpenFiles
from workers.sources.stores import cache, patience, store
from workers.sources.stores.location import Location
from workers.sources.stores.store import open_store

BUCKET = "scans"


def picture(shade: int, kind: str = "JPEG", side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side + 10), shade).save(buffer, kind)
    return buffer.getvalue()


def tiff(*shades: int) -> bytes:
    buffer = io.BytesIO()
    first, *more = (Image.new("L", (30, 40), shade) for shade in shades)
    first.save(buffer, "TIFF", save_all=True, append_images=more)
    return buffer.getvalue()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials for the server, and no long pauses."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.001)


@dataclass
class Bucket:
    """A bucket seen through a proxy, and the database it is ingested into."""

    engine: Engine
    server: S3Server
    proxy: Proxy
    prefix: str

    def put(self, name: str, data: bytes) -> None:
        self.server.put(BUCKET, f"{self.prefix}{name}", data)

    @property
    def volumes(self) -> list[Volume]:
        return open_volumes(f"s3://{BUCKET}/{self.prefix}", access=self.proxy.server.access)

    def find(self) -> list[FoundPage]:
        return list(find_pages(self.volumes[0]))

    def ingest(self, volume: Volume | None = None) -> StoredCounts:
        volume = volume or self.volumes[0]
        volume_id = store_volume(self.engine, volume.source, str(volume.location), volume.kind)
        parameters = PipelineParameters()
        target = Target(volume_id, store_pipeline(self.engine, parameters, versions_for(parameters)), 1)
        return store_pages(self.engine, target, find_pages(volume), lambda _: None, all_of_it=volume.listing is None)

    def work(self, steps: Steps | None = None) -> None:
        """Work on every page that is ready, as a worker child does."""
        url = self.engine.url.render_as_string(hide_password=False)
        settings = Settings(database_url=url, soft_limit_seconds=30, hard_limit_seconds=40, lease_seconds=60)
        with self.engine.begin() as connection:
            ready = PageRun.state == PageRunState.READY
            numbers = connection.scalars(select(PageRun.page_run_id).where(ready)).all()
            connection.execute(update(PageRun).where(ready).values(state=PageRunState.QUEUED))
        for number in numbers:
            claim_and_process(number, f"message-{number}", settings, steps or Steps(analyse=blank))

    def runs(self) -> list[tuple[str, str, str | None, int]]:
        """Return name, state, error code and attempts of every page run."""
        columns = (Page.name, PageRun.state, PageRun.error_code, PageRun.attempts)
        with self.engine.connect() as connection:
            rows = connection.execute(select(*columns).join(PageRun).order_by(Page.page_number, Page.page_id))
            return [tuple(row) for row in rows]  # type: ignore[misc]


def blank(image: Image.Image, *_: object) -> PageLayout:
    return PageLayout(image.width, image.height, empty_reason="blank")


@pytest.fixture(scope="module")
def bucket_server(s3_server: S3Server) -> S3Server:
    s3_server.make_bucket(BUCKET)
    return s3_server


@pytest.fixture
def bucket(
    sqlite_engine: Engine, bucket_server: S3Server, request: pytest.FixtureRequest, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bucket]:  # fmt: skip
    """A prefix of its own, full of pages of every kind."""
    monkeypatch.setattr("workers.sources.stores.origin.machine_cache", lambda: cache.Cache(tmp_path / "cache", 10**9))
    with a_proxy(bucket_server) as proxy:
        yield Bucket(sqlite_engine, bucket_server, proxy, f"{request.node.name[:40]}/")


def fill(bucket: Bucket) -> None:
    bucket.put("p10.jpg", picture(10))
    bucket.put("p9.jpg", picture(9))
    bucket.put("inner/three.tif", tiff(1, 2, 3))
    bucket.put("issue.zip", zipped(a_jpg=picture(4), b_tif=tiff(5, 6), notes_txt=b"text"))
    bucket.put("notes.txt", b"text")


NAMES = [
    "inner/three.tif#1", "inner/three.tif#2", "inner/three.tif#3", "issue.zip/a.jpg", "issue.zip/b.tif#1",
    "issue.zip/b.tif#2", "p9.jpg", "p10.jpg",
]  # fmt: skip


def test_pages_of_a_prefix_are_found_without_reading_pictures(bucket: Bucket) -> None:
    fill(bucket)
    assert [page.address.name for page in bucket.find()] == NAMES
    assert not any("p9.jpg" in one or "p10.jpg" in one for one in bucket.proxy.requests if "list" not in one)


def test_workers_fill_in_the_hashes_and_a_second_ingest_asks_for_no_page(bucket: Bucket) -> None:
    fill(bucket)
    assert bucket.ingest().new_pages == 8
    bucket.work()
    assert bucket.runs() == [(name, "done", None, 1) for name in NAMES]
    with bucket.engine.connect() as connection:
        hashes = connection.scalars(select(Page.sha256)).all()
    assert not any(one.startswith(UNREAD) or not one for one in hashes) and len(set(hashes)) == 5
    bucket.proxy.requests.clear()
    again = bucket.ingest()
    bucket.work()
    assert (again.new_pages, again.new_page_runs) == (0, 0)
    assert not any(".jpg" in one for one in bucket.proxy.requests)


def test_an_object_that_is_overwritten_between_ingest_and_worker_is_a_new_page(bucket: Bucket) -> None:
    bucket.put("p1.jpg", picture(1))
    bucket.put("issue.zip", zipped(a_jpg=picture(4), b_jpg=picture(5)))
    bucket.ingest()
    bucket.put("p1.jpg", picture(200))
    bucket.put("issue.zip", zipped(a_jpg=picture(4), b_jpg=picture(250)))
    bucket.work()
    changed = "changed_since_ingest"
    assert bucket.runs() == [
        ("issue.zip/a.jpg", "done", None, 1),  # a member of the same checksum is the same page
        ("issue.zip/b.jpg", "quarantined", changed, 1),
        ("p1.jpg", "quarantined", changed, 1),
    ]
    bucket.ingest()
    bucket.work()
    assert sorted(bucket.runs()) == sorted(
        [
            ("issue.zip/a.jpg", "done", None, 1),
            ("issue.zip/b.jpg", "cancelled", "superseded", 1),
            ("issue.zip/b.jpg", "done", None, 1),
            ("p1.jpg", "cancelled", "superseded", 1),
            ("p1.jpg", "done", None, 1),
        ]
    )


def test_an_object_that_is_put_back_is_the_page_that_it_was(bucket: Bucket) -> None:
    for shade in (1, 200, 1):
        bucket.put("p1.jpg", picture(shade))
        bucket.ingest()
        bucket.work()
    with bucket.engine.connect() as connection:
        pages = connection.execute(select(Page.gone_reason).order_by(Page.page_id)).all()
    assert [row.gone_reason for row in pages] == [None, "replaced"]


def test_a_store_that_is_down_costs_no_attempt_and_status_says_what_is_waited_for(bucket: Bucket) -> None:
    bucket.put("p1.jpg", picture(1))
    bucket.ingest()
    bucket.proxy.down = True
    for _ in range(4):
        bucket.work()
    assert bucket.runs() == [("p1.jpg", "ready", "not_now", 0)]
    (sentence,) = read_status(bucket.engine).waiting
    assert sentence == f"s3://{BUCKET} cannot be read now (it says 503)."
    with bucket.engine.connect() as connection:
        assert connection.execute(select(Attempt)).all() == []
    bucket.proxy.down = False
    bucket.work()
    assert bucket.runs() == [("p1.jpg", "done", None, 1)]
    assert not read_status(bucket.engine).waiting


def test_expired_credentials_cost_no_attempt_and_one_forbidden_object_is_quarantined(bucket: Bucket) -> None:
    bucket.put("p1.jpg", picture(1))
    bucket.put("p2.jpg", picture(2))
    bucket.ingest()
    bucket.proxy.expired = True
    bucket.work()
    assert bucket.runs() == [("p1.jpg", "ready", "not_now", 0), ("p2.jpg", "ready", "not_now", 0)]
    bucket.proxy.expired, bucket.proxy.denied = False, "p2.jpg"
    bucket.work()
    assert bucket.runs() == [("p1.jpg", "done", None, 1), ("p2.jpg", "quarantined", "unreadable_image", 1)]


def test_a_worker_without_obstore_leaves_the_page_to_others(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("p1.jpg", picture(1))
    bucket.ingest()
    store._opened.cache_clear()
    monkeypatch.setitem(sys.modules, "obstore", None)
    bucket.work()
    assert bucket.runs() == [("p1.jpg", "ready", "not_now", 0)]
    assert "pip install 'broadsheet[stores]'" in next(iter(read_status(bucket.engine).waiting))
    with pytest.raises(UnreadableInput, match="obstore"):
        bucket.ingest()


def test_a_store_that_is_down_ends_an_ingest_with_a_sentence(bucket: Bucket) -> None:
    bucket.proxy.down = True
    with pytest.raises(ServiceDown, match=r"it says 503\)\. The same command goes on"):
        bucket.ingest()


def test_refusals_and_answers_that_are_cut_change_no_result(bucket: Bucket) -> None:
    fill(bucket)
    for number in range(11, 40):
        bucket.put(f"p{number}.jpg", picture(number))
    bucket.proxy.refuse_each, bucket.proxy.cut_each = 10, 7
    bucket.ingest()
    bucket.work()
    names = [*NAMES, *(f"p{number}.jpg" for number in range(11, 40))]
    assert bucket.runs() == [(name, "done", None, 1) for name in names]
    assert bucket.proxy.refused > 2 and bucket.proxy.cut > 2


def test_what_is_wrong_with_one_object_is_no_fault_of_the_store(bucket: Bucket) -> None:
    bucket.put("p1.jpg", b"<html>error page</html>")
    bucket.put("p2.jpg", b"")
    bucket.put("p3.jpg", picture(3))
    bucket.ingest()
    bucket.work()
    assert [run[:3] for run in bucket.runs()] == [
        ("p1.jpg", "quarantined", "unreadable_image"),
        ("p2.jpg", "quarantined", "unreadable_image"),
        ("p3.jpg", "done", None),
    ]


def test_what_is_looked_at_again_is_not_asked_for_again(bucket: Bucket) -> None:
    fill(bucket)
    bucket.ingest()
    bucket.work()
    pages = list(read_pages(bucket.engine, Selection()))
    first = [open_scan(page, 10**6).grey.tobytes() for page in pages]
    bucket.proxy.requests.clear()
    assert [open_scan(page, 10**6).grey.tobytes() for page in pages] == first
    assert bucket.proxy.requests == []


def test_one_page_out_of_a_zip_takes_four_requests_and_little_more_than_its_bytes(bucket: Bucket) -> None:
    noise = Image.effect_noise((1500, 1500), 80)
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=95)
    page = buffer.getvalue()
    bucket.put("issue.zip", zipped(**{f"p{number}_jpg": page for number in range(12)}))
    location = Location("s3", BUCKET, bucket.prefix, access=bucket.proxy.server.access)
    bucket.proxy.sent_bytes = 0
    bucket.proxy.requests.clear()
    open_stored_page(location, PageAddress(("issue.zip", "p7.jpg")), "", Limits(), OpenFiles())
    assert len(bucket.proxy.requests) <= 4, bucket.proxy.requests
    assert bucket.proxy.sent_bytes <= 1.2 * len(page)


def tarred(mode: Literal["w", "w:gz"], **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_archives_of_every_kind_give_the_pages_that_they_give_on_a_disk(bucket: Bucket, tmp_path: Path) -> None:
    inner = zipped(q_jpg=picture(7), r_tif=tiff(8, 9))
    plain = tarred("w", in_zip=inner, p1_jpg=picture(1))
    archives = {"a.tar.gz": tarred("w:gz", p2_jpg=picture(2), m_tif=tiff(3)), "b.tar": plain}
    archives["c.zip"] = zipped(in_zip=inner, t_tar=plain, z_jpg=picture(4))
    folder = tmp_path / "here"
    folder.mkdir()
    for name, data in archives.items():
        (folder / name).write_bytes(data)
        bucket.put(name, data)
    location = bucket.volumes[0].location
    assert isinstance(location, Location)
    here, afar = list(find_pages(open_volume(folder))), bucket.find()
    assert [page.address.name for page in afar] == [page.address.name for page in here]
    for one, other in zip(afar, here, strict=True):
        if one.error is None:
            assert open_stored_page(location, one.address, one.sha256, Limits())[1] == other.sha256
        assert type(one.error) is type(other.error)


def test_a_list_of_keys_stands_for_a_listing_and_removes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    fill(bucket)
    bucket.put("p11.jpg", picture(11))
    table = tmp_path / "inventory.csv"
    rows = [f"{BUCKET},{bucket.prefix}{name}," for name in ("p10.jpg", "issue.zip", "p9.jpg")]
    table.write_text("Bucket,Key,Size\n" + "\n".join(rows) + "\n")
    (volume,) = open_volumes(table, access=bucket.proxy.server.access)
    bucket.ingest(volume)
    table.write_text(f"url\ns3://{BUCKET}/{bucket.prefix}p11.jpg\n")
    (volume,) = open_volumes(table, access=bucket.proxy.server.access)
    bucket.ingest(volume)
    bucket.work()
    found = {(name.removeprefix(bucket.prefix), state) for name, state, _, _ in bucket.runs()}
    names = ("issue.zip/a.jpg", "issue.zip/b.tif#1", "issue.zip/b.tif#2", "p9.jpg", "p10.jpg", "p11.jpg")
    assert found == {(name, "done") for name in names}


def test_a_file_on_a_web_server_is_a_volume(bucket: Bucket) -> None:
    bucket.put("issue.zip", zipped(a_jpg=picture(4), b_jpg=picture(5)))
    url = f"{bucket.proxy.server.endpoint}/{BUCKET}/{bucket.prefix}issue.zip"
    (volume,) = open_volumes(url, access=bucket.proxy.server.access)
    bucket.ingest(volume)
    bucket.work()
    assert bucket.runs() == [("a.jpg", "done", None, 1), ("b.jpg", "done", None, 1)]
    with pytest.raises(UnreadableInput, match="private network"):
        open_volumes(url)
    with pytest.raises(UnreadableInput, match="404"):
        open_volumes(f"{url}x", access=bucket.proxy.server.access)


def test_a_bucket_that_is_not_there_is_told(bucket: Bucket) -> None:
    with pytest.raises((UnreadableInput, ServiceDown), match=r"not-there .*the bucket is not there"):
        open_volumes("s3://not-there/", access=bucket.proxy.server.access)


def test_a_store_lists_its_folders_side_by_side(bucket: Bucket) -> None:
    for number in range(12):
        bucket.put(f"folder{number % 3}/p{number}.jpg", picture(number))
    location = Location("s3", BUCKET, bucket.prefix, access=bucket.proxy.server.access)
    keys = sorted(file.key.removeprefix(bucket.prefix) for file in open_store(location).walk(bucket.prefix))
    assert keys == sorted(f"folder{number % 3}/p{number}.jpg" for number in range(12))
