"""Passwords: how they are kept out of whatever is printed, logged or stored, and which URLs would give them away."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from workers.errors import UnreadableInput

HIDDEN = "***"

# Up to the last @ of the word: a password that should have been percent-encoded may itself hold @ or /.
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/?#@]*):\S*@", re.IGNORECASE)
# libpq's "password=..." in connection strings and in the query of a URL
_IN_PAIRS = re.compile(r"\b((?:ssl)?password=)('[^']*'|[^\s&'\"]+)", re.IGNORECASE)


def masked(text: str) -> str:
    """Return the text with the passwords of URLs and connection strings replaced by `***`."""
    return _IN_PAIRS.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1:{HIDDEN}@", text))


def check_broker_url(url: str) -> None:
    """Refuse a URL that a library would quote in its error, with a piece of the password in the quotation.

    Raises:
        UnreadableInput: in one sentence, which does not repeat the URL.
    """
    scheme, separator, rest = url.partition("://")
    try:
        # whatever the scheme, what follows is read like a web address; only then `port` is looked at
        urlsplit(f"http://{rest}").port  # noqa: B018
    except ValueError:
        separator = ""
    if not separator or not scheme:
        raise UnreadableInput(
            "The broker must be redis://:PASSWORD@HOST:PORT/NUMBER or rediss://...; "
            "characters such as / ? # @ : in the password are written as %2F %3F %23 %40 %3A."
        )
