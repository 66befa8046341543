"""`broadsheet ingest`: the bulk command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from orchestrator.commands.options import ScanPath, json_option, max_failure_rate, store_options, with_settings
from orchestrator.terminal.verbosity import Verbosity, say, verbosity
from orchestrator.terminal.wording import plural
from workers.config import Settings

if TYPE_CHECKING:
    from orchestrator.discovery.discovery import FoundPage, SkippedFile, Volume
    from orchestrator.ingest.options import IngestOptions
    from orchestrator.ingest.run import Outcome
    from orchestrator.metadata.patterns import PathPattern
    from orchestrator.metadata.values import Description
    from workers.parameters import PipelineParameters
    from workers.sources.stores.location import Access


class _IngestCommand(click.Command):
    """Takes `--refresh` alone for `--refresh=changed`; Click would take the path behind it for its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        return super().parse_args(ctx, ["--refresh=changed" if one == "--refresh" else one for one in args])


@click.command(cls=_IngestCommand, short_help="Turn scans into rows; resumes where it stopped.")
@click.argument("paths", nargs=-1, required=True, type=ScanPath(path_type=Path))
@click.option("--processes", type=click.IntRange(1), help="Local worker processes [one for each core].")
@click.option("--parameters", "parameter_file", type=click.Path(path_type=Path), help="JSON file of parameters.")
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="One parameter, e.g. faces.scale_factor=1.2."
)
@click.option(
    "--segmenter",
    type=click.Choice(["fast", "kraken", "baseline"]),
    help="How lines are found, for --set segmentation.segmenter: baseline is kraken's neural one [fast].",
)
@click.option("--zip-encoding", metavar="NAME", help="Of names in ZIPs that tell none, e.g. cp932 [cp437].")
@click.option("--no-wait", is_flag=True, help="Store and return; `broadsheet feed` and a fleet see to the rest.")
@click.option("--interactive", is_flag=True, help="Go before every other ingest that is not interactive.")
@click.option(
    "--volume-per-folder/--one-volume",
    default=None,
    help="Each folder, archive and PDF in PATHS is a volume [where PATH holds folders with pages and no page beside].",
)
@click.option(
    "--volume-name", metavar="NAME", help="Call the volume NAME, also one that there is [as PATH is written]."
)
@click.option("--fields", metavar="PATTERN", help="What paths say: {title}/{date_issued:%Y-%m-%d}/{sequence}.")
@click.option("--metadata", type=click.Path(path_type=Path), help="CSV with a column page and columns of fields.")
@click.option(
    "--refresh",
    type=click.Choice(["changed", "all"]),
    help="Read pages again that have results of older versions: all, or [alone] where a stage's code has changed.",
)
@click.option("--dry-run", is_flag=True, help="List what would be ingested, store nothing.")
@store_options
@json_option
@with_settings(broker=True)
@max_failure_rate
def ingest(
    settings: Settings,
    paths: tuple[Path | str, ...],
    access: Access,
    processes: int | None,
    parameter_file: Path | None,
    changes: tuple[str, ...],
    segmenter: str | None,
    zip_encoding: str | None,
    no_wait: bool,
    interactive: bool,
    volume_per_folder: bool | None,
    volume_name: str | None,
    fields: str | None,
    metadata: Path | None,
    refresh: Literal["changed", "all"] | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Turn directories, images, ZIPs, TARs, PDFs and TIFFs into rows; run it again to go on where it stopped.

    They lie on a disk, in a bucket (s3://BUCKET/PREFIX, gs://, az://) or on a web server (https://HOST/FILE), or are
    named by a list: a CSV or Parquet of keys, or the manifest.json of an S3 Inventory.
    """
    from orchestrator.ingest.options import IngestOptions
    from orchestrator.ingest.parameter_options import read_parameters
    from orchestrator.metadata.patterns import path_pattern
    from orchestrator.metadata.tables import read_table
    from workers.sources.zip_names import check_encoding

    if segmenter is not None:
        changes += (f"segmentation.segmenter={segmenter}",)
    pattern = path_pattern(fields) if fields else None
    if metadata is not None:
        read_table(metadata)  # one that cannot be read is told before anything is started
    parameters = read_parameters(parameter_file, changes)
    if volume_name is not None and (volume_per_folder or len(paths) > 1):
        raise click.UsageError("--volume-name names one volume; give one path, and no --volume-per-folder.")
    encoding = zip_encoding and check_encoding(zip_encoding)
    per_folder = False if volume_name is not None else volume_per_folder
    find_volumes = partial(_volumes, settings, paths, encoding, per_folder, volume_name, access)
    if dry_run:
        return _list(settings, find_volumes(), pattern, as_json)
    options = IngestOptions(processes, not no_wait, interactive, refresh, fields, metadata, volume_name)
    return _ingest(settings, find_volumes, parameters, options, as_json)


def _volumes(
    settings: Settings,
    paths: Sequence[Path | str],
    zip_encoding: str | None,
    per_folder: bool | None,
    name: str | None,
    access: Access,
) -> list[Volume]:
    from orchestrator.database import check_url, own_files
    from orchestrator.discovery.discovery import open_volumes, require_page
    from orchestrator.ingest.volumes_given import Choice
    from workers.sources.escape import escaped
    from workers.sources.limits import Limits

    check_url(settings.database_url)
    own = own_files(settings.database_url)
    paths = Choice(per_folder, settings.database_url).volumes(paths, say)
    volumes = [volume for path in paths for volume in open_volumes(path, own, zip_encoding, access)]
    if name is not None:
        volumes = [replace(volume, source=escaped(name)) for volume in volumes]
    for volume in volumes:
        require_page(volume, Limits(max_pixels=settings.max_pixels), own)
    return volumes


def _list(settings: Settings, volumes: Sequence[Volume], pattern: PathPattern | None, as_json: bool) -> int:
    from orchestrator.database import own_files
    from orchestrator.discovery.discovery import find_pages
    from workers.sources.limits import Limits

    skipped: list[SkippedFile] = []
    notes: list[str] = []
    limits, own = Limits(max_pixels=settings.max_pixels), own_files(settings.database_url)
    show = _ListedAsJson() if as_json else _Listed()
    for volume in volumes:
        show.volume(volume)
        for page in find_pages(volume, limits, skipped=skipped.append, own=own, note=notes.append):
            whose = None if pattern is None else pattern.read(f"{volume.location}/{page.address.name}") or {}
            show.page(page, whose)
    show.end(skipped, notes)
    return 0


class _Listed:
    """Prints what would be ingested as it is found."""

    def __init__(self) -> None:
        self._count = 0

    def volume(self, volume: Volume) -> None:
        click.echo(f"{volume.source} ({volume.kind})")

    def page(self, page: FoundPage, whose: Description | None) -> None:
        told = "" if whose is None else f"  {', '.join(f'{k}={v}' for k, v in whose.items()) or '? not of the pattern'}"
        click.echo(f"  {page.page_number}  {page.address.name}{f'  ! {page.error}' if page.error else ''}{told}")
        self._count += 1

    def end(self, skipped: Sequence[SkippedFile], notes: Sequence[str]) -> None:
        for sentence in notes:
            click.echo(sentence, err=True)
        for file in skipped:
            say(f"passed over: {file.name} ({file.reason})")
        say(f"{plural(self._count, 'page')}, {plural(len(skipped), 'file')} passed over; nothing was stored")


class _ListedAsJson:
    """Prints what would be ingested as one object."""

    def __init__(self) -> None:
        self._volumes: list[dict[str, Any]] = []

    def volume(self, volume: Volume) -> None:
        self._volumes.append({"volume": volume.source, "kind": volume.kind, "pages": []})

    def page(self, page: FoundPage, whose: Description | None) -> None:
        error = {"code": page.error.code, "message": str(page.error)} if page.error else None
        found = {"page": page.address.name, "page_number": page.page_number, "size_bytes": page.size_bytes}
        self._volumes[-1]["pages"].append(found | {"error": error} | ({} if whose is None else {"metadata": whose}))

    def end(self, skipped: Sequence[SkippedFile], notes: Sequence[str]) -> None:
        passed_over = [{"file": file.name, "reason": file.reason} for file in skipped]
        click.echo(json.dumps({"volumes": self._volumes, "skipped": passed_over, "notes": list(notes)}))


def _ingest(
    settings: Settings,
    find_volumes: Callable[[], list[Volume]],
    parameters: PipelineParameters,
    options: IngestOptions,
    as_json: bool,
) -> int:
    began = time.monotonic()
    quiet = as_json or verbosity() == Verbosity.QUIET
    outcome, sources = (_run if options.wait else _store)(settings, find_volumes, parameters, options, quiet)
    seconds = time.monotonic() - began
    from orchestrator.ingest.summary_text import print_failures, print_summary
    from orchestrator.terminal.next_steps import after_ingest, take_up_cancelled

    if as_json:
        click.echo(json.dumps(outcome.to_dict() | {"seconds": round(seconds, 3)}))
    elif quiet:
        print_failures(outcome.summary)
    else:
        print_summary(outcome, seconds)
        say(after_ingest(settings, sources, outcome.summary.unfinished))
    if outcome.summary.cancelled:
        click.echo(take_up_cancelled(settings, sources, outcome.summary.cancelled), err=True)
    return 1 if outcome.summary.quarantined or outcome.summary.cancelled or outcome.stopped else 0


def _run(
    settings: Settings,
    find_volumes: Callable[[], list[Volume]],
    parameters: PipelineParameters,
    options: IngestOptions,
    quiet: bool,
) -> tuple[Outcome, list[str]]:
    from orchestrator.local.services import services

    # First of all: the worker loads its libraries while this process loads its own.
    with services(settings, options.processes) as started:
        volumes = find_volumes()
        from orchestrator.ingest.progress import open_display
        from orchestrator.ingest.run import run_ingest

        with open_display(quiet=quiet) as display:
            outcome = run_ingest(settings, volumes, parameters, options, display, started)
    return outcome, [volume.source for volume in volumes]


def _store(
    settings: Settings,
    find_volumes: Callable[[], list[Volume]],
    parameters: PipelineParameters,
    options: IngestOptions,
    quiet: bool,
) -> tuple[Outcome, list[str]]:
    volumes = find_volumes()
    from orchestrator.ingest.progress import open_display
    from orchestrator.ingest.run import store_only

    with open_display(quiet=quiet) as display:
        outcome = store_only(settings, volumes, parameters, options, display)
    return outcome, [volume.source for volume in volumes]
