"""Write the static site: pages with their pictures first, then what leads to them.

Pictures are named by page run and written once: the same command goes on where it was interrupted, and after another
ingest it draws what is new. The text is written anew each time; pictures that nothing shows any more are removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from sqlalchemy import Engine

from orchestrator.export.crops import cut_out, cuts
from orchestrator.export.folder import Written, finish_folder, going_on, make_folder, open_folder
from orchestrator.report.figures import Figures, read_figures
from orchestrator.report.html import render_html
from orchestrator.report.site.boxes import LAYERS, shapes
from orchestrator.report.site.rows import Row, ShownVolume, shown_volumes
from orchestrator.results.pages import ArchivedPage, provenances_of, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import writing_beside
from orchestrator.terminal.progress_bar import progress
from orchestrator.terminal.wording import plural

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web" / "static"
STATIC = (WEB / "style.css", WEB / "page" / "page.css", WEB / "icon.svg", HERE / "site.css", HERE / "site.js")
PICTURE_SIZE, THUMBNAIL_SIZE, FACE_SIZE = (2400, 3200), (320, 420), (200, 200)  # px, at most
FACE_MARGIN = 20  # percent
FACES_A_WALL, FACES_REPORTED = 300, 24


@dataclass
class Site:
    """The folder of a site and what it is made from."""

    folder: Path
    volumes: Sequence[ShownVolume]
    figures: Figures
    max_pixels: int
    written: Written = field(default_factory=Written)
    faces: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def reasons(self) -> dict[int, Sequence[str]]:
        """Why page runs are suspect."""
        return {suspect.page_run_id: suspect.reasons for suspect in self.figures.suspects}

    @cached_property
    def templates(self) -> Environment:
        """The templates of the site; every value is escaped."""
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        environment.filters["number"] = lambda value: "\N{EN DASH}" if value is None else f"{value:,.0f}"
        environment.filters["plural"] = plural
        environment.globals |= {"layers": LAYERS, "made_at": self.figures.made_at, "reasons": self.reasons}
        return environment

    def write(self, path: str, template: str, **values: Any) -> None:
        """Write a file of the site, in place of an older one."""
        place = self.folder / path
        make_folder(place.parent)
        text = self.templates.get_template(template).render(root="../" * path.count("/"), **values)
        with writing_beside(place, replace=True) as beside:
            beside.write_text(text, encoding="utf-8")


def write_site(engine: Engine, folder: Path, scope: Selection, max_pixels: int) -> Written:
    """Write the site of the volumes of a scope; each page whose scan cannot be drawn is told.

    Raises:
        UnreadableInput: the folder holds something else.
    """
    open_folder(folder, "site", scope, {})
    site = Site(folder, shown_volumes(engine, scope), read_figures(engine, scope), max_pixels)
    _copy_static(folder)
    _write_pages(site, engine, scope)
    for volume in site.volumes:
        for number, wall in enumerate(volume.walls, 1):
            names = [wall_name(volume, n) for n in range(1, len(volume.walls) + 1)]
            site.write(names[number - 1], "volume.html.j2", volume=volume, wall=wall, names=names, number=number)
    _write_faces(site)
    _write_report(site)
    site.write("index.html", "index.html.j2", volumes=site.volumes)
    _remove_others(site)
    finish_folder(folder, provenances_of(engine, scope), site.written)
    return site.written


def wall_name(volume: ShownVolume, number: int) -> str:
    """Return the path of a part of a volume."""
    return f"volumes/{volume.volume_id}.html" if number == 1 else f"volumes/{volume.volume_id}-{number}.html"


def _copy_static(folder: Path) -> None:
    make_folder(folder / "static")
    for source in STATIC:
        with writing_beside(folder / "static" / source.name, replace=True) as beside:
            shutil.copyfile(source, beside)


def _write_pages(site: Site, engine: Engine, scope: Selection) -> None:
    rows = [row for volume in site.volumes for row in volume.pages]
    found = {row["page_run_id"]: place for place, row in enumerate(rows)}
    drawn = set[int]()
    with progress("pages", len(rows)) as bar:
        for page in bar.counting(read_pages(engine, scope)):
            if (place := found.get(page.page_run_id)) is None:
                continue  # read since the rows were
            drawn.add(place)
            with going_on(page.page, site.written, bar.say):
                _draw(site, page)
            _write_page(site, rows, place, page)
        for place in range(len(rows)):
            if place not in drawn:
                _write_page(site, rows, place, None)


def _write_page(site: Site, rows: Sequence[Row], place: int, page: ArchivedPage | None) -> None:
    row = rows[place]
    beside = [rows[n] if 0 <= n < len(rows) and rows[n]["volume_id"] == row["volume_id"] else None
              for n in (place - 1, place + 1)]  # fmt: skip
    picture = f"pictures/{row['page_run_id']}.jpg"
    site.write(
        f"pages/{row['page_id']}.html", "page.html.j2", p=row, before=beside[0], after=beside[1],
        shapes=shapes(page.layout) if page else None, picture=picture if (site.folder / picture).is_file() else None,
    )  # fmt: skip
    site.written.files += 1
    for number, face in enumerate(page.layout.faces if page else (), 1):
        site.faces.append({"row": row, "number": number, "confidence": face.confidence, "label": face.label})


def _draw(site: Site, page: ArchivedPage) -> None:
    """Draw the picture, the thumbnail and the faces of a page, unless they are there."""
    run = page.page_run_id
    faces = cuts(page, "faces", FACE_MARGIN)
    wanted = [site.folder / f"faces/{run}-{number}.jpg" for _, number, _ in faces]
    wanted += [site.folder / f"thumbnails/{run}.jpg", site.folder / f"pictures/{run}.jpg"]
    if all(path.is_file() for path in wanted):
        return
    scan = open_scan(page, site.max_pixels)
    for _, number, box in faces:
        _save(cut_out(scan, box, page.layout.quarter_turns), FACE_SIZE, site.folder / f"faces/{run}-{number}.jpg")
    whole = Image.fromarray(scan.rgb) if scan.rgb.strides[2] else Image.fromarray(scan.grey)
    whole = _save(whole, PICTURE_SIZE, site.folder / f"pictures/{run}.jpg")
    _save(whole, THUMBNAIL_SIZE, site.folder / f"thumbnails/{run}.jpg")


def _save(image: Image.Image, size: tuple[int, int], path: Path) -> Image.Image:
    image = image.copy()
    image.thumbnail(size, reducing_gap=2.0)
    make_folder(path.parent)
    with writing_beside(path, replace=True) as beside:
        image.save(beside, "JPEG", quality=82)
    return image


def _write_faces(site: Site) -> None:
    site.faces.sort(key=lambda face: -face["confidence"])
    walls = [site.faces[start : start + FACES_A_WALL] for start in range(0, len(site.faces), FACES_A_WALL)] or [[]]
    names = ["faces.html" if number == 1 else f"faces-{number}.html" for number in range(1, len(walls) + 1)]
    for number, wall in enumerate(walls, 1):
        site.write(names[number - 1], "faces.html.j2", faces=wall, names=names, number=number, count=len(site.faces))


def _write_report(site: Site) -> None:
    pages = {row["page_run_id"]: row["page_id"] for volume in site.volumes for row in volume.pages}

    def link(page_run_id: int) -> str | None:
        return f"pages/{pages[page_run_id]}.html" if page_run_id in pages else None

    def thumbnail(page_run_id: int) -> str | None:
        path = f"thumbnails/{page_run_id}.jpg"
        return path if (site.folder / path).is_file() else None

    shown = [(suspect, thumbnail(suspect.page_run_id)) for suspect in site.figures.suspects]
    faces = [_reported(face) for face in site.faces[:FACES_REPORTED]]
    with writing_beside(site.folder / "report.html", replace=True) as beside:
        beside.write_text(render_html(site.figures, shown, link, faces), encoding="utf-8")


def _reported(face: Mapping[str, Any]) -> tuple[str, str, str]:
    row, number = face["row"], face["number"]
    name = f"{row['page']}, {face['confidence']:.2f}"
    return f"faces/{row['page_run_id']}-{number}.jpg", name, f"pages/{row['page_id']}.html#face-{number}"


def _remove_others(site: Site) -> None:
    """Remove pictures and pages that nothing leads to any more."""
    rows = [row for volume in site.volumes for row in volume.pages]
    runs = {str(row["page_run_id"]) for row in rows}
    kept: Mapping[str, Callable[[str], bool]] = {
        "pictures": lambda stem: stem in runs,
        "thumbnails": lambda stem: stem in runs,
        "faces": lambda stem: stem.partition("-")[0] in runs,
        "pages": lambda stem: stem in {str(row["page_id"]) for row in rows},
    }
    for folder, keep in kept.items():
        for path in _files(site.folder / folder):
            if not keep(path.stem):
                path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return chain(folder.glob("*.jpg"), folder.glob("*.html"))
