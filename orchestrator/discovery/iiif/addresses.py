"""Which addresses on the web are those of IIIF catalogues. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_FILE = re.compile(r"\.(jpe?g|jp2|tiff?|png|gif|webp|zip|tar|tgz|gz|bz2|xz|pdf|csv|parquet)$", re.IGNORECASE)
_WORDS = re.compile(r"manifest|collection|iiif|presentation", re.IGNORECASE)


def is_catalogue(url: str) -> bool:
    """Return whether a URL is that of a manifest or collection, as far as its path tells: `.json`, or such a word."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or _FILE.search(parts.path):
        return False
    return parts.path.lower().endswith(".json") or _WORDS.search(f"{parts.path}?{parts.query}") is not None
