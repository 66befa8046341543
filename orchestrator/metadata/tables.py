"""Tables of pages: a CSV file with a column `page` and columns named like the fields."""

from __future__ import annotations

import csv
from pathlib import Path

from orchestrator.metadata.values import FIELDS, Description, described
from workers.errors import UnreadableInput

BESIDE_SCANS = "pages.csv"


def read_table(path: Path) -> dict[str, Description]:
    """Return what a table says, by the name of the page; a later row of the same page adds to the earlier.

    Raises:
        UnreadableInput: it cannot be read, or has no column `page` and a field beside it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            named = {name.strip().lower() for name in reader.fieldnames or ()}
            if "page" not in named or named.isdisjoint(FIELDS):
                raise UnreadableInput(f"{path} needs a column page and some of {', '.join(FIELDS)}.")
            return _by_page(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableInput(f"{path} cannot be read as CSV in UTF-8: {reason}.") from error


def _by_page(rows: csv.DictReader[str]) -> dict[str, Description]:
    found: dict[str, Description] = {}
    for row in rows:
        values = {str(name).strip().lower(): value for name, value in row.items() if isinstance(value, str)}
        if page := values.pop("page", "").strip():
            found[page] = found.get(page, {}) | described(values)
    return found
