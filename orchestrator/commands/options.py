"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from orchestrator.terminal.verbosity import say, verbosity_options
from workers.config import Settings, unknown_settings
from workers.sources.stores.location import Access, is_url, lacks_a_slash, no_url


class ScanPath(click.Path):
    """A path of scans, or the URL of a store or web server, which stays as it was written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, or a URL as text."""
        scheme, address, _ = str(value).partition("://")
        if is_url(str(value)):
            return str(value)
        if address and scheme.isalnum():
            self.fail(f"{value} is an address, and {scheme}:// is not read; copy the files here first.", param, ctx)
        if lacks_a_slash(str(value)) and not os.path.lexists(value):
            self.fail(no_url(str(value)), param, ctx)
        if value == "-":
            self.fail("standard input is not read; give paths, or let xargs give them.", param, ctx)
        return super().convert(value, param, ctx)


def store_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which a store is reached; they come as one `access`."""

    @functools.wraps(function)
    def run(
        *args: Any, endpoint: str, path_style: bool, anonymous: bool, requester_pays: bool, allow_host: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        return function(*args, access=Access(endpoint, path_style, anonymous, requester_pays, allow_host), **kwargs)

    for option in reversed(_STORE_OPTIONS):
        run = option(run)
    return run


_STORE_OPTIONS = (
    click.option("--endpoint", metavar="URL", default="", help="Where buckets are, if not at Amazon, Google, Azure."),
    click.option("--path-style", is_flag=True, help="Name a bucket in the path; of an endpoint always."),
    click.option("--anonymous", is_flag=True, help="Ask for buckets that are open to everybody, without credentials."),
    click.option("--requester-pays", is_flag=True, help="Pay for what a bucket charges who reads it."),
    click.option(
        "--allow-host", multiple=True, metavar="HOST",
        help="A host that may have a private or loopback address; repeatable.",
    ),
)  # fmt: skip


volume_option = click.option(
    "--volume", "volumes", multiple=True, metavar="NAME",
    help="Only this volume: as it was given to ingest, its path, or a pattern; repeatable.",
)  # fmt: skip
page_option = click.option(
    "--page", "pages", multiple=True, metavar="NAME", help="Only this page, or a pattern of names; repeatable."
)
code_option = click.option("--code", metavar="CODE", help="Only pages that failed with this error code.")
log_level_option = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="[info; warning with -q, debug with -v]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")


def pipeline_option(meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command `--pipeline`, a fingerprint or its beginning."""
    return click.option("--pipeline", metavar="FINGERPRINT", help=meaning)


def max_failure_rate(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that feeds `--max-failure-rate`; it goes into the settings. Stands below `with_settings`."""

    @functools.wraps(function)
    def run(*args: Any, max_failure_rate: int | None, settings: Settings, **kwargs: Any) -> Any:
        if max_failure_rate is not None:
            settings = replace(settings, max_failure_rate=max_failure_rate)
        return function(*args, settings=settings, **kwargs)

    return click.option(
        "--max-failure-rate",
        type=click.IntRange(0, 100),
        metavar="PERCENT",
        help="Stop feeding when clearly more pages than this fail, after the first 100 [10].",
    )(run)


def with_settings(broker: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command `--database` (and `--broker`), `--debug`, `-q`, `-v`, and pass it the resulting `settings`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, database: str | None, broker_url: str | None = None, **kwargs: Any) -> Any:
            settings = Settings.from_env().with_urls(_url(database), broker_url)
            for sentence in unknown_settings():
                say(sentence)
            return function(*args, settings=settings, **kwargs)

        run = click.option(
            "--database",
            metavar="URL",
            help="sqlite:///FILE or postgresql://USER@HOST/NAME [$BROADSHEET_DATABASE_URL; broadsheet.db here].",
        )(run)
        if broker:
            run = click.option(
                "--broker",
                "broker_url",
                metavar="URL",
                help="redis://HOST [$BROADSHEET_BROKER_URL; one of our own for the time of the command].",
            )(run)
        run = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors.")(run)
        return verbosity_options(run)

    return decorate


def _url(database: str | None) -> str | None:
    """Accept a plain file name where a database URL is meant: nobody remembers the slashes."""
    if database is None or "://" in database:
        return database
    from pathlib import Path

    return f"sqlite:///{Path(database).absolute()}"
