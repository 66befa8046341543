"""The same pages from a disk and from a bucket that has a bad day, by the real command."""

from __future__ import annotations

import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.command import Broadsheet, draw_page
from tests.stores import CREDENTIALS, S3Server, a_proxy

TABLES = {
    "page_status": "page, page_number, state, attempts, width, height, sha256, size_bytes, text_lines, format",
    "page_lines": "page, reading_order, x, y, width, height",
    "page_separators": "page, x, y, width, height, origin",
}
BUCKET = "acceptance"


def rows(broadsheet: Broadsheet, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(broadsheet.folder / "broadsheet.db")) as database:
        return database.execute(sql).fetchall()


def results(broadsheet: Broadsheet) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: rows(broadsheet, f"SELECT {columns} FROM {table} ORDER BY {columns}")
        for table, columns in TABLES.items()
    }


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans") / "gazette"
    (folder / "1890").mkdir(parents=True)
    for name, words in (("1890/p1.png", "Morning"), ("1890/p2.tif", "Courier"), ("p10.jpg", "Evening")):
        draw_page(folder / name, words)
    with Image.open(folder / "p10.jpg") as page:
        page.save(folder / "book.pdf", save_all=True, append_images=[page.transpose(Image.Transpose.ROTATE_180)])
    with zipfile.ZipFile(folder / "1891.zip", "w") as archive:
        for name in ("p1.png", "p2.tif"):
            archive.write(folder / "1890" / name, f"pages/{name}")
    with tarfile.open(folder / "1892.tar", "w") as tar:
        tar.add(folder / "p10.jpg", "p10.jpg")
    return folder


def test_rows_from_a_bucket_on_a_bad_day_are_those_from_a_disk(
    scans: Path, s3_server: S3Server, tmp_path: Path
) -> None:
    s3_server.make_bucket(BUCKET)
    s3_server.put_folder(BUCKET, "gazette/", scans)
    environ = (*CREDENTIALS.items(), ("BROADSHEET_CACHE_FOLDER", str(tmp_path / "cache")))
    here, afar = (Broadsheet(tmp_path / name, environ) for name in ("here", "afar"))
    for one in (here, afar):
        one.folder.mkdir()
    here.run("ingest", str(scans), "--one-volume", "--processes", "2")
    with a_proxy(s3_server, refuse_each=10, cut_each=20) as proxy:
        source = f"s3://{BUCKET}/gazette"
        afar.run("ingest", source, *proxy.server.options, "--processes", "2")
        assert results(afar) == results(here)
        assert len(results(afar)["page_lines"]) >= 6 * 20
        ((location,),) = rows(afar, "SELECT location FROM volume")
        assert location == f"{source}/#endpoint={proxy.server.endpoint}&allow-host=127.0.0.1"
        before = len(proxy.requests)
        summary = afar.ingest(source, *proxy.server.options)
        assert summary["finished_now"] == 0
        assert not any(".jpg" in one or ".png" in one for one in proxy.requests[before:])
        afar.run("overlay", "p10.jpg", "--volume", source, "--output", "p10.png")
    assert (afar.folder / "p10.png").stat().st_size > 10_000
    assert "of stores on this machine" in afar.run("status").stdout
    assert "of the cache" in afar.run("prune").stdout
    assert "of stores on this machine" not in afar.run("status").stdout
