"""`broadsheet web`: the archive in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings
from workers.errors import UnreadableInput


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
@click.option(
    "--auth", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Ask for passwords: a file as htpasswd -B writes it, with :reader, :reviewer or :operator behind.",
)  # fmt: skip
@click.option("--trusted-header", metavar="NAME", help="Header in which a proxy says who is there.")
@click.option(
    "--trusted-proxy", "proxies", multiple=True, metavar="ADDRESS", help="Address or network of the proxy; repeatable."
)
@click.option(
    "--host-name", "names", multiple=True, metavar="NAME", help="Name by which browsers reach it; repeatable."
)
@click.option(
    "--capture-folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Let reviewers take pages with a camera; they become a volume in this folder.",
)  # fmt: skip
@with_settings(broker=True)
def web(
    settings: Settings,
    host: str,
    port: int,
    cache: Path | None,
    auth: Path | None,
    trusted_header: str | None,
    proxies: tuple[str, ...],
    names: tuple[str, ...],
    origins: tuple[str, ...],
    capture_folder: Path | None,
) -> None:
    """Show the archive in a browser, while workers write: volumes, pages with what was found on them, and why.

    \b
    broadsheet web                       then open http://127.0.0.1:8765
    broadsheet web --database sqlite:///demo/broadsheet.db --port 9000
    broadsheet web --capture-folder reading-room/
    broadsheet web --host 0.0.0.0 --auth passwords --host-name archive.example.org
    """
    try:
        from orchestrator.web import serving
        from orchestrator.web.access import entrance
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("orchestrator", "workers", "models"):
            raise
        raise UnreadableInput(
            f"broadsheet web needs {package}, which is not installed: pip install 'broadsheet[web]'"
        ) from error
    if trusted_header and not proxies:
        raise click.UsageError("--trusted-header needs --trusted-proxy: anybody else could send that header.")
    doors = entrance.Doors(host, auth, trusted_header or "", proxies, names, settings.web_secret)
    serving.serve(settings, entrance.open_entrance(doors), port, cache, origins, capture_folder)
