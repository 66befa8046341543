"""Whose page a canvas is: what its manifest says, as the fields of `page_metadata`. Pure."""

from __future__ import annotations

import re

from orchestrator.discovery.iiif.presentation import Canvas, Manifest
from orchestrator.metadata.values import Description, described

# What hosts call a field in their metadata, in the languages of large hosts; the first that is there counts.
LABELS: dict[str, tuple[str, ...]] = {
    "title": ("title", "titel", "titre", "título", "titolo", "newspaper title", "newspaper"),
    "title_id": ("lccn", "issn", "zdb-id", "zdb", "identifier", "title id"),
    "place": (
        "place of publication", "publication place", "place", "location", "erscheinungsort", "ort", "lieu",
        "lieu de publication", "lugar", "luogo",
    ),
    "language": ("language", "languages", "sprache", "langue", "idioma", "lingua"),
    "frequency": ("frequency", "erscheinungsweise", "périodicité", "periodicity"),
    "date_issued": (
        "date issued", "date", "published", "publication date", "date of publication", "created", "datum",
        "erscheinungsdatum", "date d'édition", "fecha", "data",
    ),
    "issue": ("issue", "issue number", "number", "nummer", "ausgabe", "numéro", "número"),
    "edition": ("edition", "édition"),
    "section": ("section", "teil"),
}  # fmt: skip
_DATE = re.compile(r"(?<!\d)(1[0-9]\d\d|20\d\d)(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?(?!\d)")
_TAG = re.compile(r"<[^<>]*>")


def described_by(manifest: Manifest, canvas: Canvas) -> Description:
    """Return what is known of the page on a canvas."""
    told = {label.lower().rstrip(": "): _plain(value) for label, value in reversed(manifest.told)}
    values = {field: next((told[label] for label in labels if label in told), "") for field, labels in LABELS.items()}
    part_id, part_label = manifest.part_of
    values["title"] = values["title"] or part_label or _plain(manifest.label)
    values["title_id"] = values["title_id"] or part_id
    values["date_issued"] = _date(manifest.nav_date, values["date_issued"], _plain(manifest.label))
    values["sequence"] = str(canvas.number)
    values["page_label"] = _plain(canvas.label)
    values["rights"] = _plain(manifest.rights)
    values["source_url"] = canvas.id if canvas.id.startswith("http") else manifest.homepage or manifest.id
    return described(values)


def _plain(text: str) -> str:
    """Return a value without the marks of HTML, which the standard allows."""
    return " ".join(_TAG.sub(" ", text).split()) if "<" in text else text


def _date(navigation: str, told: str, label: str) -> str:
    """Return a date as precise as it is known.

    `navDate` is always a whole moment: where it is the first of January, what is told decides whether it is a year.
    """
    found = _DATE.search(told)
    day = navigation[:10] if _DATE.fullmatch(navigation[:10]) else ""
    if day.endswith("-01-01") and found and not found[3] and day.startswith(found[1]):
        return found[0]
    if day:
        return day
    if found:
        return found[0]
    whole = _DATE.search(label)
    return whole[0] if whole and whole[3] else ""
