"""Browse: the volumes with how far each is, and the issues of a volume."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.web.errors import NotHere
from orchestrator.web.rendering import render
from orchestrator.web.site import Site, site_of
from orchestrator.web.volumes import COUNTS, VOLUMES
from orchestrator.web.walls import read_wall

MOST_ISSUES = 400  # of a volume are shown at once; by year where there are more
ISSUES = f"""
SELECT title, date_issued, issue, edition, min(page_id) AS first_page, {COUNTS}
FROM page_status
WHERE volume_id = :volume AND (title IS NOT NULL OR date_issued IS NOT NULL) AND coalesce(date_issued, '') LIKE :year
GROUP BY title, date_issued, issue, edition
ORDER BY date_issued, title, issue, edition
LIMIT {MOST_ISSUES}"""
YEARS = """
SELECT substr(date_issued, 1, 4) AS year, count(*) AS pages
FROM page_status
WHERE volume_id = :volume AND date_issued IS NOT NULL
GROUP BY substr(date_issued, 1, 4)
ORDER BY 1"""
STATES = "SELECT state, count(*) AS pages FROM page_status WHERE volume_id = :volume GROUP BY state ORDER BY 2 DESC"


def volumes(request: Request) -> Response:
    """Show the volumes."""
    site = site_of(request)
    return render(request, "volumes.html.j2", volumes=site.kept("volumes", lambda: site.ask(VOLUMES)))


def volume(request: Request) -> Response:
    """Show the issues of a volume, where they are known, and its first pages."""
    site, number = site_of(request), request.path_params["volume_id"]
    year = request.query_params.get("year", "")[:4]
    return render(
        request, "volume.html.j2", volume_id=number, name=volume_name(site, number), year=year,
        states=site.ask(STATES, volume=number), years=site.ask(YEARS, volume=number),
        issues=_issues(site, number, year), wall=read_wall(site, {"volume": str(number)}),
    )  # fmt: skip


def volume_name(site: Site, volume_id: int) -> str:
    """Return the name of a volume.

    Raises:
        NotHere: no page of it is present.
    """
    found = site.ask("SELECT volume FROM page_status WHERE volume_id = :volume LIMIT 1", volume=volume_id)
    if not found:
        raise NotHere(f"The database has no volume {volume_id} with pages.")
    return str(found[0]["volume"])


def _issues(site: Site, volume_id: int, year: str) -> list[dict[str, Any]]:
    return site.ask(ISSUES, volume=volume_id, year=f"{year}%")


MENU = (("Volumes", "/"),)
ROUTES = [Route("/", volumes), Route("/volumes/{volume_id:int}", volume)]
