"""Files are overwritten, restored, deleted, unreadable between two ingests: each page that is there has a future."""

from __future__ import annotations

import errno
import io
import os
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, event, func, select, update

from models import Page, PageRun, PageRunState
from models.session import open_engine_read_only
from orchestrator.discovery.discovery import FoundPage, find_pages, open_volume
from orchestrator.ingest.known_hashes import AHEAD, KnownHashes
from orchestrator.ingest.rows import StoredCounts, Target, store_pages, store_pipeline, store_volume
from orchestrator.page_runs.decisions import cancel, retry
from orchestrator.results.selection import Selection
from workers.parameters import PipelineParameters

Runs = list[tuple[str, str | None]]


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (20, 30), shade).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(**shades: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, shade in shades.items():
            archive.writestr(f"{name}.png", picture(shade))
    return buffer.getvalue()


@dataclass
class Archive:
    """A folder of scans and the database it is ingested into."""

    engine: Engine
    folder: Path
    versions: int = 0

    def put(self, name: str, data: bytes) -> None:
        """Write a file; each version has a time of its own, as on a disk where time passes."""
        self.versions += 1
        (self.folder / name).write_bytes(data)
        os.utime(self.folder / name, ns=(0, 10**18 + self.versions))

    def ingest(self, *failing: str, pages: int | None = None, parameters: str = "a") -> StoredCounts:
        """Ingest the folder while the storage of some files fails, perhaps stopped after some pages."""
        volume = open_volume(self.folder)
        target = Target(
            store_volume(self.engine, volume.source, str(volume.location), volume.kind),
            store_pipeline(self.engine, PipelineParameters(), {"test": parameters}),
            1,
        )
        with self.engine.connect() as connection:
            known = KnownHashes(connection, target.volume_id)

            def look_up(name: str, size_bytes: int, modified_ns: int) -> str | None:
                if name in failing:
                    raise OSError(errno.ESTALE, "Stale file handle")
                return known.look_up(name, size_bytes, modified_ns)

            found = list(find_pages(volume, known=look_up))
        return store_pages(self.engine, target, found if pages is None else stopped(found, pages), lambda _: None)

    def runs(self, name: str) -> Runs:
        """Return state and code of each run of a page, oldest bytes first."""
        statement = select(PageRun.state, PageRun.error_code).join(Page).where(Page.name == name)
        with self.engine.connect() as connection:
            return [(row.state, row.error_code) for row in connection.execute(statement.order_by(PageRun.page_run_id))]

    def end(self, state: str, code: str | None = None, name: str | None = None) -> None:
        """End what is ready as a worker would."""
        statement = update(PageRun).where(PageRun.state == "ready")
        if name:
            statement = statement.where(PageRun.page_id.in_(select(Page.page_id).where(Page.name == name)))
        with self.engine.begin() as connection:
            connection.execute(statement.values(state=state, error_code=code, attempts=PageRun.attempts + 1))


def stopped(found: list[FoundPage], pages: int) -> Iterator[FoundPage]:
    yield from islice(found, pages)
    raise KeyboardInterrupt


@pytest.fixture
def archive(engine: Engine, tmp_path: Path) -> Archive:
    (tmp_path / "scans").mkdir()
    made = Archive(engine, tmp_path / "scans")
    for number in (1, 2, 3):
        made.put(f"p{number}.png", picture(number))
    made.ingest()
    return made


def test_unknown_bytes_are_not_other_bytes(archive: Archive) -> None:
    archive.ingest("p1.png", "p2.png")
    assert [archive.runs(f"p{n}.png") for n in (1, 2, 3)] == [[("ready", None)]] * 3
    archive.ingest()
    assert [archive.runs(f"p{n}.png") for n in (1, 2, 3)] == [[("ready", None)]] * 3


def test_a_page_first_met_while_the_storage_fails_ends_with_its_bytes(archive: Archive) -> None:
    archive.put("p4.png", picture(4))
    archive.ingest("p4.png")
    assert archive.runs("p4.png") == [("ready", None)]
    archive.end("quarantined", "changed_since_ingest", "p4.png")
    archive.ingest()
    assert archive.runs("p4.png") == [("cancelled", "superseded"), ("ready", None)]


def test_an_unreadable_page_under_other_parameters_is_the_known_page(archive: Archive) -> None:
    archive.end("done")
    archive.ingest("p1.png", parameters="b")
    assert archive.runs("p1.png") == [("done", None), ("ready", None)]
    with archive.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Page)) == 3


