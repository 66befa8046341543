"""What the segmenter says instead of silently returning nothing."""

from __future__ import annotations


class NoTextError(Exception):
    """No line can be looked for; `reason` is a stable machine key, to be stored with the page.

    `blank`: there is no ink. `no_text_size`: no component is between 3 and 100 pixels large, so the size of the text
    cannot be estimated (pass `scale`, or work at another resolution). `too_many_components`: kraken's own limit,
    raised only by the reference.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
