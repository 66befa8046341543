"""The address of a page: how a worker finds one page inside a volume, and the name that people read."""

from __future__ import annotations

import json
from dataclasses import dataclass

from workers.sources.escape import escaped


@dataclass(frozen=True, slots=True)
class PageAddress:
    """One page of a volume.

    `members[0]` is a path relative to the volume's directory, with `/`; further ones are names inside archives.
    When the volume is itself a file, `members[0]` stands for that file: its name for an image or PDF, empty for an
    archive, so that pages are called by their member names. `frame` is the 1-based page of a PDF or frame of a
    multi-page image, None for a file that is one image.
    """

    members: tuple[str, ...]
    frame: int | None = None

    @property
    def name(self) -> str:
        """The page as people know it: `p0003.tif`, `1890/issue.zip/p0003.tif`, `book.pdf#3`."""
        path = escaped("/".join(member for member in self.members if member))
        return path if self.frame is None else f"{path}#{self.frame}"

    def to_json(self) -> str:
        """Return the form that is stored in SQL; plain ASCII whatever the names hold."""
        return json.dumps({"members": list(self.members), "frame": self.frame}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> PageAddress:
        """Read what `to_json` wrote."""
        loaded = json.loads(text)
        return cls(tuple(loaded["members"]), loaded["frame"])
