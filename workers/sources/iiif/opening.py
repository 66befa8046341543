"""The picture of a IIIF canvas, asked for only as large as its text needs; boxes come back in canvas pixels."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from contextlib import closing

import numpy as np
from PIL import Image

from workers.errors import MissingSource, StorageError, UnreadableImage
from workers.on_original import Original, with_original
from workers.parameters import BinarizationParameters
from workers.sources.iiif.archives import MOST_ARCHIVE_BYTES
from workers.sources.iiif.asking import Ask, Remembered, file_of
from workers.sources.iiif.image import CanvasImage, ImageInfo, Size, read_info, requests_for, size_for
from workers.sources.limits import Limits
from workers.sources.pictures import open_picture
from workers.sources.stores.web import Answer
from workers.sources.zip_archive import ZipArchive
from workers.stages.binarization.survey import estimate_text_size
from workers.stages.binarization.working_page import WORKING_PIXELS, WORKING_SCALE_PX
from workers.stages.palette.normalise import normalise

log = logging.getLogger(__name__)

MOST_INFO_BYTES, MOST_PICTURE_BYTES = 4 * 1024**2, 512 * 1024**2
MARGIN = 1.05  # of the size that text needs: it is measured on a smaller picture
MOST_SKEWED = 0.05  # by which the proportions of a canvas may differ from its picture's
_GONE = (404, 410)


def open_canvas(ask: Ask, image: CanvasImage, name: str, limits: Limits, in_full: bool = False) -> Image.Image:
    """Return the decoded picture of a canvas, which tells where on its canvas it lies (`on_original`).

    Args:
        ask: asks hosts.
        image: of the canvas.
        name: of the page.
        limits: what the picture may cost.
        in_full: ask for all pixels, whatever the text needs.

    Raises:
        NotNow: a host has no time for us.
        PageError: there is no picture, or it is broken.
        StorageError: the host failed at this picture.
    """
    if image.member:
        picture = _from_archive(ask, image, name, limits)
        return with_original(picture, _original(image, picture.size))
    info = _info(ask, image, name) if image.service else None
    if info is None:
        picture = _picture(ask, (image.url,), name, limits)
        return with_original(picture, _original(image, picture.size))
    most = float("inf") if in_full else WORKING_PIXELS
    picture = _picture(ask, requests_for(info, image, min(most, limits.max_pixels)), name, limits)
    if not in_full and (more := _pixels_for_its_text(picture, info)):
        picture = _picture(ask, requests_for(info, image, min(more, limits.max_pixels)), name, limits)
    return with_original(picture, _original(image, info.size))


def _from_archive(ask: Ask, image: CanvasImage, name: str, limits: Limits) -> Image.Image:
    """Return a picture out of the ZIP that holds all of an item; the ZIP is asked for once."""
    if isinstance(ask, Remembered):
        file = ask.file(image.url, MOST_ARCHIVE_BYTES)
    else:
        file = file_of(ask(image.url, MOST_ARCHIVE_BYTES))
    if isinstance(file, Answer):
        raise _failed(file, f"{name}: {image.url}")
    with file, closing(ZipArchive(file, image.url, limits)) as archive:
        try:
            with archive.extract(image.member) as member:
                return open_picture(member, name, None, limits)
        except KeyError as error:
            raise MissingSource(f"{image.member} is no longer in {image.url}; ingest the volume again.") from error


def _info(ask: Ask, image: CanvasImage, name: str) -> ImageInfo | None:
    """Return what the service says of a picture; None where it says nothing and there is a plain file.

    Raises:
        PageError, StorageError: it says nothing, and there is no other way.
    """
    answer = ask(f"{image.service}/info.json", MOST_INFO_BYTES, {"Accept": "application/ld+json, application/json"})
    try:
        values = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        values = None
    info = read_info(image.service, values, image.version) if isinstance(values, Mapping) else None
    if info is None and not image.url:
        raise _failed(answer, f"{name}: {image.service}/info.json")
    return info


def _picture(ask: Ask, urls: tuple[str, ...], name: str, limits: Limits) -> Image.Image:
    """Return the picture at the first of some URLs that gives one."""
    answer = None
    for url in dict.fromkeys(urls):
        answer = ask(url, MOST_PICTURE_BYTES)
        if answer.status == 200:
            return open_picture(io.BytesIO(answer.body), name, None, limits)
        if answer.status in _GONE:
            break
    if answer is None:
        raise MissingSource(f"{name} has no picture; look at its manifest.")
    raise _failed(answer, f"{name}: {answer.url}")


def _failed(answer: Answer, what: str) -> Exception:
    if answer.status in _GONE:
        return MissingSource(f"{what} is not there ({answer.status}); look at its manifest.")
    if answer.status >= 500:
        return StorageError(f"{what} could not be had: the host failed at it ({answer.status}).")
    return UnreadableImage(f"{what} could not be had: the host answers {answer.status}.")


def _pixels_for_its_text(picture: Image.Image, info: ImageInfo) -> float:
    """Return how many pixels the picture must have for its text; 0.0 where those it has are enough, or all."""
    if size_for(info, float("inf")) <= picture.size:
        return 0.0
    look, factor = estimate_text_size(normalise(picture).grey, BinarizationParameters())
    scale = look.scale * factor
    if not 0 < scale < WORKING_SCALE_PX:
        return 0.0
    return float(np.prod(picture.size, dtype=float)) * (MARGIN * WORKING_SCALE_PX / scale) ** 2


def _original(image: CanvasImage, size: Size) -> Original:
    """Return in what pixels boxes are given: the canvas's, or the picture's where the canvas is not to be believed."""
    canvas = image.canvas
    if canvas is None or (image.place is None and _differs(canvas, size) and image.region == "full"):
        if canvas is not None:
            log.warning("its canvas of %s x %s pixels has not the proportions of its picture, %s x %s", *canvas, *size)
        return Original(size, (0, 0, *size))
    return Original(canvas, image.place or (0, 0, *canvas))


def _differs(canvas: Size, size: Size) -> bool:
    proportion = canvas[0] * size[1] / (canvas[1] * size[0])
    return not 1 - MOST_SKEWED < proportion < 1 + MOST_SKEWED
