"""METS with MODS beside the scans: NDNP batches, Kitodo and their like.

METS 1 and MODS 3, https://www.loc.gov/standards/mets; NDNP: https://www.loc.gov/ndnp/guidelines. What is said of a page
goes before what is said of its issue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from orchestrator.metadata.beside import kind_of_xml, xml_files
from orchestrator.metadata.values import Description, described
from orchestrator.terminal.wording import plural

NAMESPACES = {"m": "http://www.loc.gov/METS/", "o": "http://www.loc.gov/mods/v3"}
HREF = "{http://www.w3.org/1999/xlink}href"
# How file/@USE and fileGrp/@USE call the scans themselves, in NDNP, Kitodo and OCR-D.
MASTERS = ("master", "original", "local", "presentation", "ocr-d-img", "max")
NO_SCANS = (".xml", ".txt", ".html", ".hocr", ".json")
SHOWN = 3
# Field -> where MODS has it, the first that is there; what is said of the series or newspaper stands in relatedItem.
PATHS: dict[str, tuple[str, ...]] = {
    "title": ("o:titleInfo/o:title", "o:relatedItem[@type='host']/o:titleInfo/o:title"),
    "title_id": (".//o:identifier[@type='lccn']", ".//o:identifier[@type='issn']", ".//o:identifier[@type='zdb']"),
    "place": (".//o:originInfo/o:place/o:placeTerm",),
    "language": ("o:language/o:languageTerm",),
    "frequency": (".//o:originInfo/o:frequency",),
    "date_issued": (".//o:originInfo/o:dateIssued", "o:part/o:date"),
    "issue": (".//o:detail[@type='issue']/o:number",),
    "edition": (".//o:detail[@type='edition']/o:number",),
    "section": (".//o:detail[@type='section label']/o:number",),
    "page_label": (".//o:detail[@type='page number']/o:number",),
    "sequence": (".//o:extent[@unit='pages']/o:start",),
    "reel": (".//o:identifier[@type='reel number']",),
    "rights": ("o:accessCondition",),
    "source_url": ("o:location/o:url",),
}


@dataclass(frozen=True, slots=True)
class NamedPage:
    """A page that METS names: by the `names` of all its files in the volume, and what is said of it.

    `scan` is the name of its scan, the master before what was made of it; None where that is on the web. `source` is
    the name of the METS file.
    """

    names: tuple[str, ...]
    values: Description
    scan: str | None
    source: str


def read_mets_of(folder: Path, note: Callable[[str], object]) -> list[NamedPage]:
    """Return the pages that METS files in a folder name; what is broken, or an issue that is not there, is noted."""
    found: list[NamedPage] = []
    batches: dict[str, Description] = {}
    for path in xml_files(folder):
        try:
            if kind_of_xml(path) == "batch":
                batches |= _batch(path, folder, note)
            else:
                found += _pages(_root(path), path.parent.relative_to(folder), path.relative_to(folder).as_posix())
        except (etree.XMLSyntaxError, OSError, ValueError) as error:
            note(f"{path} cannot be read as METS ({error}); its pages are not described by it.")
    return [replace(page, values=_of_issue(page, batches) | page.values) for page in found]


def _of_issue(page: NamedPage, batches: Mapping[str, Description]) -> Description:
    """Return what a batch says of all pages of an issue; their METS may leave it out."""
    folders = (str(at) for at in PurePosixPath(page.names[0]).parents)
    return next((batches[at] for at in folders if at in batches), {})


def _root(path: Path) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.parse(str(path), parser).getroot()


def _batch(path: Path, folder: Path, note: Callable[[str], object]) -> dict[str, Description]:
    """Return by the folder of each issue what batch.xml says of it; issues whose METS is not there are noted."""
    root, found, missing = _root(path), {}, []
    for issue in root.iter("{*}issue"):
        values = {"batch": root.get("name"), "title_id": issue.get("lccn"), "date_issued": issue.get("issueDate")}
        values["edition"] = issue.get("editionOrder")
        name = (issue.text or "").strip().removeprefix("./")
        if not (path.parent / name).is_file():
            missing.append(name)
        at = (path.parent.relative_to(folder) / name).parent
        found[at.as_posix()] = described({name: value for name, value in values.items() if value})
    if missing:
        more = " and more" if len(missing) > SHOWN else ""
        some = ", ".join(missing[:SHOWN])
        note(f"{path} names {plural(len(missing), 'issue')} not there: {some}{more}; copy them, and ingest again.")
    return found


def _pages(root: Any, beside: Path, source: str) -> Iterator[NamedPage]:
    sections = {one.get("ID"): one.find(".//o:mods", NAMESPACES) for one in root.iterfind(".//m:dmdSec", NAMESPACES)}
    files = {one.get("ID"): one for one in root.iterfind(".//m:file", NAMESPACES) if _href(one)}
    divisions = [div for div in root.iterfind(".//m:structMap//m:div", NAMESPACES) if _is_page(div)]
    of_pages = {name for div in divisions for name in (div.get("DMDID") or "").split()}
    base: Description = {}
    for name, mods in sections.items():
        if name not in of_pages and mods is not None:
            base = _mods(mods) | base
    for div in divisions:
        values = dict(base)
        for name in (div.get("DMDID") or "").split():
            if sections.get(name) is not None:
                values |= _mods(sections[name])
        values |= _of_division(div, values)
        pointers = (files.get(pointer.get("FILEID")) for pointer in div.iterfind("m:fptr", NAMESPACES))
        if of_page := sorted((one for one in pointers if one is not None), key=_rank):
            names = tuple(_inside(beside, _href(one) or "") for one in of_page)
            scans = (name for name, one in zip(names, of_page, strict=True) if _may_be_missed(one))
            yield NamedPage(names, values, next(scans, None), source)


def _rank(file: Any) -> int:
    """Return 0 for the master of a page, 1 for what was made of it."""
    use = f"{file.get('USE') or ''} {file.getparent().get('USE') or ''}".lower()
    return 0 if any(word in use for word in MASTERS) else 1


def _may_be_missed(file: Any) -> bool:
    """Return whether a file is a scan that should lie beside its METS: no text, and not on the web."""
    href = (_href(file) or "").lower()
    return not href.endswith(NO_SCANS) and urlsplit(href).scheme not in ("http", "https")


def _is_page(div: Any) -> bool:
    return div.find("m:fptr", NAMESPACES) is not None and "page" in (div.get("TYPE") or "page").lower()


def _of_division(div: Any, said: Description) -> Description:
    order, label = div.get("ORDER"), (div.get("ORDERLABEL") or "").strip(" -")
    values = {"sequence": order} if order and "sequence" not in said else {}
    if label and "page_label" not in said:
        values["page_label"] = label
    return described(values)


def _mods(mods: Any) -> Description:
    return described({name: text for name, paths in PATHS.items() if (text := next(_texts(mods, paths), None))})


def _texts(mods: Any, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        for element in mods.iterfind(path, NAMESPACES):
            if text := "".join(element.itertext()).strip():
                yield text


def _href(file: Any) -> str | None:
    place = file.find("m:FLocat", NAMESPACES)
    return None if place is None else place.get(HREF)


def _inside(beside: Path, href: str) -> str:
    """Return the name of a page in its volume, from a reference beside the METS file."""
    parts = urlsplit(href)
    if parts.scheme in ("http", "https"):
        return PurePosixPath(unquote(parts.path)).name
    plain = unquote(parts.path)
    steps: list[str] = []
    for step in (beside / plain.lstrip("/")).as_posix().split("/"):
        if step == ".." and steps:
            steps.pop()
        elif step not in (".", "", ".."):
            steps.append(step)
    return "/".join(steps)
