"""Folders and files of any name are ingested, and every page is exported in every format."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import duckdb
import pytest
from lxml import etree
from PIL import Image
from sqlalchemy import Engine, select, update

import models
from orchestrator.discovery.discovery import find_pages, open_volume
from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export
from orchestrator.ingest.rows import Target, store_pages, store_pipeline, store_volume
from orchestrator.overlay.files import write_overlays
from orchestrator.results.pages import read_pages
from orchestrator.results.selection import Selection
from tests.archive import HEIGHT, WIDTH, page, store
from workers.layout import BoundingBox
from workers.parameters import PipelineParameters
from workers.sources.escape import escaped

NAMES = (
    b"M\xe4rz 1898.png", b"bell\x07.png", b"two\nlines.png", b"esc\x1b[2J.png", b"a:1.png", b"\\p1.png",
    b"q?*|<\">.png",
    "दैनिक समाचार पत्रिका पृष्ठ संख्या तीन रविवार संस्करण दिल्ली.png".encode(), b"Jahrgang " * 27 + b".png",
    "März.png".encode(), "Ma\u0308rz.png".encode(), b"cover.png", b"COVER.PNG", b"sub \xff/\xfe.png",
)  # fmt: skip


@pytest.fixture
def odd(sqlite_engine: Engine, tmp_path: Path) -> Engine:
    """A folder whose own name is no UTF-8, with a page of each name, as if a worker had finished them."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Jahrgang M\xe4rz\x02"))
    for number, name in enumerate(NAMES):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (WIDTH, HEIGHT), 255 - number).save(path, "PNG")
    volume = open_volume(folder)
    volume_id = store_volume(sqlite_engine, volume.source, escaped(str(volume.location)), volume.kind)
    pipeline_id = store_pipeline(sqlite_engine, PipelineParameters(), {})
    store_pages(sqlite_engine, Target(volume_id, pipeline_id, 0), find_pages(volume), lambda _: None)
    with sqlite_engine.begin() as connection:
        connection.execute(update(models.PageRun).values(state="queued"))
        runs = connection.scalars(select(models.PageRun.page_run_id)).all()
    for run in runs:
        store(sqlite_engine, run, page(3, [BoundingBox(600, 300, 700, 420)]))
    return sqlite_engine


FILES = {"alto": 1, "page": 1, "hocr": 1, "iiif": 2, "yolo": 2, "crops": 1}


@pytest.mark.parametrize("form", FILES)
def test_every_page_is_exported(odd: Engine, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    assert run_export(odd, form, out, Selection(), ExportOptions(with_images=True), 10**9) == 0
    written = [path for path in out.rglob("*") if path.is_file() and path.name not in ("_export.json", "dataset.yaml")]
    assert len(written) == FILES[form] * len(NAMES)
    assert len({os.fsdecode(path).casefold() for path in written}) == len(written)
    if form in ("alto", "page", "hocr"):
        assert all(etree.parse(path) is not None for path in written)


def test_tables_hold_every_page(odd: Engine, tmp_path: Path) -> None:
    for form, name in (("coco", "a.json"), ("csv", "a.csv"), ("parquet", "a"), ("contact-sheet", "sheets")):
        assert run_export(odd, form, tmp_path / name, Selection(), ExportOptions(), 10**9) == 0
    names = {found.page for found in read_pages(odd, Selection())}
    assert len(names) == len(NAMES)
    assert {row["page"] for row in csv.DictReader((tmp_path / "a.csv").read_text().splitlines())} == names
    assert len(json.loads((tmp_path / "a.json").read_text())["images"]) == len(NAMES)
    boxes = duckdb.sql(f"SELECT DISTINCT page FROM read_parquet('{tmp_path}/a/*/*.parquet')").fetchall()
    assert {row[0] for row in boxes} == names


def test_every_page_is_drawn(odd: Engine, tmp_path: Path) -> None:
    assert write_overlays(odd, Selection(), tmp_path / "drawn", None, 300, 10**9) == 0
    assert len(list((tmp_path / "drawn").rglob("*.png"))) == len(NAMES)
