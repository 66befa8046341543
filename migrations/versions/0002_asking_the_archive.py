"""What readers ask with: indices over boxes, boxes as fractions, percentiles, suspects and duplicates."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Table -> its number within a page run. The R*Tree knows a row by page_run_id * 2^20 + that number: SQLite's own row
# numbers change when the file is vacuumed.
BOXES = {"text_line": "line_number", "separator": "separator_number", "face": "face_number"}

# PostgreSQL has two dimensions without an extension. So 256 page runs, neighbours and mostly of one volume, share a
# plane, and the planes lie side by side, 2^20 pixels apart: a rectangle is one look-up in each plane of the volume.
_PLANE = "page_run_id / 256 * 1048576"
_PLANE_BOX = f"box(point(CAST({_PLANE} + x_max AS FLOAT), y_max), point(CAST({_PLANE} + x_min AS FLOAT), y_min))"

_TREE_ROW = """
    SELECT new.page_run_id << 20 | new.{number}, p.volume_id, p.volume_id, new.x_min, new.x_max, new.y_min, new.y_max
    FROM page_run r JOIN page p ON p.page_id = r.page_id WHERE r.page_run_id = new.page_run_id"""
_TRIGGERS = {
    "insert": "AFTER INSERT ON {table} BEGIN INSERT INTO {table}_rtree " + _TREE_ROW + "; END",
    "delete": "AFTER DELETE ON {table} BEGIN "
    "DELETE FROM {table}_rtree WHERE box_id = old.page_run_id << 20 | old.{number}; END",
    "update": "AFTER UPDATE ON {table} BEGIN "
    "DELETE FROM {table}_rtree WHERE box_id = old.page_run_id << 20 | old.{number}; "
    "INSERT INTO {table}_rtree " + _TREE_ROW + "; END",
}

_OF_PAGE_RUN = """
        JOIN page_run r ON r.page_run_id = {alias}.page_run_id
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN pipeline l ON l.pipeline_id = r.pipeline_id"""


def _page_boxes() -> str:
    kinds = (
        ("line", "text_line", "line_number", "NULL", "NULL"),
        ("separator", "separator", "separator_number", "b.origin", "NULL"),
        ("face", "face", "face_number", "b.label", "b.confidence"),
    )
    return " UNION ALL ".join(
        f"""
        SELECT v.source AS volume, p.name AS page, p.page_number, '{kind}' AS kind, b.{number} AS number,
               CAST({label} AS VARCHAR(40)) AS label, CAST({confidence} AS FLOAT) AS confidence,
               b.x_min, b.y_min, b.x_max, b.y_max,
               CAST(b.x_min AS FLOAT) / r.width AS x_fraction, CAST(b.y_min AS FLOAT) / r.height AS y_fraction,
               CAST(b.x_max - b.x_min AS FLOAT) / r.width AS width_fraction,
               CAST(b.y_max - b.y_min AS FLOAT) / r.height AS height_fraction,
               l.fingerprint AS pipeline, b.page_run_id
        FROM {table} b{_OF_PAGE_RUN.format(alias="b")}"""
        for kind, table, number, label, confidence in kinds
    )


def _percentiles(by: str, group: str) -> str:
    # nearest rank: the smallest value that at least so many hundredths of the values do not exceed
    ranks = ", ".join(
        f"max(CASE WHEN place = (pages * {share} + 99) / 100 THEN wall_ms END) AS p{share}_ms" for share in (50, 95, 99)
    )
    return f"""
        SELECT {group}, stage, pipeline, pages, {ranks}, max(wall_ms) AS max_ms, avg(wall_ms) AS mean_ms,
               avg(cpu_ms) AS mean_cpu_ms, max(peak_rss_kib) AS max_peak_rss_kib
        FROM (
            SELECT {by} AS {group}, t.stage, l.fingerprint AS pipeline, t.wall_ms, t.cpu_ms, t.peak_rss_kib,
                   row_number() OVER (PARTITION BY {by}, t.stage, l.fingerprint ORDER BY t.wall_ms) AS place,
                   count(*) OVER (PARTITION BY {by}, t.stage, l.fingerprint) AS pages
            FROM stage_timing t{_OF_PAGE_RUN.format(alias="t")}
            WHERE r.state = 'done'
        ) ranked
        GROUP BY {group}, stage, pipeline, pages"""


# A done page and its ten neighbours in the volume. The largest and the smallest neighbour do not count, so that one
# odd page does not make its neighbours look odd.
_NEIGHBOURS = """
        SELECT v.source AS volume, p.name AS page, p.page_number, l.fingerprint AS pipeline, r.page_run_id,
               r.text_lines, r.wall_ms,
               count(r.text_lines) OVER near AS neighbours,
               sum(r.text_lines) OVER near - max(r.text_lines) OVER near - min(r.text_lines) OVER near AS their_lines,
               row_number() OVER (PARTITION BY v.source, l.fingerprint ORDER BY r.wall_ms) AS place,
               count(*) OVER (PARTITION BY v.source, l.fingerprint) AS pages
        FROM page_run r
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN pipeline l ON l.pipeline_id = r.pipeline_id
        WHERE r.state = 'done'
        WINDOW near AS (PARTITION BY v.source, l.fingerprint ORDER BY p.page_number, p.page_id
                        ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING EXCLUDE CURRENT ROW)"""


def _suspect_pages(greatest: str, least: str) -> str:
    page = "volume, page, page_number"
    of_run = "v.source AS volume, p.name AS page, p.page_number"
    overlap = (
        f"({least}(f.x_max, t.x_max) - {greatest}(f.x_min, t.x_min))"
        f" * ({least}(f.y_max, t.y_max) - {greatest}(f.y_min, t.y_min))"
    )
    touching = "t.x_min < f.x_max AND t.x_max > f.x_min AND t.y_min < f.y_max AND t.y_max > f.y_min"
    return f"""
        SELECT {of_run}, 'no_lines' AS reason, r.empty_reason AS detail, CAST(0 AS FLOAT) AS measure,
               l.fingerprint AS pipeline, r.page_run_id
        FROM page_run r
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN pipeline l ON l.pipeline_id = r.pipeline_id
        WHERE r.state = 'done' AND r.text_lines = 0
        UNION ALL
        SELECT {page}, CASE WHEN text_lines * (neighbours - 2) > their_lines THEN 'more_lines' ELSE 'fewer_lines' END,
               'lines for each line of its neighbours', CAST(text_lines AS FLOAT) * (neighbours - 2) / their_lines,
               pipeline, page_run_id
        FROM ({_NEIGHBOURS}) near_pages
        WHERE neighbours >= 4 AND text_lines > 0 AND their_lines >= 10 * (neighbours - 2)
          AND (text_lines * (neighbours - 2) > their_lines * 2 OR text_lines * (neighbours - 2) * 2 < their_lines)
        UNION ALL
        SELECT {of_run}, 'lines_across_separator', 'lines that reach over a separator on both sides',
               CAST(count(DISTINCT t.line_number) AS FLOAT), l.fingerprint, r.page_run_id
        FROM separator s
        JOIN text_line t ON t.page_run_id = s.page_run_id
         AND t.y_min + t.y_max BETWEEN 2 * s.y_min AND 2 * s.y_max
         AND s.x_min - t.x_min > t.y_max - t.y_min AND t.x_max - s.x_max > t.y_max - t.y_min
        JOIN page_run r ON r.page_run_id = s.page_run_id
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN pipeline l ON l.pipeline_id = r.pipeline_id
        GROUP BY v.source, p.name, p.page_number, l.fingerprint, r.page_run_id
        UNION ALL
        SELECT {page}, 'face_over_text', 'largest share of a face that text lines cover', max(share),
               pipeline, page_run_id
        FROM (
            SELECT {of_run}, l.fingerprint AS pipeline, r.page_run_id, f.face_number,
                   CAST(sum({overlap}) AS FLOAT) / ((f.x_max - f.x_min) * (f.y_max - f.y_min)) AS share
            FROM face f
            JOIN text_line t ON t.page_run_id = f.page_run_id AND {touching}
            JOIN page_run r ON r.page_run_id = f.page_run_id
            JOIN page p ON p.page_id = r.page_id
            JOIN volume v ON v.volume_id = p.volume_id
            JOIN pipeline l ON l.pipeline_id = r.pipeline_id
            GROUP BY v.source, p.name, p.page_number, l.fingerprint, r.page_run_id, f.face_number,
                     f.x_min, f.x_max, f.y_min, f.y_max
        ) covered
        WHERE share >= 0.25
        GROUP BY {page}, pipeline, page_run_id
        UNION ALL
        SELECT {page}, 'slow', 'milliseconds; the slowest hundredth of its volume', wall_ms, pipeline, page_run_id
        FROM ({_NEIGHBOURS}) timed
        WHERE pages >= 20 AND place * 100 > pages * 99"""


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
        ), pictures AS (
            SELECT r.page_id, max(r.picture_hash) AS picture_hash
            FROM page_run r JOIN bytes b ON b.page_id = r.page_id AND b.first_id = b.page_id
            WHERE r.state = 'done' AND r.picture_hash IS NOT NULL AND r.picture_hash <> 0
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


def _views(dialect: str) -> Iterator[tuple[str, str]]:
    sqlite = dialect == "sqlite"
    day = "substr(r.finished_at, 1, 10)" if sqlite else "to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    yield "page_boxes", _page_boxes()
    yield "stage_percentiles_by_volume", _percentiles("v.source", "volume")
    yield "stage_percentiles_by_day", _percentiles(day, "day")
    yield "suspect_pages", _suspect_pages("max", "min") if sqlite else _suspect_pages("greatest", "least")
    # pages of one PDF or multi-page image share its bytes: they are the same only where the frame is
    frame = "json_extract(address, '$.frame')" if sqlite else "CAST(address AS json) ->> 'frame'"
    yield "duplicate_pages", _duplicate_pages(frame)


def upgrade() -> None:
    """Add the picture hash, the indices and the views."""
    comment = "64-bit difference hash of the picture: a few bits apart means the same picture"
    op.add_column("page_run", sa.Column("picture_hash", sa.BigInteger(), nullable=True, comment=comment))
    op.create_index("ix_page_volume_id_page_number", "page", ["volume_id", "page_number"])
    dialect = op.get_bind().dialect.name
    for table, number in BOXES.items():
        if dialect == "sqlite":
            _grow_tree(table, number)
        else:
            op.execute(f"CREATE INDEX ix_{table}_box ON {table} USING gist (({_PLANE_BOX}))")
    for name, query in _views(dialect):
        op.execute(f"CREATE VIEW {name} AS {query}")


def _grow_tree(table: str, number: str) -> None:
    op.execute(
        f"CREATE VIRTUAL TABLE {table}_rtree USING rtree_i32"
        "(box_id, volume_min, volume_max, x_min, x_max, y_min, y_max)"
    )
    op.execute(
        f"INSERT INTO {table}_rtree SELECT b.page_run_id << 20 | b.{number}, p.volume_id, p.volume_id, "
        f"b.x_min, b.x_max, b.y_min, b.y_max FROM {table} b "
        "JOIN page_run r ON r.page_run_id = b.page_run_id JOIN page p ON p.page_id = r.page_id"
    )
    for event, body in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {table}_rtree_{event} {body.format(table=table, number=number)}")


def downgrade() -> None:
    """Remove the views, the indices and the picture hash."""
    dialect = op.get_bind().dialect.name
    for name, _ in reversed(list(_views(dialect))):
        op.execute(f"DROP VIEW {name}")
    for table in BOXES:
        if dialect == "sqlite":
            for event in _TRIGGERS:
                op.execute(f"DROP TRIGGER {table}_rtree_{event}")
            op.execute(f"DROP TABLE {table}_rtree")
        else:
            op.execute(f"DROP INDEX ix_{table}_box")
    op.drop_index("ix_page_volume_id_page_number", "page")
    op.drop_column("page_run", "picture_hash")
