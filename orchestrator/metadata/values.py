"""The values of a description: dates with their precision, numbers as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

Description = dict[str, str | int | None]

# The columns of `page_description` that people give.
FIELDS = (
    "title", "title_id", "place", "language", "frequency", "date_issued", "issue", "edition", "section", "sequence",
    "page_label", "batch", "reel", "rights", "source_url",
)  # fmt: skip
PRECISIONS = ("year", "month", "day")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def described(values: Mapping[str, str]) -> Description:
    """Return the fields among `values` as they are stored; what is empty or no field is left out."""
    found: Description = {name: values[name].strip() for name in FIELDS if values.get(name, "").strip()}
    if "sequence" in found:
        text = str(found["sequence"])
        found["sequence"] = int(text) if text.isdecimal() else None
    precision = date_precision(str(found.get("date_issued", "")))
    return found | ({"date_precision": precision} if precision else {})


def date_precision(date: str) -> str | None:
    """Return how precise an ISO date is: year, month or day; None when it is none."""
    match = _DATE.fullmatch(date)
    return PRECISIONS[sum(part is not None for part in match.groups()) - 1] if match else None
