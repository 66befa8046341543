"""The report as one HTML file; only what it links to lies beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.ingest.parameter_options import as_changes
from orchestrator.report import charts
from orchestrator.report.figures import Figures, Suspect
from orchestrator.report.text import page_totals, second_reader_sentences
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
