"""METS with MODS beside the scans: NDNP batches, Kitodo and their like.

METS 1 and MODS 3, https://www.loc.gov/standards/mets; NDNP: https://www.loc.gov/ndnp/guidelines. What is said of a page
goes before what is said of its issue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from orchestrator.metadata.beside import kind_of_xml
from orchestrator.metadata.values import Description, described

NAMESPACES = {"m": "http://www.loc.gov/METS/", "o": "http://www.loc.gov/mods/v3"}
HREF = "{http://www.w3.org/1999/xlink}href"
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


def read_mets_of(folder: Path, note: Callable[[str], object]) -> dict[str, Description]:
    """Return what the METS files in a folder say, by the name of the page in it; what is broken is noted, no more."""
    found: dict[str, Description] = {}
    batches: dict[str, Description] = {}
    for path in sorted(folder.rglob("*.[xX][mM][lL]")):
        try:
            kind = kind_of_xml(path)
            if kind == "batch":
                batches |= _batch(path, folder)
            elif kind == "mets":
                found |= _pages(_root(path), path.parent.relative_to(folder))
        except (etree.XMLSyntaxError, OSError, ValueError) as error:
            note(f"{path} cannot be read as METS ({error}); its pages are not described by it.")
    # a batch says of all pages of an issue what their METS may leave out
    for page, values in found.items():
        issue = next((str(at) for at in PurePosixPath(page).parents if str(at) in batches), None)
        found[page] = (batches[issue] if issue else {}) | values
    return found


def _root(path: Path) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.parse(str(path), parser).getroot()


def _batch(path: Path, folder: Path) -> dict[str, Description]:
    """Return by the folder of each issue what batch.xml says of it."""
    root, found = _root(path), {}
    for issue in root.iter("{*}issue"):
        values = {"batch": root.get("name"), "title_id": issue.get("lccn"), "date_issued": issue.get("issueDate")}
        values["edition"] = issue.get("editionOrder")
        at = (path.parent.relative_to(folder) / (issue.text or "").strip().removeprefix("./")).parent
        found[at.as_posix()] = described({name: value for name, value in values.items() if value})
    return found


def _pages(root: Any, beside: Path) -> dict[str, Description]:
    sections = {one.get("ID"): one.find(".//o:mods", NAMESPACES) for one in root.iterfind(".//m:dmdSec", NAMESPACES)}
    files = {one.get("ID"): _href(one) for one in root.iterfind(".//m:file", NAMESPACES)}
    divisions = [div for div in root.iterfind(".//m:structMap//m:div", NAMESPACES) if _is_page(div)]
    of_pages = {name for div in divisions for name in (div.get("DMDID") or "").split()}
    base: Description = {}
    for name, mods in sections.items():
        if name not in of_pages and mods is not None:
            base = _mods(mods) | base
    found = {}
    for div in divisions:
        values = dict(base)
        for name in (div.get("DMDID") or "").split():
            if sections.get(name) is not None:
                values |= _mods(sections[name])
        values |= _of_division(div, values)
        for pointer in div.iterfind("m:fptr", NAMESPACES):
            if href := files.get(pointer.get("FILEID")):
                found[_inside(beside, href)] = values
    return found


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
