"""The suspects of the whole archive: to find them takes a look at every page and box, so they are kept for a while."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.web.filters import ANY, Filters
from orchestrator.web.site import Site

FOUND_IN_SECONDS = 1800.0  # so long the question may take, behind everybody's back
_SUSPECTS = "SELECT page_run_id, page_id, page_number, volume, reason FROM suspect_pages"
# A list of any length as one value, in the spelling of each database.
_IN_LIST = {
    "sqlite": "page_run_id IN (SELECT value FROM json_each(:suspects))",
    "postgresql": (
        "page_run_id IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:suspects AS json)) AS value)"
    ),
}


def suspects(site: Site) -> list[dict[str, Any]]:
    """Return the rows of `suspect_pages` as they were not long ago.

    Raises:
        StillAsking: they are not known yet.
    """
    return site.kept("suspects", lambda: site.ask_with(_SUSPECTS, {}, FOUND_IN_SECONDS))


def with_suspects_found(site: Site, filters: Filters) -> Filters:
    """Return filters that ask for the suspects by their numbers, where they ask for suspects.

    Raises:
        StillAsking: they are not known yet.
    """
    reason = filters.asked.get("suspect")
    if reason is None:
        return filters
    runs = sorted({row["page_run_id"] for row in suspects(site) if reason in (ANY, row["reason"])})
    return filters.with_list(_IN_LIST[site.engine.dialect.name], "suspects", json.dumps(runs))


def next_suspect(site: Site, page: dict[str, Any]) -> int | None:
    """Return the next page of the volume that looks odd, after a row of `page_status`.

    Raises:
        StillAsking: they are not known yet.
    """
    here = page["page_number"], page["page_id"]
    later = [
        (row["page_number"], row["page_id"])
        for row in suspects(site)
        if row["volume"] == page["volume"] and (row["page_number"], row["page_id"]) > here
    ]
    return min(later)[1] if later else None
