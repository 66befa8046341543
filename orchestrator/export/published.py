"""A IIIF export on the web: the addresses of its files below --base-url, and the manifests of its volumes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine

from orchestrator.export.folder import make_folder
from orchestrator.export.iiif import DEFAULT_CANVAS, annotation_page, filled_in
from orchestrator.export.manifest import Addresses, Row, manifest, served_picture, static_picture
from orchestrator.export.naming import PageFiles
from orchestrator.results.canvases import canvas_rows
from orchestrator.results.pages import ArchivedPage
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import writing_beside

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Published:
    """Where the files of an export are: `base` is the folder's address, without it they have none.

    `canvas` and `image_service` are addresses with fields, as `filled_in` knows them.
    """

    place: PageFiles
    base: str | None = None
    canvas: str | None = None
    image_service: str | None = None

    def file(self, page: Row, suffix: str) -> PurePosixPath:
        """Return where a file of a page lies below the folder."""
        return self.place.path(page["volume"], page["page"], suffix)

    def annotations(self, page: ArchivedPage) -> bytes:
        """Return the annotation page of a page."""
        row = {"volume": page.volume, "page": page.page, "page_number": page.page_number, "sha256": page.sha256}
        return annotation_page(page, self._canvas(row), self._web(self.file(row, ".json")) if self.base else None)

    def addresses(self, volume: str) -> Addresses:
        """Return where the parts of a volume's manifest are."""
        return Addresses(
            manifest=self._web(self.place.folder(volume) / MANIFEST),
            canvas=self._canvas,
            annotations=lambda row: self._web(self.file(row, ".json")),
            picture=self._picture,
        )

    def _canvas(self, row: Row) -> str:
        if self.canvas is None and self.base:
            return self._web(self.file(row, "/canvas"))
        return filled_in(self.canvas or DEFAULT_CANVAS, row)

    def _picture(self, row: Row) -> dict[str, Any]:
        if self.image_service:
            return served_picture(filled_in(self.image_service, row).rstrip("/"), row)
        return static_picture(self._web(self.file(row, ".jpg")), row)

    def _web(self, path: PurePosixPath) -> str:
        return f"{(self.base or '').rstrip('/')}/{quote(str(path))}"


def write_manifests(
    engine: Engine, output: Path, selection: Selection, volumes: Iterable[str], published: Published
) -> int:
    """Write the manifest of each volume, in place of one that is there, and return how many."""
    count = 0
    for volume in volumes:
        rows = canvas_rows(engine, replace(selection, volumes=(volume,)))
        path = output / published.place.folder(volume) / MANIFEST
        make_folder(path.parent)
        with writing_beside(path, replace=True) as beside:
            document = manifest(volume, rows, published.addresses(volume))
            beside.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        count += 1
    return count
