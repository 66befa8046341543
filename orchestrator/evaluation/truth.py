"""Reads ground truth: PAGE XML, ALTO, and `truth.json` (image name -> boxes in pixels of that image).

Whatever the form, a page's truth becomes one `PageTruth`. What a file says nothing about is None and is not scored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from orchestrator.evaluation.matching import Boxes, as_boxes
from workers.errors import UnreadableInput

Polygon = NDArray[np.float64]
"""Corners of an outline, shape (n, 2), float64: x, y in pixels."""


class UnreadableTruth(UnreadableInput):
    """The ground truth cannot be read, or belongs to another picture."""

    code = "unreadable_truth"


@dataclass(frozen=True, slots=True)
class PageTruth:
    """What is known to be on one page; `width` and `height` in the unit of the coordinates (mostly pixels)."""

    names: tuple[str, ...]
    width: float
    height: float
    lines: Boxes | None = None
    regions: Boxes | None = None
    images: Boxes | None = None
    faces: Boxes | None = None
    separators: tuple[Polygon, ...] | None = None

    def scaled_to(self, width: int, height: int) -> PageTruth:
        """Return the truth in pixels of a picture of that size (truth may be in millimetres or of a reduced copy).

        Raises:
            UnreadableTruth: the proportions differ by more than 2 %, so it is the truth of another picture.
        """
        if not self.width or not self.height or (self.width, self.height) == (width, height):
            return self
        factor = np.array([width / self.width, height / self.height])
        if not 0.98 < factor[0] / factor[1] < 1.02:
            raise UnreadableTruth(
                f"the truth of {self.names[0]} is for a picture of {self.width:g} x {self.height:g}, "
                f"but the page has {width} x {height} pixels: give the truth of this scan"
            )
        rules = None if self.separators is None else tuple(polygon * factor for polygon in self.separators)
        return replace(
            self,
            width=width,
            height=height,
            lines=_scale(self.lines, factor),
            regions=_scale(self.regions, factor),
            images=_scale(self.images, factor),
            faces=_scale(self.faces, factor),
            separators=rules,
        )


class Truth:
    """The truth of several pages, found by the page's name: as given, by its last part, or without its suffix."""

    def __init__(self, pages: Iterable[PageTruth]) -> None:
        self.pages = tuple(pages)
        self._by_name: dict[str, PageTruth | None] = {}
        for page in self.pages:
            for key in {key for name in page.names for key in _keys(name)}:
                self._by_name[key] = None if key in self._by_name else page  # a name of two pages names neither

    def find(self, page_name: str, volume: str = "") -> PageTruth | None:
        """Return the truth of the page of that name (`p0003.tif`, `book.pdf#3`), None when there is none.

        The volume decides between pages of the same name in truth that lies in folders named like volumes.
        """
        keys = (f"{volume}/{page_name}", f"{PurePosixPath(volume).name}/{page_name}", *_keys(page_name))
        found = (self._by_name.get(key) for key in keys)
        return next((page for page in found if page is not None), None)


def read_truth(path: Path) -> Truth:
    """Read a file, or every `*truth.json`, PAGE and ALTO file in and below a folder.

    In an export of truth the PAGE files (`*.page.xml`) tell of the same pages as `truth.json`, and less: those at and
    below it are passed over.

    Raises:
        UnreadableTruth: there is no such file, it is broken, or nothing in it is ground truth.
    """
    if path.is_dir():
        told = sorted(path.rglob("*truth.json"))
        files = told + [file for file in sorted(path.rglob("*.xml")) if not _is_told(file, told)]
        pages = [page for file in files for page in _read_file(file)]
    elif path.is_file():
        pages = list(_read_file(path))
    else:
        raise UnreadableTruth(f"{path} does not exist: give a file or folder of PAGE XML, ALTO or truth.json")
    if not pages:
        raise UnreadableTruth(f"{path} holds no ground truth: PAGE XML, ALTO or truth.json is wanted")
    return Truth(pages)


def _is_told(file: Path, told: Sequence[Path]) -> bool:
    return file.name.endswith(".page.xml") and any(file.is_relative_to(truth.parent) for truth in told)


def _read_file(path: Path) -> Iterator[PageTruth]:
    if path.suffix == ".json":
        yield from _read_json(path)
    else:
        yield from _read_xml(path)


def _read_json(path: Path) -> Iterator[PageTruth]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        for name, page in loaded.items():
            names = (name, f"{path.parent.name}/{name}")
            yield _page_from_json((*names, f"{page['volume']}/{name}") if "volume" in page else names, page)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableTruth(f"{path} is not in the form of truth.json (image name -> boxes): {error}") from error


def _page_from_json(names: tuple[str, ...], page: Mapping[str, Any]) -> PageTruth:
    outlines = page.get("separator_polygons", page.get("separators"))
    return PageTruth(
        names=names,
        width=float(page.get("width", 0)),
        height=float(page.get("height", 0)),
        lines=_boxes(page.get("lines")),
        regions=_boxes(page.get("regions")),
        images=_boxes(page.get("images")),
        faces=_boxes(page.get("faces")),
        separators=None if outlines is None else tuple(_outline(outline) for outline in outlines),
    )


