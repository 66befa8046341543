"""One page of a PDF as a viewer shows it: the pixels of the scan that is the page, else the page rendered.

PDFium is native code that meets hostile files: only a worker calls this, never the orchestrator.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray
from PIL import Image

from workers.errors import EncryptedSource, ImageTooLarge, PageError, UnreadableImage
from workers.sources.limits import Limits
from workers.sources.pdf_resolution import FINE_SHARE, POINTS_PER_INCH, RENDER_DPI, Ink, resolution

_GRID, _CELL = 64, 8  # cells of the longer side, pixels of a cell, when a scan is compared with its page
_ALIKE, _ALIKE_ON_AVERAGE = 30, 4  # grey levels: more is another picture, or a part of it is hidden
_COVERS = 0.98  # of the page's width and height, on each side
_UNPRINTED = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}  # as OCR engines lay text
_NOT_A_PIXEL_MORE = 1 - 1e-6  # sides are rounded up, and sizes in points have seven digits
_SMALL, _OPAQUE, _LETTERS = 64, 250, 0.05  # pixels of a side, alpha, share: what is asked of a picture's mask
_NEEDS_PASSWORD = {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
_FAULTS = (pypdfium2.PdfiumError, ValueError, OverflowError, IndexError, ZeroDivisionError)

Box = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float]


def open_pdf_page(source: Path | BinaryIO, name: str, number: int, limits: Limits) -> Image.Image:
    """Return page `number` (1-based) as an upright image.

    Raises:
        EncryptedSource: the PDF needs a password.
        UnreadableImage: the PDF is broken or has no such page.
        ImageTooLarge: a picture on the page has more pixels than the limit.
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


@dataclass(frozen=True, slots=True)
class _Shown:
    """An object that leaves a mark; of pictures and text where it lies on the page, of pictures their matrix, too."""

    item: pypdfium2.PdfObject
    bounds: Box = (0.0, 0.0, 0.0, 0.0)  # left, bottom, right, top
    matrix: Matrix = (0.0, 0.0, 0.0, 0.0)

    @property
    def is_picture(self) -> bool:
        return bool(self.item.type == pdfium.FPDF_PAGEOBJ_IMAGE)

    @property
    def is_stencil(self) -> bool:
        """Whether its ink is chosen by the page."""
        if not self.is_picture or "JPXDecode" in self.item.get_filters():  # asking that for its colours decodes it
            return False
        return self.item.get_metadata().colorspace == pdfium.FPDF_COLORSPACE_UNKNOWN  # type: ignore[no-any-return]

    def alpha(self) -> NDArray[np.uint8]:
        """Return how much of a picture there is, (64, 64): less where it is clipped, or behind a mask.

        It is rendered small, for masks cannot be asked for.
        """
        placed = self.item.get_matrix()
        self.item.set_matrix(pypdfium2.PdfMatrix(_SMALL, 0, 0, _SMALL))
        try:
            small: Image.Image = self.item.get_bitmap(render=True, scale_to_original=False).to_pil().convert("RGBA")
        finally:
            self.item.set_matrix(placed)
        return np.asarray(small.getchannel("A"))

    def is_opaque(self) -> bool:
        """Return whether nothing of what lies under a picture is seen."""
        plain = not self.is_stencil and not pdfium.FPDFPageObj_HasTransparency(self.item)
        return plain and bool(self.alpha().min() >= _OPAQUE)

    def has_fine_mask(self) -> bool:
        """Return whether a mask as fine as letters lies over a picture; the edges of a clip path are less."""
        alpha = self.alpha()
        return bool(((alpha > 0) & (alpha < _OPAQUE)).mean() > _LETTERS)


def _page_image(page: pypdfium2.PdfPage, name: str, limits: Limits) -> Image.Image:
    sheet = page.get_bbox()
    if not all(page.get_size()):
        raise UnreadableImage(f"{name} has no area, its crop box lies off the page; save the PDF again.")
    shown = _uncovered(list(_shown(page)), sheet)
    for one in shown:
        if one.is_picture:
            _check(one.item.get_px_size(), name, limits)
    is_scan = len(shown) == 1 and shown[0].is_picture and not shown[0].is_stencil
    own = _own_pixels(page, shown[0], sheet) if is_scan else None
    return own or _rendered(page, _inks(shown, sheet), limits)


