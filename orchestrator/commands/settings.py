"""`broadsheet settings`: every setting, what it means and what is in force here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import click

from orchestrator.commands.options import with_settings
from workers.config import PREFIX, Settings
from workers.telemetry.secrets import masked


@click.command(short_help="Show every BROADSHEET_* setting.")
@click.option("--markdown", is_flag=True, help="Print Markdown, as in docs/settings.md.")
@with_settings(broker=True)
def settings(settings: Settings, markdown: bool) -> None:
    """Show every setting of the environment: its name, what is in force here, and what it means."""
    if markdown:
        click.echo(as_markdown())
        return
    for item in fields(Settings):
        value = masked(str(getattr(settings, item.name))) or "-"
        unit = item.metadata["unit"]
        click.echo(f"{PREFIX}{item.name.upper()}  {value}{f' {unit}' if unit else ''}")
        click.echo(f"    {item.metadata['meaning']}")


def as_markdown() -> str:
    """Return the page `docs/settings.md`."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from (
        "# Settings",
        "",
        "Written by `broadsheet settings --markdown` from the definitions themselves; a test holds it.",
        "`broadsheet settings` shows what is in force. Settings are variables of the environment; an option of a",
        "command goes before them. A variable that begins with `BROADSHEET_` and is none of these is warned about.",
        "",
        "| variable | default | unit | what it means |",
        "|---|---|---|---|",
    )
    for item in fields(Settings):
        default = "" if item.default == "" else f"{item.default:_}" if isinstance(item.default, int) else item.default
        unit, meaning = item.metadata["unit"], item.metadata["meaning"]
        yield f"| `{PREFIX}{item.name.upper()}` | {default} | {unit} | {meaning} |"
