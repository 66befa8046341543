"""What a IIIF manifest says of pages: their size, and whose pages they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from models import Page, PageDescription, PageRun, Volume
from orchestrator.results.pages import page_run_ids
from orchestrator.results.selection import Selection

_DESCRIBED = [column for column in PageDescription.__table__.columns if column.name != "page_id"]


def canvas_rows(engine: Engine, selection: Selection) -> list[dict[str, Any]]:
    """Return a row for each selected page, in the order of their volumes.

    Its columns are named as in `page_status` and `page_metadata`: volume, page, page_number, page_id, sha256, width,
    height (pixels of the upright scan), title, date_issued, ...; those of pages that nobody described are None.
    """
    columns = (
        Volume.source.label("volume"), Page.name.label("page"), Page.page_number, Page.page_id, Page.sha256,
        PageRun.width, PageRun.height, *_DESCRIBED,
    )  # fmt: skip
    statement = (
        select(*columns)
        .select_from(PageRun)
        .join(Page, Page.page_id == PageRun.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
        .outerjoin(PageDescription, PageDescription.page_id == Page.page_id)
        .where(PageRun.page_run_id.in_(page_run_ids(selection)))
        .order_by(Volume.volume_id, Page.page_number, Page.page_id)
    )
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]