def test_a_changed_page_that_is_restored_is_ready_again(archive: Archive) -> None:
    archive.put("p1.png", picture(99))
    archive.ingest()
    assert archive.runs("p1.png") == [("cancelled", "superseded"), ("ready", None)]
    archive.put("p1.png", picture(1))
    archive.ingest()
    assert archive.runs("p1.png") == [("ready", None), ("cancelled", "superseded")]
    archive.put("p1.png", picture(99))
    archive.ingest()
    assert archive.runs("p1.png") == [("cancelled", "superseded"), ("ready", None)]


def test_while_the_storage_fails_the_version_that_was_there_last_stays(archive: Archive) -> None:
    archive.put("p1.png", picture(99))
    archive.ingest()
    archive.put("p1.png", picture(1))
    archive.ingest()
    archive.ingest("p1.png")
    assert archive.runs("p1.png") == [("ready", None), ("cancelled", "superseded")]


def test_a_finished_page_that_is_restored_is_current_again(archive: Archive) -> None:
    archive.end("done")
    archive.put("p1.png", picture(99))
    archive.ingest()
    archive.put("p1.png", picture(1))
    archive.ingest()
    assert archive.runs("p1.png") == [("done", None), ("cancelled", "superseded")]


def test_a_removed_page_is_taken_back_until_its_file_returns(archive: Archive) -> None:
    archive.end("quarantined", "unreadable_image", "p2.png")
    kept = (archive.folder / "p1.png").read_bytes()
    for name in ("p1.png", "p2.png"):
        (archive.folder / name).unlink()
    archive.ingest()
    assert archive.runs("p1.png") == archive.runs("p2.png") == [("cancelled", "removed")]
    assert archive.runs("p3.png") == [("ready", None)]
    archive.put("p1.png", kept)
    archive.ingest()
    assert archive.runs("p1.png") == [("ready", None)]


def test_an_ingest_that_is_interrupted_removes_nothing(archive: Archive) -> None:
    with pytest.raises(KeyboardInterrupt):
        archive.ingest(pages=1)
    assert [archive.runs(f"p{n}.png") for n in (1, 2, 3)] == [[("ready", None)]] * 3


@pytest.mark.parametrize("code", ["missing_source", "changed_since_ingest", "storage_failed"])
def test_a_page_whose_bytes_are_found_again_is_tried_again(code: str, archive: Archive) -> None:
    archive.end("quarantined", code)
    archive.ingest()
    assert archive.runs("p1.png") == [("ready", None)]


def test_a_page_that_is_broken_itself_stays_in_quarantine(archive: Archive) -> None:
    archive.end("quarantined", "unreadable_image")
    archive.ingest()
    assert archive.runs("p1.png") == [("quarantined", "unreadable_image")]


def test_files_that_were_broken_and_are_copied_again_leave_no_old_fault(archive: Archive) -> None:
    good = zipped(a=10, b=20)
    archive.put("issue.zip", good[:100])
    archive.put("empty.png", b"")
    archive.ingest()
    assert archive.runs("issue.zip") == archive.runs("empty.png") == [("quarantined", "unreadable_image")]
    archive.put("issue.zip", good)
    archive.put("empty.png", picture(40))
    archive.ingest()
    assert archive.runs("issue.zip") == [("cancelled", "removed")]
    assert archive.runs("empty.png") == [("cancelled", "superseded"), ("ready", None)]
    assert archive.runs("issue.zip/a.png") == [("ready", None)]


def test_what_lies_in_a_file_that_cannot_be_read_now_is_not_gone(archive: Archive) -> None:
    archive.put("issue.zip", zipped(a=10, b=20))
    archive.ingest()
    archive.ingest("issue.zip")
    assert archive.runs("issue.zip") == []
    assert archive.runs("issue.zip/a.png") == archive.runs("issue.zip/b.png") == [("ready", None)]


def test_a_folder_that_cannot_be_listed_now_is_told_and_keeps_its_pages(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive.folder / "1898").mkdir()
    archive.put("1898/p1.png", picture(50))
    archive.ingest()
    listing = os.scandir

    def fail(path: Path) -> Any:
        if Path(path).name == "1898":
            raise OSError(errno.ESTALE, "Stale file handle")
        return listing(path)

    monkeypatch.setattr(os, "scandir", fail)
    archive.ingest()
    monkeypatch.undo()
    assert archive.runs("1898") == [("quarantined", "unreadable_image")]
    assert archive.runs("1898/p1.png") == archive.runs("p1.png") == [("ready", None)]
    archive.ingest()
    assert archive.runs("1898") == [("cancelled", "removed")]


