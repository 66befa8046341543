"""What a host gives when it is asked for a manifest or collection."""

from __future__ import annotations

import json

from workers.errors import MissingSource, UnreadableImage
from workers.sources.stores.web import Answer

MOST_CATALOGUE_BYTES = 256 * 1024**2
JSON_WANTED = "application/ld+json;q=0.9, application/json;q=0.8, */*;q=0.1"
_GONE = (404, 410)


def json_of(answer: Answer, url: str) -> object:
    """Return the JSON document in an answer.

    Raises:
        MissingSource, UnreadableImage: there is none.
    """
    if answer.status != 200:
        kind = MissingSource if answer.status in _GONE else UnreadableImage
        raise kind(f"{url} cannot be read: its host answers {answer.status}; check the address.")
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise UnreadableImage(f"{url} is no JSON; check the address.") from error
    return document
