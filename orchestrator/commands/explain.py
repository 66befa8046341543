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
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@with_settings()
def explain(settings: Settings, page: str, volume: str | None, pipeline: str | None, as_json: bool) -> None:
    """Explain PAGE: each stage's time, memory and counts beside what is usual in its volume, in words."""
    from orchestrator.database import open_existing
    from orchestrator.report.explain import explain_page, render_explanation

    found = explain_page(open_existing(settings.database_url), page, volume, pipeline)
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in found]))
    else:
        click.echo("\n".join(render_explanation(one) for one in found), nl=False)
