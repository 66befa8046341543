"""What single formats can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.export.iiif import refuse_bad_template
from workers.errors import UnreadableInput

What = Literal["faces", "lines", "pictures"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What single formats can be told; docs/exports.md says what each means."""

    what: What = "faces"
    canvas: str | None = None
    with_images: bool = False
    manifest: bool = False
    base_url: str | None = None
    image_service: str | None = None
    margin: int = 0
    where: str | None = None

    @property
    def writes_pictures(self) -> bool:
        """Whether a IIIF export holds the pictures: a manifest needs some, and no image service has them."""
        return self.with_images or (self.manifest and self.image_service is None)

    def check(self) -> None:
        """Refuse options that make no sense, before the first file is written.

        Raises:
            UnreadableInput: with what is missing.
        """
        for option, template in (("--canvas", self.canvas), ("--image-service", self.image_service)):
            refuse_bad_template(option, template or "")
        if self.manifest and not self.base_url:
            raise UnreadableInput("--manifest needs --base-url, the address at which the folder will be on the web.")
