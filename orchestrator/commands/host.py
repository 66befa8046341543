"""`broadsheet host`: how often hosts on the web are asked."""

from __future__ import annotations

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.group(short_help="Show and set how often hosts on the web are asked.")
def host() -> None:
    """Show and set how often hosts on the web are asked, by all workers together."""


@host.command("list")
@with_settings()
def list_all(settings: Settings) -> None:
    """List the hosts that are known, with their budgets."""
    from orchestrator.database import open_existing
    from workers.lease.host_budgets import states

    engine = open_existing(settings.database_url)
    with engine.connect() as connection:
        known = states(connection)
    engine.dispose()
    for name, (state, now) in known.items():
        budget = state.budget
        slowed = f", slowed to {state.pace:.0%}" if state.pace < 1 else ""
        held = f", held until {state.held_until:%Y-%m-%d %H:%M:%S} UTC" if state.is_held(now) else ""
        often = f"{budget.requests} requests in {budget.period_seconds:g} s, {budget.in_flight} at once"
        click.echo(f"{name}: {often}{slowed}{held}")


@host.command("set")
@click.argument("name")
@click.option("--requests", type=click.IntRange(1), required=True, help="Most requests in a period.")
@click.option("--seconds", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Length of the period.")
@click.option("--in-flight", type=click.IntRange(1), default=2, show_default=True, help="Most requests at once.")
@with_settings()
def set_one(settings: Settings, name: str, requests: int, seconds: float, in_flight: int) -> None:
    """Ask the host NAME at most so often; a port that is not the usual one belongs to the name."""
    from orchestrator.database import open_existing
    from workers.lease.host_budgets import set_budget
    from workers.sources.politeness import Budget

    engine = open_existing(settings.database_url, read_only=False)
    set_budget(engine, name.lower(), Budget(requests, seconds, in_flight))
    engine.dispose()
    click.echo(f"{name.lower()} is asked {requests} times in {seconds:g} s at most, {in_flight} at once.")


@host.command()
@click.argument("name")
@with_settings()
def reset(settings: Settings, name: str) -> None:
    """Ask the host NAME as often as it publishes, or as any other."""
    from orchestrator.database import open_existing
    from workers.lease.host_budgets import forget_budget
    from workers.sources.politeness import budget_of

    engine = open_existing(settings.database_url, read_only=False)
    forget_budget(engine, name.lower())
    engine.dispose()
    budget = budget_of(name.lower())
    click.echo(f"{name.lower()} is asked {budget.requests} times in {budget.period_seconds:g} s at most again.")
