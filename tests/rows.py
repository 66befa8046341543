"""Rows that tests start from."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select

from models import Page, PageRun, Pipeline, Volume


def add_page_runs(engine: Engine, count: int, state: str = "queued", source: str = "scans") -> list[int]:
    """Store a volume of `count` pages with a page run each, and return the numbers of the page runs."""
    with engine.begin() as connection:
        volume = {"source": source, "location": f"/archive/{source}", "kind": "directory"}
        volume_id = connection.execute(insert(Volume).returning(Volume.volume_id), volume).scalar_one()
        pipeline = {"fingerprint": f"{volume_id:016x}", "parameters": "{}", "versions": "{}"}
        pipeline_id = connection.execute(insert(Pipeline).returning(Pipeline.pipeline_id), pipeline).scalar_one()
        pages = [_page(volume_id, number) for number in range(1, count + 1)]
        connection.execute(insert(Page), pages)
        page_ids = connection.scalars(
            select(Page.page_id).where(Page.volume_id == volume_id).order_by(Page.page_number)
        ).all()
        runs = [{"page_id": page_id, "pipeline_id": pipeline_id, "state": state} for page_id in page_ids]
        connection.execute(insert(PageRun), runs)
        return list(
            connection.scalars(
                select(PageRun.page_run_id).where(PageRun.page_id.in_(page_ids)).order_by(PageRun.page_run_id)
            )
        )


def _page(volume_id: int, number: int) -> dict[str, object]:
    return {
        "volume_id": volume_id,
        "page_number": number,
        "name": f"p{number:04}.tif",
        "address": '{"members":["p.tif"],"frame":null}',
        "sha256": f"{number:064x}",
        "size_bytes": 1,
        "modified_ns": 0,
    }
