"""Browse: the volumes with how far each is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.web.rendering import render
from orchestrator.web.site import site_of

VOLUMES = """
SELECT volume_id, volume, count(*) AS pages, sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS done,
       sum(CASE WHEN state = 'quarantined' THEN 1 ELSE 0 END) AS quarantined, sum(text_lines) AS text_lines,
       sum(faces) AS faces, sum(pictures) AS pictures, min(date_issued) AS first_date, max(date_issued) AS last_date
FROM page_status
GROUP BY volume_id, volume
ORDER BY volume, volume_id"""


def volumes(request: Request) -> Response:
    """Show the volumes."""
    return render(request, "volumes.html.j2", volumes=site_of(request).ask(VOLUMES))


MENU = (("Volumes", "/"),)
ROUTES = [Route("/", volumes)]
