"""`broadsheet report`: how a run went, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import pipeline_option, volume_option, with_settings
from orchestrator.terminal.verbosity import say
from workers.config import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from orchestrator.report.figures import Figures


@click.command(short_help="Tell how a run went, as text or as one HTML file.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A .html or .txt file.")
@click.option(
    "--site", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write volumes and pages too, as files that a browser opens without a server.",
)  # fmt: skip
@volume_option
@pipeline_option("Only results of this pipeline.")
@click.option(
    "--thumbnails",
    type=click.IntRange(0),
    default=24,
    show_default=True,
    help="Pictures of suspect pages and of faces.",
)
@with_settings()
def report(
    settings: Settings,
    output: Path | None,
    site: Path | None,
    volumes: tuple[str, ...],
    pipeline: str | None,
    thumbnails: int,
) -> int:
    """Tell how a run went: pages, failures, throughput, timings, memory, suspects; as text, or as one HTML file.

    An HTML file shows suspect pages and faces, which lead to pictures of their pages in a folder beside it.

    With --site a folder to hand out: open its index.html. The same command into the same folder completes it and brings
    it up to date.
    """
    if site is not None:
        return _site(settings, site, output, volumes, pipeline)
    from orchestrator.database import open_existing
    from orchestrator.report.figures import read_figures
    from orchestrator.report.text import render_text
    from orchestrator.results.selection import Selection, resolve
    from orchestrator.terminal.files import refuse_existing, refuse_other_endings, writing

    as_html = output is not None and output.suffix.lower() in (".html", ".htm")
    if output is not None:
        refuse_existing(output)
        refuse_other_endings(output, (".html", ".htm", ".txt"), "A report is written")
    engine = open_existing(settings.database_url)
    figures = read_figures(engine, resolve(engine, Selection(volumes, pipeline=pipeline)))
    if output is None:
        click.echo(render_text(figures), nl=False)
        return 0
    failed: list[str] = []
    if as_html:
        content = _html(engine, figures, output, thumbnails, settings.max_pixels, failed.append)
    else:
        content = render_text(figures)
    with writing(output) as out:
        out.write(content)
    for sentence in failed:
        click.echo(sentence, err=True)
    say(f"{output} written{', without pictures of these' if failed else ''}")
    return 1 if failed else 0


def _html(
    engine: Engine, figures: Figures, output: Path, count: int, max_pixels: int, tell: Callable[[str], object]
) -> str:
    from orchestrator.report.html import render_html
    from orchestrator.report.pictures import draw_pictures, surest_faces

    suspects, faces = figures.suspects[:count], surest_faces(engine, figures.scope, count)
    folder = output.with_name(f"{output.stem}_pages")
    made = draw_pictures(engine, suspects, faces, folder, max_pixels, tell)
    shown = [
        (picture, f"{face.page}, {face.confidence:.2f}", made.larger[face.page_run_id])
        for face in faces
        if (picture := made.faces.get((face.page_run_id, face.number)))
    ]
    return render_html(figures, [(one, made.pages.get(one.page_run_id)) for one in suspects], made.larger.get, shown)


def _site(settings: Settings, folder: Path, output: Path | None, volumes: tuple[str, ...], pipeline: str | None) -> int:
    if output is not None or pipeline is not None:
        raise click.UsageError("--site goes without --output and --pipeline: it holds the report of what is current.")
    from orchestrator.database import open_existing
    from orchestrator.report.site.build import write_site
    from orchestrator.results.selection import Selection, resolve
    from orchestrator.terminal.wording import plural

    engine = open_existing(settings.database_url)
    written = write_site(engine, folder, resolve(engine, Selection(volumes)), settings.max_pixels)
    failed = f"; the scans of {plural(written.failed, 'page')} could not be read" if written.failed else ""
    say(f"{plural(written.files, 'page')} in {folder / 'index.html'}{failed}")
    return 1 if written.failed else 0
