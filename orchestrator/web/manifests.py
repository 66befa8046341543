"""IIIF out: a manifest for each volume, the annotations of its pages, and a collection of all, for any viewer.

https://iiif.io/api/presentation/3.0. The pictures are those of `orchestrator.web.iiif`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.export.iiif import annotation_page
from orchestrator.export.manifest import CONTEXT, Addresses, Row, manifest, served_picture
from orchestrator.results.canvases import canvas_rows
from orchestrator.results.selection import Selection
from orchestrator.web.browse import volume_name
from orchestrator.web.errors import NotHere
from orchestrator.web.iiif import allowed, image_address
from orchestrator.web.page_boxes import archived_page
from orchestrator.web.site import site_of
from workers.errors import UnreadableInput

MOST_CANVASES = 20_000  # no viewer opens a manifest of more
_LINKED_DATA = f'application/ld+json;profile="{CONTEXT}"'
_VOLUMES = "SELECT volume_id, volume FROM page_status WHERE state = 'done' GROUP BY volume_id, volume ORDER BY volume"
_RUNS = """
SELECT page_run_id FROM page_status WHERE volume_id = :volume AND state = 'done' ORDER BY page_number, page_id
LIMIT :most"""


def collection(request: Request) -> Response:
    """Send the collection of all volumes."""
    base = _base(request)
    items = [
        {"id": f"{base}/{row['volume_id']}/manifest.json", "type": "Manifest", "label": {"none": [row["volume"]]}}
        for row in site_of(request).ask(_VOLUMES)
    ]
    label = {"en": ["Volumes of this archive"]}
    return _sent(
        request,
        {"@context": CONTEXT, "id": f"{base}/collection.json", "type": "Collection", "label": label, "items": items},
    )


def volume_manifest(request: Request) -> Response:
    """Send the manifest of a volume: its pages that are read, in their order."""
    site, number = site_of(request), request.path_params["volume_id"]
    name = volume_name(site, number)
    runs = tuple(row["page_run_id"] for row in site.ask(_RUNS, volume=number, most=MOST_CANVASES + 1))
    if not runs:
        raise NotHere(f"No page of {name} is read yet, so it has no manifest.")
    if len(runs) > MOST_CANVASES:
        raise UnreadableInput(
            f"{name} has more than {MOST_CANVASES:,} pages, too many for a viewer; ingest its folders as volumes "
            "(--volume-per-folder)."
        )
    rows = canvas_rows(site.engine, Selection(page_runs=runs))
    return _sent(request, manifest(name, rows, _addresses(request, number)))


def page_annotations(request: Request) -> Response:
    """Send what was found on a page as annotations of its canvas."""
    page_id = request.path_params["page_id"]
    page = archived_page(site_of(request), page_id)
    base = _base(request)
    content = annotation_page(page, f"{base}/canvas/{page_id}", f"{base}/annotations/{page_id}.json")
    return Response(content, headers=allowed(request), media_type=_LINKED_DATA)


def _addresses(request: Request, volume_id: int) -> Addresses:
    base = _base(request)
    return Addresses(
        manifest=f"{base}/{volume_id}/manifest.json",
        canvas=lambda row: f"{base}/canvas/{row['page_id']}",
        annotations=lambda row: f"{base}/annotations/{row['page_id']}.json",
        picture=lambda row: _picture(request, row),
    )


def _picture(request: Request, row: Row) -> dict[str, object]:
    return served_picture(image_address(request, row["page_id"]), row)


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/iiif"


def _sent(request: Request, document: dict[str, object]) -> Response:
    return JSONResponse(document, headers=allowed(request), media_type=_LINKED_DATA)


ROUTES = [
    Route("/iiif/collection.json", collection),
    Route("/iiif/{volume_id:int}/manifest.json", volume_manifest),
    Route("/iiif/annotations/{page_id:int}.json", page_annotations),
]