def _boxes(shapes: Iterable[Any] | None) -> Boxes | None:
    return None if shapes is None else as_boxes([_bounds(_outline(shape)) for shape in shapes])


def _scale(boxes: Boxes | None, factor: NDArray[np.float64]) -> Boxes | None:
    return None if boxes is None else boxes * np.tile(factor, 2)


def _outline(shape: Any) -> Polygon:
    """Return a box (four numbers), a polygon (points) or what holds one as `bbox` as a polygon."""
    if isinstance(shape, Mapping):
        shape = shape["bbox"]
    array = np.asarray(shape, dtype=np.float64)
    if array.shape == (4,):
        x_min, y_min, x_max, y_max = array
        return np.array([[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]])
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 2:
        raise ValueError(f"neither a box nor a polygon: {shape!r}")
    return array


def _bounds(polygon: Polygon) -> NDArray[np.float64]:
    return np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])


def _read_xml(path: Path) -> Iterator[PageTruth]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.parse(str(path), parser).getroot()
        if _local(root) == "PcGts":
            yield _page_from_page_xml(root, path)
        elif _local(root) == "alto":
            yield _page_from_alto(root, path)
    except (OSError, etree.XMLSyntaxError, ValueError, TypeError) as error:
        raise UnreadableTruth(f"{path} is not a whole PAGE or ALTO file: {error}") from error


def _page_from_page_xml(root: etree._Element, path: Path) -> PageTruth:
    page = next(_all(root, "Page"), None)
    if page is None:
        raise ValueError("it has no Page element")
    lines = [_bounds(_coords(element)) for element in _all(page, "TextLine")]
    regions = [_bounds(_coords(element)) for element in _all(page, "TextRegion")]
    rules = tuple(_coords(element) for element in _all(page, "SeparatorRegion"))
    pictures = [_bounds(_coords(e)) for kind in ("ImageRegion", "GraphicRegion") for e in _all(page, kind)]
    return PageTruth(
        names=_names(page.get("imageFilename"), path),
        width=float(page.get("imageWidth", 0)),
        height=float(page.get("imageHeight", 0)),
        lines=as_boxes(lines) if lines or not regions else None,
        regions=as_boxes(regions) if regions else None,
        images=as_boxes(pictures) if pictures else None,
        separators=rules or None,
    )


def _coords(element: etree._Element) -> Polygon:
    """Return the outline of a PAGE element, as `points` or, in the oldest form, as Point elements."""
    coords = next((child for child in element if _local(child) == "Coords"), None)
    if coords is None:
        raise ValueError(f"{_local(element)} {element.get('id', '')} has no Coords")
    if coords.get("points") is None:
        return _outline([[point.get("x"), point.get("y")] for point in coords])
    return _outline([pair.split(",") for pair in coords.get("points").split()])


def _page_from_alto(root: etree._Element, path: Path) -> PageTruth:
    page = next(_all(root, "Page"), None)
    if page is None:
        raise ValueError("it has no Page element")
    name = next((element.text for element in _all(root, "fileName")), None)
    blocks, pictures = ([_alto_box(e) for e in _all(page, kind)] for kind in ("TextBlock", "Illustration"))
    rules = tuple(_outline(_alto_box(element)) for element in _all(page, "GraphicalElement"))
    lines = [_alto_box(element) for element in _all(page, "TextLine")]
    return PageTruth(
        names=_names(name, path),
        width=float(page.get("WIDTH", 0)),
        height=float(page.get("HEIGHT", 0)),
        lines=as_boxes(lines) if lines or not blocks else None,
        regions=as_boxes(blocks) if blocks else None,
        images=as_boxes(pictures) if pictures else None,
        separators=rules or None,
    )


def _alto_box(element: etree._Element) -> list[float]:
    x, y, width, height = (float(element.get(name, "nan")) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    if np.isnan(x + y + width + height):
        raise ValueError(f"{_local(element)} {element.get('ID', '')} lacks HPOS, VPOS, WIDTH or HEIGHT")
    return [x, y, x + width, y + height]


def _all(root: etree._Element, name: str) -> Iterator[etree._Element]:
    return (element for element in root.iter(f"{{*}}{name}"))


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _names(image_name: str | None, path: Path) -> tuple[str, ...]:
    """Return what a page of XML may be called: the image it names, and its own file name."""
    stated = (image_name or "").strip().replace("\\", "/")
    return tuple(name for name in (stated, path.stem) if name)


def _keys(name: str) -> tuple[str, ...]:
    """Return the keys a name is looked up by, most exact first; a stem keeps the number after `#`."""
    base = PurePosixPath(name).name
    file, mark, number = base.partition("#")
    return tuple(dict.fromkeys((name, base, PurePosixPath(file).stem + mark + number)))
