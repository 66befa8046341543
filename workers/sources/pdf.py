"""One page of a PDF: the scan inside it at its own resolution, else the page rendered at 300 dpi.

PDFium is native code that meets hostile files: only a worker calls this, never the orchestrator.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from workers.errors import EncryptedSource, ImageTooLarge, PageError, UnreadableImage
from workers.sources.limits import Limits

RENDER_DPI = 300
MAX_SCAN_DPI = 1200
_POINTS_PER_INCH = 72
_COVERS = 0.98  # of the page's width and height, on each side
_NEEDS_PASSWORD = {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
_FAULTS = (pypdfium2.PdfiumError, ValueError, OverflowError, IndexError)

Box = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float]


def open_pdf_page(source: Path | BinaryIO, name: str, number: int, limits: Limits) -> Image.Image:
    """Return page `number` (1-based) as an upright image.

    Raises:
        EncryptedSource: the PDF needs a password.
        UnreadableImage: the PDF is broken or has no such page.
        ImageTooLarge: the page, or a picture on it, has more pixels than the limit.
    """
    document = open_pdf(source, name)
    try:
        if number > len(document):
            raise UnreadableImage(f"{name} has only {len(document)} pages; ingest the volume again.")
        page = document[number - 1]
        try:
            return _page_image(page, f"{name}#{number}", limits)
        finally:
            page.close()
    except _FAULTS as error:
        raise UnreadableImage(f"{name}#{number} cannot be drawn ({error}); save the PDF again.") from error
    finally:
        document.close()


def open_pdf(source: Path | BinaryIO, name: str) -> pypdfium2.PdfDocument:
    """Return the open document; the caller closes it.

    Raises:
        EncryptedSource: it needs a password.
        UnreadableImage: it is broken or has no page.
    """
    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        raise pdf_error(error.err_code, name) from error


def pdf_error(code: int | None, name: str) -> PageError:
    """Return the error for what PDFium says about a document it does not open."""
    if code in _NEEDS_PASSWORD:
        return EncryptedSource(f"{name} needs a password; save it without one.")
    return UnreadableImage(f"{name} is a broken PDF; copy it or save it again.")


def turns_and_mirror(matrix: Matrix, clockwise_degrees: int) -> tuple[int, bool] | None:
    """Return how to bring a picture's stored pixels upright: quarter turns counter-clockwise, after mirroring or not.

    `matrix` (a, b, c, d) places the picture on the page, whose y axis points up; the page is then turned by
    `clockwise_degrees`. None when the picture is tilted or skewed.
    """
    a, b, c, d = matrix
    size = max(map(abs, matrix))
    small = 1e-3 * size
    if not size or not ((abs(b) < small and abs(c) < small) or (abs(a) < small and abs(d) < small)):
        return None
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    turns = round(math.degrees(math.atan2(b, a)) / 90)
    return (turns - clockwise_degrees // 90) % 4, mirrored


def covers(picture: Box, page: Box) -> bool:
    """Return whether a picture (left, bottom, right, top) is the whole page: neither smaller nor cut off."""
    slack_x = (1 - _COVERS) * (page[2] - page[0])
    slack_y = (1 - _COVERS) * (page[3] - page[1])
    pairs = zip(picture, page, (slack_x, slack_y, slack_x, slack_y), strict=True)
    return all(abs(side - edge) <= slack for side, edge, slack in pairs)


def _page_image(page: pypdfium2.PdfPage, name: str, limits: Limits) -> Image.Image:
    pictures = [item for item in page.get_objects() if not _is_invisible(item)]
    for item in pictures:
        if item.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            _check(item.get_px_size(), name, limits)
    scan = pictures[0] if len(pictures) == 1 and pictures[0].type == pdfium.FPDF_PAGEOBJ_IMAGE else None
    if scan is None:
        return _rendered(page, RENDER_DPI, name, limits)
    return _embedded(page, scan) or _rendered(page, _dpi(scan), name, limits)


def _is_invisible(item: pypdfium2.PdfObject) -> bool:
    """Return whether it leaves no mark: a form (its content comes by itself) or the text layer of an OCR engine."""
    if item.type == pdfium.FPDF_PAGEOBJ_TEXT:
        return bool(pdfium.FPDFTextObj_GetTextRenderMode(item) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE)
    return bool(item.type == pdfium.FPDF_PAGEOBJ_FORM)


def _dpi(scan: pypdfium2.PdfImage) -> float:
    """Return the resolution of a scan on its page, so that rendering neither loses nor invents pixels."""
    a, b, c, d = scan.get_matrix().get()[:4]
    width, height = scan.get_px_size()
    inches = math.hypot(a, b) / _POINTS_PER_INCH, math.hypot(c, d) / _POINTS_PER_INCH
    if scan.level or not all(inches):
        return RENDER_DPI
    return float(min(MAX_SCAN_DPI, max(width / inches[0], height / inches[1])))


def _embedded(page: pypdfium2.PdfPage, scan: pypdfium2.PdfImage) -> Image.Image | None:
    """Return the scan's own pixels, upright; None when only rendering shows what the page looks like."""
    turn = turns_and_mirror(scan.get_matrix().get()[:4], page.get_rotation())
    plain = scan.level == 0 and not pdfium.FPDFPageObj_HasTransparency(scan)
    if turn is None or not plain or not covers(scan.get_bounds(), page.get_cropbox()):
        return None
    if scan.get_metadata().colorspace == pdfium.FPDF_COLORSPACE_UNKNOWN:
        return None  # a stencil: its ink is chosen by the page
    image: Image.Image = scan.get_bitmap().to_pil().copy()  # a copy: the pixels belong to PDFium
    quarter_turns, mirrored = turn
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
    return image.transpose(turned[quarter_turns]) if quarter_turns else image


def _rendered(page: pypdfium2.PdfPage, dpi: float, name: str, limits: Limits) -> Image.Image:
    scale = dpi / _POINTS_PER_INCH
    width, height = page.get_size()
    _check((math.ceil(width * scale), math.ceil(height * scale)), name, limits)
    image: Image.Image = page.render(scale=scale).to_pil().copy()
    return image


def _check(size: tuple[int, int], name: str, limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"{name} is too large: {width} x {height} pixels, the limit is {limits.max_pixels} pixels; "
            "reduce it, or raise max_pixels."
        )
