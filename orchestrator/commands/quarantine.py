"""`broadsheet quarantine`: the pages that failed for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import code_option, json_option, page_option, volume_option, with_settings
from orchestrator.terminal.verbosity import say
from orchestrator.terminal.wording import plural
from workers.config import Settings

if TYPE_CHECKING:
    from orchestrator.page_runs.quarantine import PageRunReport

_NEXT = "; broadsheet quarantine show NUMBER tells more, broadsheet retry NUMBER tries one again"


@click.group(short_help="Look at pages that failed for good; pack one for a bug report.")
def quarantine() -> None:
    """Look at pages that failed for good, pack one up for a bug report; `broadsheet retry` tries them again."""


@quarantine.command("list")
@volume_option
@page_option
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@with_settings()
def list_pages(
    settings: Settings, volumes: tuple[str, ...], pages: tuple[str, ...], code: str | None, as_json: bool
) -> None:
    """List the quarantined pages with their reasons; the number in front is what `show`, `export` and `retry` take."""
    from dataclasses import asdict

    from orchestrator.database import open_existing
    from orchestrator.page_runs.quarantine import list_quarantined
    from orchestrator.results.selection import Selection, resolve

    engine = open_existing(settings.database_url)
    found = list_quarantined(engine, resolve(engine, Selection(volumes, pages, code=code)))
    if as_json:
        click.echo(json.dumps([asdict(page) for page in found]))
        return
    for page in found:
        click.echo(f"{page.page_run}  {page.volume}  {page.page}  {page.code}: {page.message}")
    say(f"{plural(len(found), 'page')} quarantined{_NEXT if found else ''}")


@quarantine.command()
@click.argument("page_run", type=int)
@json_option
@with_settings()
def show(settings: Settings, page_run: int, as_json: bool) -> None:
    """Show what is known of page run PAGE_RUN: each attempt, its stage, signal, memory, traceback, last log lines."""
    from orchestrator.database import open_existing
    from orchestrator.page_runs.quarantine import read_report

    case = read_report(open_existing(settings.database_url), page_run)
    if as_json:
        click.echo(json.dumps(case.to_dict()))
    else:
        _print(case)


def _print(case: PageRunReport) -> None:
    run = case.page_run
    click.echo(f"{run['volume']}  {run['page']}  {run['state']}")
    if run["error_code"]:
        click.echo(f"{run['error_code']}: {run['error_message']}")
    for attempt in case.attempts:
        known = {
            "on": attempt["worker"],
            "stage": attempt["stage"],
            "signal": attempt["signal"],
            "peak memory": attempt["peak_rss_kib"] and f"{attempt['peak_rss_kib'] // 1024} MiB",
            "error": attempt["error_code"] and f"{attempt['error_code']}: {attempt['error_message']}",
        }
        click.echo(f"\nAttempt {attempt['attempt_number']}, {attempt['started_at']:%Y-%m-%d %H:%M:%S} UTC: ", nl=False)
        click.echo(attempt["outcome"] or "running")
        for name, value in known.items():
            if value is not None:
                click.echo(f"  {name}: {value}")
        for name in ("log", "traceback"):
            for line in (attempt[name] or "").splitlines():
                click.echo(f"  {name}| {line}")


@quarantine.command()
@click.argument("page_run", type=int)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="[page-run-NUMBER.zip here]")
@json_option
@with_settings()
def export(settings: Settings, page_run: int, output: Path | None, as_json: bool) -> None:
    """Pack the original of PAGE_RUN, parameters, versions, attempts and tracebacks into one ZIP for a bug report."""
    from orchestrator.database import open_existing
    from orchestrator.page_runs.quarantine import export_case, read_report
    from orchestrator.terminal.files import refuse_other_endings
    from workers.sources.limits import Limits

    case = read_report(open_existing(settings.database_url), page_run)
    path = output or Path(f"page-run-{page_run}.zip")
    refuse_other_endings(path, (".zip",), "A case is packed")
    missing = export_case(case, path, Limits(max_pixels=settings.max_pixels))
    if as_json:
        click.echo(json.dumps({"output": str(path), "original_missing": missing}))
        return
    click.echo(f"{path} is written" + (f", without the original: {missing}" if missing else "."))