def _shown(page: pypdfium2.PdfPage) -> Iterator[_Shown]:
    for item in page.get_objects():
        if item.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            matrix = item.get_matrix().multiply(_to_page(item))
            yield _Shown(item, matrix.on_rect(0, 0, 1, 1), matrix.get()[:4])
        elif item.type == pdfium.FPDF_PAGEOBJ_TEXT:
            if pdfium.FPDFTextObj_GetTextRenderMode(item) not in _UNPRINTED:
                yield _Shown(item, _to_page(item).on_rect(*item.get_bounds()))
        elif item.type != pdfium.FPDF_PAGEOBJ_FORM:  # what is in a form comes by itself
            yield _Shown(item)


def _to_page(item: pypdfium2.PdfObject) -> pypdfium2.PdfMatrix:
    """Return the matrix from the form that holds an object, which may lie in other forms, to the page."""
    matrix, form = pypdfium2.PdfMatrix(), item.container
    while form is not None:
        matrix, form = matrix.multiply(form.get_matrix()), form.container
    return matrix


def _uncovered(shown: list[_Shown], sheet: Box) -> list[_Shown]:
    """Leave out what lies under a picture of the whole page."""
    for place in range(len(shown) - 1, 0, -1):
        if shown[place].is_picture and covers(shown[place].bounds, sheet) and shown[place].is_opaque():
            return shown[place:]
    return shown


def _own_pixels(page: pypdfium2.PdfPage, scan: _Shown, sheet: Box) -> Image.Image | None:
    """Return the scan's own pixels, upright; None when only rendering shows what the page looks like."""
    turn = turns_and_mirror(scan.matrix, page.get_rotation())
    if turn is None or not covers(scan.bounds, sheet):
        return None
    image: Image.Image = scan.item.get_bitmap().to_pil().copy()  # a copy: the pixels belong to PDFium
    quarter_turns, mirrored = turn
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
    image = image.transpose(turned[quarter_turns]) if quarter_turns else image
    return image if _is_what_is_shown(page, image) else None


def _is_what_is_shown(page: pypdfium2.PdfPage, image: Image.Image) -> bool:
    """Return whether a small rendering of the page looks like the picture.

    It does not where a clip path cuts the picture, where it lies on a hidden layer, or under an annotation.
    """
    cells = max(1, min(_GRID, max(image.size) // _CELL))
    scale = cells * _CELL / max(page.get_size())
    rendered: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
    grid = max(1, rendered.width // _CELL), max(1, rendered.height // _CELL)
    seen, own = (
        np.asarray(picture.convert("L").resize(grid, Image.Resampling.BOX), np.int16) for picture in (rendered, image)
    )
    difference = np.abs(seen - own)
    return bool(difference.max() <= _ALIKE and difference.mean() <= _ALIKE_ON_AVERAGE)


def _inks(shown: list[_Shown], sheet: Box) -> list[Ink]:
    return [_ink(one, sheet) for one in shown if one.is_picture or one.item.type == pdfium.FPDF_PAGEOBJ_TEXT]


def _ink(one: _Shown, sheet: Box) -> Ink:
    width, height = (max(0.0, min(one.bounds[n + 2], sheet[n + 2]) - max(one.bounds[n], sheet[n])) for n in (0, 1))
    share = width * height / ((sheet[2] - sheet[0]) * (sheet[3] - sheet[1]))
    if not one.is_picture:
        return Ink(RENDER_DPI, share, fine=True)
    if one.is_stencil or share < FINE_SHARE or not one.has_fine_mask():
        return Ink(_dpi(one), share, one.is_stencil)
    return Ink(max(_dpi(one), RENDER_DPI), share, fine=True)  # the resolution of a mask cannot be asked for


def _dpi(picture: _Shown) -> float:
    """Return the resolution of a picture on its page; 0 for one without area."""
    a, b, c, d = picture.matrix
    width, height = picture.item.get_px_size()
    inches = math.hypot(a, b) / POINTS_PER_INCH, math.hypot(c, d) / POINTS_PER_INCH
    return max(width / inches[0], height / inches[1]) if all(inches) else 0.0


def _rendered(page: pypdfium2.PdfPage, inks: list[Ink], limits: Limits) -> Image.Image:
    dpi = resolution(inks, page.get_size(), limits.max_pixels)
    image: Image.Image = page.render(scale=dpi * _NOT_A_PIXEL_MORE / POINTS_PER_INCH).to_pil().copy()
    return image


def _check(size: tuple[int, int], name: str, limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"{name} is too large: {width} x {height} pixels, the limit is {limits.max_pixels} pixels; "
            "reduce it, or raise max_pixels."
        )
