"""`broadsheet overlay`: pictures of pages with what was found on them."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import pipeline_option, volume_option, with_settings
from workers.config import Settings


@click.command(short_help="Draw scans with their lines, separators and faces.")
@click.argument("pages", nargs=-1, metavar="[PAGE]...")
@click.option("--suspects", is_flag=True, help="All pages that suspect_pages lists.")
@volume_option
@click.option("--faces", is_flag=True, help="Contact sheets of all faces instead, with the names of their pages.")
@click.option("--dropped", is_flag=True, help="Instead, what each step of finding lines threw away.")
@click.option("--output", type=click.Path(path_type=Path), help="A file for one page, a folder or a PDF for more.")
@click.option("--format", "form", type=click.Choice(["png", "jpeg", "pdf", "svg"]), help="[by the name of the output]")
@click.option("--width", type=click.IntRange(200, 20_000), default=1800, show_default=True, help="Pixels of a picture.")
@pipeline_option("Results of this pipeline [the newest of each page].")
@with_settings()
def overlay(
    settings: Settings,
    pages: tuple[str, ...],
    suspects: bool,
    volumes: tuple[str, ...],
    faces: bool,
    dropped: bool,
    output: Path | None,
    form: str | None,
    width: int,
    pipeline: str | None,
) -> int:
    """Draw scans with their lines numbered in reading order, separators and faces.

    \b
    broadsheet overlay p0003.tif --output p0003.png
    broadsheet overlay --suspects --output suspects.pdf
    broadsheet overlay --volume scans/ --faces --output faces/
    broadsheet overlay p0003.tif --dropped --output dropped.png
    """
    from orchestrator.database import open_existing
    from orchestrator.overlay import files as overlay_files
    from orchestrator.overlay.drawing import overlay_image
    from orchestrator.overlay.dropped import dropped_image
    from orchestrator.results.selection import Selection, resolve

    if not (pages or suspects or volumes or faces):
        raise click.UsageError("Name pages, or give --suspects or --volume.")
    target = output or default_output(pages)
    engine = open_existing(settings.database_url)
    selection = resolve(engine, Selection(volumes, pages, pipeline))
    if suspects:
        selection = overlay_files.suspects(engine, selection)
    if faces:
        return overlay_files.write_face_sheets(engine, selection, target, form, settings.max_pixels)
    draw = dropped_image if dropped else overlay_image
    return overlay_files.write_overlays(engine, selection, target, form, width, settings.max_pixels, draw)


def default_output(pages: tuple[str, ...]) -> Path:
    """Return a picture beside us for one page, a folder for more."""
    from orchestrator.export.naming import page_path
    from workers.sources.escape import typed

    if len(pages) != 1 or set(pages[0]) & set("*?["):
        return Path("overlays")
    return Path(page_path("", typed(pages[0]), ".overlay.png").name)
