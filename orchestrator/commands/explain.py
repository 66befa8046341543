"""`broadsheet explain`: why a page took long or looks odd."""

from __future__ import annotations

import json

import click

from orchestrator.commands.options import pipeline_option, volume_option, with_settings
from workers.config import Settings


@click.command(short_help="Say why a page took so long or looks odd.")
@click.argument("page")
@volume_option
@pipeline_option("Only the run under this pipeline.")
@click.option("--steps", is_flag=True, help="Read the page again and tell what each step did to its lines.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@with_settings()
def explain(
    settings: Settings, page: str, volumes: tuple[str, ...], pipeline: str | None, steps: bool, as_json: bool
) -> None:
    """Explain PAGE: each stage's time, memory and counts beside what is usual in its volume, in words.

    With --steps: which step of finding text lines dropped, joined or cut how many; broadsheet overlay --dropped
    draws them.
    """
    from orchestrator.database import open_existing
    from orchestrator.results.selection import Selection, resolve

    engine = open_existing(settings.database_url)
    selection = resolve(engine, Selection(volumes, (page,), pipeline))
    if steps:
        from orchestrator.report.line_steps import explain_line_steps, render_line_steps

        traced = explain_line_steps(engine, selection, settings.max_pixels)
        told = [(one.to_dict(), render_line_steps(one)) for one in traced]
    else:
        from orchestrator.report.explain import explain_pages, render_explanation

        told = [(one.to_dict(), render_explanation(one)) for one in explain_pages(engine, selection)]
    if as_json:
        click.echo(json.dumps([values for values, _ in told]))
    else:
        click.echo("\n".join(text for _, text in told), nl=False)
