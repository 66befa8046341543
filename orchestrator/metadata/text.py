"""What came of describing a volume, in a sentence."""

from __future__ import annotations

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
    missing = described.named_and_missing
    if missing:
        more = " and more" if len(missing) > SHOWN else ""
        sentence += f"; {plural(len(missing), 'page')} named and not there: {', '.join(missing[:SHOWN])}{more}"
    return f"{sentence}."
