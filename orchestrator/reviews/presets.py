"""Other parameters that a page may be read with again: what helps where the usual ones went wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """Changes of parameters, as `ingest --set` takes them, and what they are for in words."""

    name: str
    meaning: str
    changes: tuple[str, ...]


PRESETS = (
    Preset("second look", "A second reader looks too: where lines are missing", ("segmentation.second_reader=always",)),
    Preset("uneven light", "Ink judged by what is around it: stains, faint print", ("binarization.method=sauvola",)),
    Preset("one column", "No separators: title pages, tables, letters", ("separators.method=none",)),
    Preset("white gaps", "Look for white gaps only: columns without a rule", ("separators.method=gaps",)),
    Preset("baselines", "Kraken's neural segmenter: handwriting, crooked lines", ("segmentation.segmenter=baseline",)),
    Preset("right to left", "Arabic, Hebrew, Persian", ("segmentation.text_direction=horizontal-rl",)),
    Preset("surer faces", "Only faces of which there is little doubt", ("faces.min_confidence=0.8",)),
)  # fmt: skip
