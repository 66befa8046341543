"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Engine

from orchestrator.export.folder import Written, going_on
from orchestrator.ingest.parameter_options import as_changes
from orchestrator.overlay.drawing import marked_scan
from orchestrator.report import charts
from orchestrator.report.figures import Figures, Suspect
from orchestrator.report.text import page_totals, second_reader_sentences
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from orchestrator.terminal.wording import about, ms_in_words

Thumbnails = Sequence[tuple[Suspect, str | None]]
Faces = Sequence[tuple[str, str, str]]


def no_link(page_run_id: int) -> str | None:
    """Return where a page is shown larger: nowhere."""
    return None


def render_html(
    figures: Figures, thumbnails: Thumbnails, link: Callable[[int], str | None] = no_link, faces: Faces = ()
) -> str:
    """Return the report.

    Args:
        figures: what it tells.
        thumbnails: suspects with the address of a picture, None where the scan cannot be read.
        link: gives by its page run where a page is shown larger.
        faces: of some faces the address of a picture, what it is called, and where its page is shown.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    safe: Callable[[str], Markup] = Markup
    return environment.get_template("report.html.j2").render(
        f=figures,
        pages=page_totals(figures),
        second_reader=list(second_reader_sentences(figures)),
        thumbnails=thumbnails,
        link=link,
        shown_faces=faces,
        throughput=safe(charts.throughput_chart(figures.throughput)) if figures.throughput else None,
        lines=safe(charts.histogram_chart(figures.lines, "text lines of a page")),
        columns=safe(charts.histogram_chart(figures.columns, "columns of a page")),
        faces=safe(charts.histogram_chart(figures.faces, "faces of a page")),
        sparkline=lambda histogram: safe(charts.sparkline(histogram)),
        duration=ms_in_words,
        about=about,
        software=lambda versions: [f"{name} {number}" for name, number in json.loads(versions).items()],
        changes=as_changes,
    )


def thumbnails(
    engine: Engine, suspects: Sequence[Suspect], width: int, max_pixels: int, tell: Callable[[str], object] = str
) -> list[tuple[Suspect, str | None]]:
    """Return small pictures of suspects with what was found on them, as data: addresses.

    `tell` is told of those that cannot be drawn.
    """
    runs = tuple(suspect.page_run_id for suspect in suspects)
    pages = {page.page_run_id: page for page in read_pages(engine, Selection(page_runs=runs))} if runs else {}
    return [(one, _thumbnail(pages.get(one.page_run_id), width, max_pixels, tell)) for one in suspects]


def _thumbnail(page: ArchivedPage | None, width: int, max_pixels: int, tell: Callable[[str], object]) -> str | None:
    if page is None:  # a page run whose page has newer results
        return None
    out = io.BytesIO()
    with going_on(page.page, Written(), tell):
        picture = marked_scan(page.layout, open_scan(page, max_pixels), 900)
        picture.thumbnail((width, 3 * width), reducing_gap=2.0)
        picture.save(out, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}" if out.getvalue() else None