def test_pages_of_an_archive_that_breaks_come_back_with_it(archive: Archive) -> None:
    good = zipped(a=10, b=20)
    archive.put("issue.zip", good)
    archive.ingest()
    for _ in range(2):
        archive.put("issue.zip", good[:150])
        archive.ingest()
        assert archive.runs("issue.zip") == [("quarantined", "unreadable_image")]
        assert archive.runs("issue.zip/b.png") == [("cancelled", "removed")]
        archive.put("issue.zip", good)
        archive.ingest()
        assert archive.runs("issue.zip") == [("cancelled", "removed")]
        assert archive.runs("issue.zip/b.png") == [("ready", None)]


def test_retry_brings_no_obsolete_bytes_back_unless_they_are_meant(archive: Archive) -> None:
    archive.put("p1.png", picture(99))
    archive.ingest()
    cancel(archive.engine, Selection())
    assert retry(archive.engine, [PageRunState.CANCELLED], Selection()) == 3
    assert archive.runs("p1.png") == [("cancelled", "superseded"), ("ready", None)]
    assert retry(archive.engine, [PageRunState.CANCELLED], Selection(code="superseded")) == 1


def test_what_a_person_cancelled_stays_cancelled(archive: Archive) -> None:
    cancel(archive.engine, Selection())
    archive.ingest()
    assert archive.runs("p1.png") == [("cancelled", None)]


def test_quarantined_pages_are_cancelled_when_asked(archive: Archive) -> None:
    archive.end("quarantined", "unreadable_image", "p1.png")
    assert cancel(archive.engine, Selection()) == 2
    assert cancel(archive.engine, Selection(), quarantined=True) == 1
    assert archive.runs("p1.png") == [("cancelled", "unreadable_image")]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_between_each_page_that_is_there_goes_on(seed: int, archive: Archive) -> None:
    chance = random.Random(seed)
    names = [f"p{number}.png" for number in range(6)]
    contents = {name: [picture(10 * number + k) for k in range(3)] for number, name in enumerate(names)}
    for _ in range(25):
        name = chance.choice(names)
        match chance.randrange(6):
            case 0 | 1:
                archive.put(name, chance.choice(contents[name]))
            case 2:
                (archive.folder / name).unlink(missing_ok=True)
            case 3:
                archive.ingest(*chance.sample(names, 3))
            case 4:
                with pytest.raises(KeyboardInterrupt):
                    archive.ingest(pages=chance.randrange(3))
            case 5:
                ends = [("done", None), ("quarantined", "changed_since_ingest"), ("quarantined", "missing_source")]
                archive.end(*chance.choice(ends), name=name)
        archive.put("p5.png", contents["p5.png"][0])  # a folder without any page is refused
    archive.ingest()
    current = {(page.address.name, page.sha256) for page in find_pages(open_volume(archive.folder))}
    statement = select(Page.name, Page.sha256, Page.gone_at, PageRun.state, PageRun.error_code).join(PageRun)
    with archive.engine.connect() as connection:
        assert {(row.name, row.sha256) for row in connection.execute(statement) if row.gone_at is None} == current
        rows = {(row.name, row.sha256): (row.state, row.error_code) for row in connection.execute(statement)}
    assert {rows[key][0] for key in current} <= {"ready", "done"}
    old = {state for key, state in rows.items() if key not in current}
    assert old <= {("done", None), ("cancelled", "superseded"), ("cancelled", "removed")}


def test_many_known_files_are_looked_up_with_few_questions(sqlite_engine: Engine, tmp_path: Path) -> None:
    volume_id = store_volume(sqlite_engine, "scans", "/scans", "directory")
    archive = Archive(sqlite_engine, tmp_path)
    count = 2 * AHEAD
    with sqlite_engine.begin() as connection:
        rows = [
            {
                "volume_id": volume_id,
                "page_number": number,
                "name": f"p{number}.png",
                "address": "{}",
                "sha256": f"{number:064x}",
                "size_bytes": number,
                "modified_ns": number,
            }
            for number in range(count)
        ]
        connection.execute(Page.__table__.insert(), rows)
    reader = open_engine_read_only(sqlite_engine.url)
    asked: list[str] = []
    event.listen(reader, "before_cursor_execute", lambda *question: asked.append(question[2]))
    with reader.connect() as connection:
        known = KnownHashes(connection, volume_id)
        assert [known.look_up(f"p{n}.png", n, n) for n in range(count)] == [f"{n:064x}" for n in range(count)]
        assert known.look_up("p7.png", 7, 8) is None
        assert known.look_up("new.png", 7, 7) is None
    assert len(asked) < 10
    assert archive.versions == 0
