"""What came of describing a volume, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.metadata.describe import Described
from orchestrator.terminal.wording import plural

SHOWN = 3


def render_described(source: str, described: Described | None) -> str:
    """Return the sentence about a volume."""
    if described is None:
        return f"{source}: nothing says whose pages these are; give --fields or --metadata."
    sentence = f"{source}: {plural(described.pages, 'page')} described"
    if described.left_out:
        sentence += f", {described.left_out:,} not"
    sentence += _some(described.named_and_missing, "named and not there")
    return f"{sentence}{_some(described.not_named, 'there and not named')}."


def _some(names: Sequence[str], what: str) -> str:
    more = " and more" if len(names) > SHOWN else ""
    return f"; {plural(len(names), 'page')} {what}: {', '.join(names[:SHOWN])}{more}" if names else ""
