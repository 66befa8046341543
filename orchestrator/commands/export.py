"""`broadsheet export`: boxes for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import page_option, pipeline_option, volume_option, with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from orchestrator.export.options import What

FORMATS = ["alto", "page", "hocr", "iiif", "yolo", "coco", "csv", "parquet", "crops", "contact-sheet", "truth"]

_MARGIN = "crops, contact-sheet: so much more on each side, of the box's shorter side [0]."


@click.command(short_help="Write the results in the formats of other tools.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS, case_sensitive=False), required=True, help="What to write."
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A folder; a file for coco and csv.")
@volume_option
@page_option
@pipeline_option("Results of this pipeline [the newest of each page].")
@click.option(
    "--what", type=click.Choice(["faces", "lines", "pictures"]), default="faces", help="What crops and sheets show."
)
@click.option(
    "--canvas", metavar="TEMPLATE", help="iiif: a canvas's address with {volume} {page} {page_number} {sha256}."
)
@click.option("--where", metavar="SQL", help='Only pages for which this holds, of columns of page_status: "faces > 2".')
@click.option("--margin", type=click.IntRange(0, 500), default=0, metavar="PERCENT", help=_MARGIN)
@click.option("--manifest", is_flag=True, help="iiif: write a manifest a volume too; needs --base-url.")
@click.option("--base-url", metavar="URL", help="iiif: where the folder will be on the web.")
@click.option(
    "--image-service", metavar="TEMPLATE", help="iiif: a page's image service, with the fields of --canvas; else JPEGs."
)
@click.option("--with-images", is_flag=True, help="iiif, yolo, coco: write the upright scans too, as JPEG.")
@with_settings()
def export(
    settings: Settings,
    form: str,
    output: Path,
    volumes: tuple[str, ...],
    pages: tuple[str, ...],
    pipeline: str | None,
    what: What,
    where: str | None,
    margin: int,
    canvas: str | None,
    manifest: bool,
    base_url: str | None,
    image_service: str | None,
    with_images: bool,
) -> int:
    """Write the results in the formats of other tools.

    \b
    alto, page, hocr   one XML file a page: ALTO 4.4, PAGE XML 2019-07-15, hOCR 1.2
    iiif, yolo         one W3C annotation page, one label file a page; iiif --manifest: for viewers
    coco, csv          one file with every box
    parquet            one file a volume, in folders volume=NAME
    crops              faces, lines or pictures as PNG; contact-sheet: many on a sheet, with captions
    truth              pages that reviewers found right: truth.json for evaluate, PAGE XML for training

    A folder that an interrupted export left is completed; files appear whole or not at all.
    """
    from orchestrator.database import open_existing
    from orchestrator.export.options import ExportOptions
    from orchestrator.export.run import run_export
    from orchestrator.results.selection import Selection, resolve

    _refuse_other_endings(form, output)
    options = ExportOptions(
        what=what, canvas=canvas, with_images=with_images, manifest=manifest,
        base_url=base_url, image_service=image_service, margin=margin, where=where,
    )  # fmt: skip
    engine = open_existing(settings.database_url)
    selection = resolve(engine, Selection(volumes, pages, pipeline))
    return run_export(engine, form, output, selection, options, settings.max_pixels)


def _refuse_other_endings(form: str, output: Path) -> None:
    from orchestrator.terminal.files import refuse_file_name, refuse_other_endings

    if form in ("csv", "coco"):
        refuse_other_endings(output, (".csv",) if form == "csv" else (".json",), f"{form} is written")
    else:
        refuse_file_name(output, form)
