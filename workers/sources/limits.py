"""The limits that every input must keep, checked on headers before anything is decoded or unpacked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a page and an archive may cost.

    `max_pixels` bounds one image, `max_frames` the pages of one PDF or multi-page image, `max_members` and
    `max_unpacked_bytes` (per member) an archive. `max_compression_ratio` counts once more than
    `ratio_from_bytes` are unpacked: a blank page compresses far better than any scan, and is small.
    """

    max_pixels: int = 200_000_000
    max_frames: int = 10_000
    max_members: int = 200_000
    max_unpacked_bytes: int = 4 * 1024**3
    max_compression_ratio: int = 200
    ratio_from_bytes: int = 100 * 1024**2

    def is_bomb(self, unpacked_bytes: int, packed_bytes: int) -> bool:
        """Return whether so much out of so little is more than any scan gives."""
        return unpacked_bytes > self.ratio_from_bytes and unpacked_bytes > self.max_compression_ratio * packed_bytes
