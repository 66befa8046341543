"""`broadsheet explain`: why a page took long or looks odd."""

from __future__ import annotations

import json

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.command(short_help="Say why a page took so long or looks odd.")
@click.argument("page")
@click.option("--volume", metavar="NAME", help="The volume, where several hold a page of this name.")
@click.option("--pipeline", metavar="FINGERPRINT", help="Only the run under this pipeline.")
@click.option("--steps", is_flag=True, help="Read the page again and tell what each step did to its lines.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@with_settings()
def explain(
    settings: Settings, page: str, volume: str | None, pipeline: str | None, steps: bool, as_json: bool
) -> None:
    """Explain PAGE: each stage's time, memory and counts beside what is usual in its volume, in words.

    With --steps: which step of finding text lines dropped, joined or cut how many; broadsheet overlay --dropped
    draws them.
    """
    from orchestrator.database import open_existing

    engine = open_existing(settings.database_url)
    if steps:
        from orchestrator.report.line_steps import explain_line_steps, render_line_steps
        from orchestrator.results.pages import Selection

        selection = Selection((volume,) if volume else (), (page,), pipeline)
        traced = explain_line_steps(engine, selection, settings.max_pixels)
        told = [(one.to_dict(), render_line_steps(one)) for one in traced]
    else:
        from orchestrator.report.explain import explain_page, render_explanation

        found = explain_page(engine, page, volume, pipeline)
        told = [(one.to_dict(), render_explanation(one)) for one in found]
    if as_json:
        click.echo(json.dumps([values for values, _ in told]))
    else:
        click.echo("\n".join(text for _, text in told), nl=False)
