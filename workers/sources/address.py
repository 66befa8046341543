"""The address of a page: how a worker finds one page inside a volume, and the name that people read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from workers.sources.escape import escaped
from workers.sources.iiif.image import CanvasImage


@dataclass(frozen=True, slots=True)
class PageAddress:
    """One page of a volume.

    `members[0]` is a path relative to the volume's directory, with `/`; further ones are names inside archives.
    When the volume is itself a file, `members[0]` stands for that file: its name for an image or PDF, empty for an
    archive, so that pages are called by their member names. `frame` is the 1-based page of a PDF or frame of a
    multi-page image, None for a file that is one image. `zip_encoding` is that of the names in ZIPs which tell none.

    Of a page in a store, `members[0]` is the key below the volume's prefix, `version` what the store calls its bytes
    (of a ZIP's member the checksum in its directory), and `span` the offset and length of a TAR's member. Of a page of
    a IIIF manifest `canvas` tells where its picture is.
    """

    members: tuple[str, ...]
    frame: int | None = None
    zip_encoding: str | None = None
    version: str = ""
    span: tuple[int, int] | None = None
    canvas: CanvasImage | None = None

    @property
    def name(self) -> str:
        """The page as people know it: `p0003.tif`, `1890/issue.zip/p0003.tif`, `book.pdf#3`."""
        path = escaped("/".join(member for member in self.members if member))
        return path if self.frame is None else f"{path}#{self.frame}"

    @property
    def file(self) -> PageAddress:
        """The file that holds the page, perhaps with others."""
        return replace(self, frame=None)

    @property
    def archive(self) -> PageAddress:
        """The archive that holds this file."""
        return replace(self, members=self.members[:-1], frame=None, version="", span=None)

    def to_json(self) -> str:
        """Return the form that is stored in SQL; plain ASCII whatever the names hold."""
        stored: dict[str, object] = {"members": list(self.members), "frame": self.frame}
        if self.zip_encoding:
            stored["zip_encoding"] = self.zip_encoding
        if self.version:
            stored["version"] = self.version
        if self.span:
            stored["span"] = list(self.span)
        if self.canvas:
            stored["canvas"] = self.canvas.to_json()
        return json.dumps(stored, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> PageAddress:
        """Read what `to_json` wrote."""
        loaded = json.loads(text)
        span = loaded.get("span")
        return cls(
            tuple(loaded["members"]),
            loaded["frame"],
            loaded.get("zip_encoding"),
            loaded.get("version", ""),
            span and (span[0], span[1]),
            CanvasImage.from_json(loaded["canvas"]) if "canvas" in loaded else None,
        )
