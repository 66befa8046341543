"""`broadsheet web`: the archive in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import with_settings
from orchestrator.terminal.verbosity import say
from workers.config import Settings
from workers.errors import UnreadableInput

LOCAL = ("127.0.0.1", "::1", "localhost")


@click.command(short_help="Show the archive in a browser.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Folder of thumbnails and tiles [~/.cache/broadsheet].",
)  # fmt: skip
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="ORIGIN",
    help="Let viewers on this site have pictures and IIIF manifests: https://HOST, or * for all; repeatable.",
)  # fmt: skip
@with_settings()
def web(settings: Settings, host: str, port: int, cache: Path | None, origins: tuple[str, ...]) -> None:
    """Show the archive in a browser, while workers write: volumes, pages with what was found on them, and why.

    \b
    broadsheet web                       then open http://127.0.0.1:8765
    broadsheet web --database sqlite:///demo/broadsheet.db --port 9000
    """
    try:
        from orchestrator.web import serving
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("orchestrator", "workers", "models"):
            raise
        raise UnreadableInput(
            f"broadsheet web needs {error.name}, which is not installed: pip install 'broadsheet[web]'"
        ) from error
    if host not in LOCAL:
        say(f"{host} can be reached by other machines: whoever reaches it sees this archive.")
    serving.serve(settings, host, port, cache, origins)
