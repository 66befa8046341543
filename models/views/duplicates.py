"""`duplicate_pages`: pages that are there twice, by their bytes or by their picture."""

from __future__ import annotations

from models.views.view import CURRENT, View


def _bits_that_differ(a: str, b: str) -> str:
    """Return SQL that counts the bits in which two 16-bit numbers differ; SQLite has neither XOR nor popcount."""
    x = f"(({a} | {b}) - ({a} & {b}))"
    return " + ".join(f"(({x} >> {bit}) & 1)" for bit in range(16))


# The same picture: at most 3 of the 64 bits differ, so that one of four 16-bit quarters is equal, and a join on
# quarters finds every pair without comparing all with all.
def _duplicate_pages(frame: str) -> str:
    quarters = ", ".join(f"(h.picture_hash >> {16 * q}) & 65535 AS q{q}" for q in range(4))
    bands = " UNION ALL ".join(f"SELECT {q} AS band, q{q} AS quarter, hashes.* FROM hashes" for q in range(4))
    distance = " + ".join(_bits_that_differ(f"a.q{q}", f"b.q{q}") for q in range(4))
    of_page = "v.source AS volume, p.name AS page, p.page_number, {kind} AS kind, w.source AS other_volume"
    return f"""
        WITH bytes AS (
            SELECT page_id, min(page_id) OVER (PARTITION BY sha256, {frame}) AS first_id FROM page
            WHERE gone_at IS NULL
        ), pictures AS (
            SELECT r.page_id, max(r.picture_hash) AS picture_hash
            FROM page_run r JOIN bytes b ON b.page_id = r.page_id AND b.first_id = b.page_id
            WHERE r.state = 'done' AND {CURRENT} AND r.picture_hash IS NOT NULL AND r.picture_hash <> 0
            GROUP BY r.page_id
        ), hashes AS (
            SELECT h.picture_hash, {quarters}, min(h.page_id) AS first_id
            FROM pictures h GROUP BY h.picture_hash
        ), bands AS (
            {bands}
        ), near AS (
            SELECT a.picture_hash, b.first_id, min({distance}) AS distance
            FROM bands a JOIN bands b ON b.band = a.band AND b.quarter = a.quarter AND b.first_id <= a.first_id
            GROUP BY a.picture_hash, b.first_id
        ), earliest AS (
            SELECT picture_hash, first_id, distance,
                   row_number() OVER (PARTITION BY picture_hash ORDER BY first_id) AS place
            FROM near WHERE distance <= 3
        )
        SELECT {of_page.format(kind="'same_bytes'")}, o.name AS other_page, o.page_number AS other_page_number,
               0 AS distance, p.page_id, o.page_id AS other_page_id
        FROM bytes b
        JOIN page p ON p.page_id = b.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN page o ON o.page_id = b.first_id
        JOIN volume w ON w.volume_id = o.volume_id
        WHERE b.page_id <> b.first_id
        UNION ALL
        SELECT {of_page.format(kind="'same_picture'")}, o.name, o.page_number,
               e.distance, p.page_id, o.page_id
        FROM pictures h
        JOIN earliest e ON e.picture_hash = h.picture_hash AND e.place = 1
        JOIN page p ON p.page_id = h.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN page o ON o.page_id = e.first_id
        JOIN volume w ON w.volume_id = o.volume_id
        WHERE h.page_id <> e.first_id"""


# pages of one PDF or multi-page image share its bytes: they are the same only where the frame is
_FRAMES = {"sqlite": "json_extract(address, '$.frame')", "postgresql": "CAST(address AS json) ->> 'frame'"}
VIEWS = (
    View(
        "duplicate_pages",
        "Pages that are there twice, each beside the first of its kind",
        {
            "volume": "Name of the volume",
            "page": "Name of the page in its volume",
            "page_number": "Place of the page in the natural order of its volume, from 1",
            "kind": "same_bytes or same_picture",
            "other_volume": "Name of the volume of the first page of this kind",
            "other_page": "Name of the first page of this kind",
            "other_page_number": "Place of the first page of this kind in its volume, from 1",
            "distance": "Bits in which the two picture hashes differ, 0 to 3; 0 where the bytes are the same",
            "page_id": "Number of the page",
            "other_page_id": "Number of the first page of this kind",
        },
        {dialect: _duplicate_pages(frame) for dialect, frame in _FRAMES.items()},
    ),
)
