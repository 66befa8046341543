"""`broadsheet feed`: keep a fleet busy."""

from __future__ import annotations

import click

from orchestrator.commands.options import log_level_option, max_failure_rate, with_settings
from orchestrator.terminal.verbosity import verbosity
from workers.config import Settings


@click.command(short_help="Feed what was ingested to the workers, until stopped.")
@log_level_option
@with_settings(broker=True)
@max_failure_rate
def feed(settings: Settings, log_level: str | None) -> None:
    """Feed what was ingested to the workers, until stopped. Only one feeder is active; others wait and take over."""
    from orchestrator.database import open_existing
    from orchestrator.feeder import metrics
    from orchestrator.feeder.service import feed_until_stopped
    from workers.errors import UnreadableInput
    from workers.telemetry import logs

    if not settings.broker_url:
        raise UnreadableInput("A feeder needs the address of a broker: --broker redis://HOST or BROADSHEET_BROKER_URL.")
    logs.configure(settings.log_format, log_level or verbosity().log_level)
    if settings.metrics_address:
        metrics.serve(open_existing(settings.database_url), settings)
    feed_until_stopped(settings)
