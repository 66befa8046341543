"""Which files a page has in a format of one file or some for each page, and what makes them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from orchestrator.export.crops import crop_files
from orchestrator.export.folder import Files, PageFile
from orchestrator.export.naming import PageFiles
from orchestrator.export.options import ExportOptions
from orchestrator.export.published import Published
from orchestrator.results.pages import ArchivedPage
from orchestrator.results.scans import open_scan, scan_path


def page_files(form: str, output: Path, options: ExportOptions, place: PageFiles, max_pixels: int) -> Files:
    """Return the function that lists the files of a page."""
    if form == "crops":
        return lambda page: crop_files(page, options.what, place, max_pixels, options.margin)
    if form == "yolo":
        return lambda page: _yolo_files(page, options.with_images, place, max_pixels)
    if form == "iiif":
        published = Published(place, options.base_url, options.canvas, options.image_service)
        return lambda page: _iiif_files(page, options.writes_pictures, published, max_pixels)
    return lambda page: _xml_file(page, form, place, output)


def _xml_file(page: ArchivedPage, form: str, place: PageFiles, output: Path) -> Iterator[PageFile]:
    from orchestrator.export.alto import alto
    from orchestrator.export.hocr import hocr
    from orchestrator.export.page_xml import page_xml

    suffix, write = {"alto": (".alto.xml", alto), "page": (".page.xml", page_xml), "hocr": (".hocr", hocr)}[form]
    path = place.path(page.volume, page.page, suffix)
    yield path, lambda: write(page, scan_path(page, (output / path).parent))


def _iiif_files(page: ArchivedPage, with_images: bool, published: Published, max_pixels: int) -> Iterator[PageFile]:
    where = {"volume": page.volume, "page": page.page}
    yield published.file(where, ".json"), lambda: published.annotations(page)
    if with_images:
        yield published.file(where, ".jpg"), lambda: upright_jpeg(page, max_pixels)


def _yolo_files(page: ArchivedPage, with_images: bool, place: PageFiles, max_pixels: int) -> Iterator[PageFile]:
    from orchestrator.export.yolo import yolo_labels

    yield PurePosixPath("labels") / place.path(page.volume, page.page, ".txt"), lambda: yolo_labels(page)
    if with_images:
        path = PurePosixPath("images") / place.path(page.volume, page.page, ".jpg")
        yield path, lambda: upright_jpeg(page, max_pixels)


def upright_jpeg(page: ArchivedPage, max_pixels: int) -> bytes:
    """Return the upright scan as a JPEG of the same size.

    Raises:
        PageError: the scan cannot be read any more.
    """
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(open_scan(page, max_pixels).rgb).save(out, "JPEG", quality=90)
    return out.getvalue()
