"""The tables and the five views that readers rely on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, UtcDateTime, database_now

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The views are a promise: columns may be added, never renamed.
VIEWS = {
    "page_status": """
        SELECT v.source AS volume, p.name AS page, p.page_number, r.state, r.attempts, r.error_code, r.error_message,
               r.width, r.height, r.text_lines, r.separators, r.faces, r.wall_ms, r.started_at, r.finished_at,
               l.fingerprint AS pipeline, r.empty_reason, r.skew_degrees, p.sha256, r.page_run_id
        FROM page_run r
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN pipeline l ON l.pipeline_id = r.pipeline_id""",
    "page_lines": """
        SELECT v.source AS volume, p.name AS page, p.page_number, t.line_number AS reading_order,
               t.x_min AS x, t.y_min AS y, t.x_max - t.x_min AS width, t.y_max - t.y_min AS height,
               t.baseline, t.boundary, t.page_run_id
        FROM text_line t
        JOIN page_run r ON r.page_run_id = t.page_run_id
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id""",
    "page_separators": """
        SELECT v.source AS volume, p.name AS page, p.page_number,
               s.x_min AS x, s.y_min AS y, s.x_max - s.x_min AS width, s.y_max - s.y_min AS height,
               s.origin, s.path, s.page_run_id
        FROM separator s
        JOIN page_run r ON r.page_run_id = s.page_run_id
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id""",
    "page_faces": """
        SELECT v.source AS volume, p.name AS page, p.page_number, f.label,
               f.x_min AS x, f.y_min AS y, f.x_max - f.x_min AS width, f.y_max - f.y_min AS height,
               f.confidence, f.page_run_id
        FROM face f
        JOIN page_run r ON r.page_run_id = f.page_run_id
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id""",
    "page_timings": """
        SELECT v.source AS volume, p.name AS page, p.page_number, t.stage, t.wall_ms, t.cpu_ms, t.peak_rss_kib,
               t.items, t.stage_number, t.page_run_id
        FROM stage_timing t
        JOIN page_run r ON r.page_run_id = t.page_run_id
        JOIN page p ON p.page_id = r.page_id
        JOIN volume v ON v.volume_id = p.volume_id""",
}


def upgrade() -> None:
    """Make the tables, then the views."""
    op.create_table(
        "pipeline",
        sa.Column("pipeline_id", Id, nullable=False, comment="Number of the pipeline"),
        sa.Column(
            "fingerprint", sa.String(length=16), nullable=False, comment="Its name: a hash over parameters and versions"
        ),
        sa.Column("parameters", sa.Text(), nullable=False, comment="Every parameter, canonical JSON"),
        sa.Column(
            "versions",
            sa.Text(),
            nullable=False,
            comment="Versions of Python, kraken, OpenCV, Pillow, Broadsheet; JSON",
        ),
        sa.Column(
            "created_at",
            UtcDateTime(),
            server_default=database_now(),
            nullable=False,
            comment="When it was first used, UTC",
        ),
        sa.PrimaryKeyConstraint("pipeline_id", name=op.f("pk_pipeline")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_pipeline_fingerprint")),
        comment="A set of parameters and versions that decides the results",
    )
    op.create_table(
        "volume",
        sa.Column("volume_id", Id, nullable=False, comment="Number of the volume"),
        sa.Column("source", sa.Text(), nullable=False, comment="The path as the user gave it"),
        sa.Column("location", sa.Text(), nullable=False, comment="Absolute path, where the workers find it"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="directory, zip, tar, pdf or image"),
        sa.Column(
            "created_at",
            UtcDateTime(),
            server_default=database_now(),
            nullable=False,
            comment="When it was first ingested, UTC",
        ),
        sa.PrimaryKeyConstraint("volume_id", name=op.f("pk_volume")),
        sa.UniqueConstraint("location", name=op.f("uq_volume_location")),
        comment="What was ingested, one row for each path given",
    )
    op.create_table(
        "page",
        sa.Column("page_id", Id, nullable=False, comment="Number of the page"),
        sa.Column("volume_id", Id, nullable=False, comment="The volume it belongs to"),
        sa.Column("page_number", sa.Integer(), nullable=False, comment="1-based place in the volume's natural order"),
        sa.Column("name", sa.Text(), nullable=False, comment="Member name as shown to people: p0003.tif, book.pdf#3"),
        sa.Column(
            "address", sa.Text(), nullable=False, comment="JSON by which a worker finds the page inside the volume"
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the original bytes, hexadecimal"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="Length of the original bytes"),
        sa.Column(
            "modified_ns",
            sa.BigInteger(),
            nullable=False,
            comment="Modification time of the file, nanoseconds since 1970; unchanged means no second hashing",
        ),
        sa.Column(
            "created_at",
            UtcDateTime(),
            server_default=database_now(),
            nullable=False,
            comment="When it was first seen, UTC",
        ),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volume.volume_id"], name=op.f("fk_page_volume_id_volume"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_page")),
        sa.UniqueConstraint("volume_id", "name", "sha256", name=op.f("uq_page_volume_id_name_sha256")),
        comment="One scanned image of a volume",
    )
    op.create_index("ix_page_sha256", "page", ["sha256"], unique=False)

    op.create_table(
        "page_run",
        sa.Column("page_run_id", Id, nullable=False, comment="Number of the page run; what messages carry"),
        sa.Column("page_id", Id, nullable=False, comment="The page"),
        sa.Column("pipeline_id", Id, nullable=False, comment="The pipeline"),
        sa.Column(
            "state",
            sa.String(length=12),
            server_default="ready",
            nullable=False,
            comment="ready, queued, running, done, quarantined or cancelled",
        ),
        sa.Column(
            "priority",
            sa.SmallInteger(),
            server_default="1",
            nullable=False,
            comment="0 interactive, 1 bulk; lower goes first",
        ),
        sa.Column(
            "attempts",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="Attempts begun, counted at claim time",
        ),
        sa.Column(
            "attempts_forgiven",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="Attempts that no longer count, since someone asked for a retry",
        ),
        sa.Column("owner", sa.String(length=48), nullable=True, comment="Token of the attempt that holds the lease"),
        sa.Column("lease_until", UtcDateTime(), nullable=True, comment="When the lease runs out, UTC"),
        sa.Column("not_before", UtcDateTime(), nullable=True, comment="Earliest moment of the next attempt, UTC"),
        sa.Column("queued_at", UtcDateTime(), nullable=True, comment="When its message was last sent, UTC"),
        sa.Column("started_at", UtcDateTime(), nullable=True, comment="When the last attempt began, UTC"),
        sa.Column("finished_at", UtcDateTime(), nullable=True, comment="When it ended for good, UTC"),
        sa.Column(
            "error_code", sa.String(length=40), nullable=True, comment="Why it failed last; a stable key to group by"
        ),
        sa.Column("error_message", sa.Text(), nullable=True, comment="Why it failed last, in words"),
        sa.Column(
            "empty_reason", sa.String(length=40), nullable=True, comment="Why a done page has no text line; else NULL"
        ),
        sa.Column("width", sa.Integer(), nullable=True, comment="Width of the upright scan in pixels"),
        sa.Column("height", sa.Integer(), nullable=True, comment="Height of the upright scan in pixels"),
        sa.Column("skew_degrees", sa.Float(), nullable=True, comment="Estimated skew of the scan in degrees"),
        sa.Column("text_lines", sa.Integer(), nullable=True, comment="Number of text lines found"),
        sa.Column("separators", sa.Integer(), nullable=True, comment="Number of separators found"),
        sa.Column("faces", sa.Integer(), nullable=True, comment="Number of faces found"),
        sa.Column("wall_ms", sa.Float(), nullable=True, comment="Time of the successful attempt in milliseconds"),
        sa.Column(
            "created_at",
            UtcDateTime(),
            server_default=database_now(),
            nullable=False,
            comment="When it was ingested, UTC",
        ),
        sa.CheckConstraint(
            "state IN ('ready', 'queued', 'running', 'done', 'quarantined', 'cancelled')",
            name=op.f("ck_page_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["page_id"], ["page.page_id"], name=op.f("fk_page_run_page_id_page"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipeline.pipeline_id"], name=op.f("fk_page_run_pipeline_id_pipeline")
        ),
        sa.PrimaryKeyConstraint("page_run_id", name=op.f("pk_page_run")),
        sa.UniqueConstraint("page_id", "pipeline_id", name=op.f("uq_page_run_page_id_pipeline_id")),
        comment="One page under one pipeline; the queue of record",
    )
    op.create_index(
        "ix_page_run_failed",
        "page_run",
        ["state", "error_code"],
        unique=False,
        postgresql_where=sa.text("error_code IS NOT NULL"),
        sqlite_where=sa.text("error_code IS NOT NULL"),
    )
    op.create_index(
        "ix_page_run_feed",
        "page_run",
        ["priority", "page_run_id"],
        unique=False,
        postgresql_where=sa.text("state = 'ready'"),
        sqlite_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_page_run_in_flight",
        "page_run",
        ["state", "page_run_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
        sqlite_where=sa.text("state IN ('queued', 'running')"),
    )

    op.create_table(
        "attempt",
        sa.Column("page_run_id", Id, nullable=False, comment="The page run"),
        sa.Column("attempt_number", sa.SmallInteger(), nullable=False, comment="1 for the first try"),
        sa.Column("owner", sa.String(length=48), nullable=False, comment="Token that fences this attempt's writes"),
        sa.Column("worker", sa.Text(), nullable=False, comment="Host and process that ran it: host:pid"),
        sa.Column(
            "outcome",
            sa.String(length=12),
            nullable=True,
            comment="done, quarantined, retry, lost or cancelled; NULL while it runs",
        ),
        sa.Column("stage", sa.String(length=20), nullable=True, comment="The stage it failed in"),
        sa.Column("error_code", sa.String(length=40), nullable=True, comment="Why it failed; a stable key"),
        sa.Column("error_message", sa.Text(), nullable=True, comment="Why it failed, in words"),
        sa.Column("traceback", sa.Text(), nullable=True, comment="Python's traceback where there was one"),
        sa.Column("peak_rss_kib", sa.Integer(), nullable=True, comment="Peak resident memory of the process, KiB"),
        sa.Column(
            "started_at",
            UtcDateTime(),
            server_default=database_now(),
            nullable=False,
            comment="When it claimed the page, UTC",
        ),
        sa.Column("finished_at", UtcDateTime(), nullable=True, comment="When it ended, UTC"),
        sa.ForeignKeyConstraint(
            ["page_run_id"], ["page_run.page_run_id"], name=op.f("fk_attempt_page_run_id_page_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("page_run_id", "attempt_number", name=op.f("pk_attempt")),
        comment="One try at a page run",
    )
    op.create_table(
        "face",
        sa.Column("page_run_id", Id, nullable=False, comment="The page run"),
        sa.Column("face_number", sa.Integer(), nullable=False, comment="1-based, in the detector's order"),
        sa.Column(
            "label", sa.String(length=40), nullable=False, comment="face, or the name of the cascade that was asked for"
        ),
        sa.Column("confidence", sa.Float(), nullable=False, comment="The detector's own level; higher is surer"),
        sa.Column("x_min", sa.Integer(), nullable=False, comment="Left edge, pixels of the upright original scan"),
        sa.Column("y_min", sa.Integer(), nullable=False, comment="Top edge, pixels"),
        sa.Column("x_max", sa.Integer(), nullable=False, comment="Right edge, exclusive, pixels"),
        sa.Column("y_max", sa.Integer(), nullable=False, comment="Bottom edge, exclusive, pixels"),
        sa.ForeignKeyConstraint(
            ["page_run_id"], ["page_run.page_run_id"], name=op.f("fk_face_page_run_id_page_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("page_run_id", "face_number", name=op.f("pk_face")),
        comment="Faces",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "separator",
        sa.Column("page_run_id", Id, nullable=False, comment="The page run"),
        sa.Column("separator_number", sa.Integer(), nullable=False, comment="1-based, left to right"),
        sa.Column("origin", sa.String(length=8), nullable=False, comment="inserted or printed"),
        sa.Column("path", sa.Text(), nullable=False, comment="JSON [[x, y], ...] from top to bottom along its middle"),
        sa.Column("x_min", sa.Integer(), nullable=False, comment="Left edge, pixels of the upright original scan"),
        sa.Column("y_min", sa.Integer(), nullable=False, comment="Top edge, pixels"),
        sa.Column("x_max", sa.Integer(), nullable=False, comment="Right edge, exclusive, pixels"),
        sa.Column("y_max", sa.Integer(), nullable=False, comment="Bottom edge, exclusive, pixels"),
        sa.ForeignKeyConstraint(
            ["page_run_id"],
            ["page_run.page_run_id"],
            name=op.f("fk_separator_page_run_id_page_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("page_run_id", "separator_number", name=op.f("pk_separator")),
        comment="Lines between columns",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stage_timing",
        sa.Column("page_run_id", Id, nullable=False, comment="The page run"),
        sa.Column(
            "stage",
            sa.String(length=20),
            nullable=False,
            comment="decode, palette, binarization, separators, segmentation, faces or record",
        ),
        sa.Column("stage_number", sa.Integer(), nullable=False, comment="1-based place in the page's way"),
        sa.Column("wall_ms", sa.Float(), nullable=False, comment="Elapsed milliseconds"),
        sa.Column("cpu_ms", sa.Float(), nullable=False, comment="CPU milliseconds of the process"),
        sa.Column(
            "peak_rss_kib", sa.Integer(), nullable=False, comment="Peak resident memory of the process so far, KiB"
        ),
        sa.Column(
            "items", sa.Integer(), nullable=False, comment="Things that came out: lines, separators, faces, pixels"
        ),
        sa.ForeignKeyConstraint(
            ["page_run_id"],
            ["page_run.page_run_id"],
            name=op.f("fk_stage_timing_page_run_id_page_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("page_run_id", "stage", name=op.f("pk_stage_timing")),
        comment="What each stage of a page run cost",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "text_line",
        sa.Column("page_run_id", Id, nullable=False, comment="The page run"),
        sa.Column("line_number", sa.Integer(), nullable=False, comment="1-based reading order"),
        sa.Column(
            "baseline", sa.Text(), nullable=True, comment="JSON [[x, y], ...] from the neural segmenter, else NULL"
        ),
        sa.Column(
            "boundary", sa.Text(), nullable=True, comment="JSON [[x, y], ...] from the neural segmenter, else NULL"
        ),
        sa.Column("x_min", sa.Integer(), nullable=False, comment="Left edge, pixels of the upright original scan"),
        sa.Column("y_min", sa.Integer(), nullable=False, comment="Top edge, pixels"),
        sa.Column("x_max", sa.Integer(), nullable=False, comment="Right edge, exclusive, pixels"),
        sa.Column("y_max", sa.Integer(), nullable=False, comment="Bottom edge, exclusive, pixels"),
        sa.ForeignKeyConstraint(
            ["page_run_id"],
            ["page_run.page_run_id"],
            name=op.f("fk_text_line_page_run_id_page_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("page_run_id", "line_number", name=op.f("pk_text_line")),
        comment="Text lines in reading order",
        sqlite_with_rowid=False,
    )

    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    """Remove the views, then the tables."""
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    op.drop_table("text_line")
    op.drop_table("stage_timing")
    op.drop_table("separator")
    op.drop_table("face")
    op.drop_table("attempt")
    op.drop_index(
        "ix_page_run_in_flight",
        "page_run",
        postgresql_where=sa.text("state IN ('queued', 'running')"),
        sqlite_where=sa.text("state IN ('queued', 'running')"),
    )
    op.drop_index(
        "ix_page_run_feed",
        "page_run",
        postgresql_where=sa.text("state = 'ready'"),
        sqlite_where=sa.text("state = 'ready'"),
    )
    op.drop_index(
        "ix_page_run_failed",
        "page_run",
        postgresql_where=sa.text("error_code IS NOT NULL"),
        sqlite_where=sa.text("error_code IS NOT NULL"),
    )

    op.drop_table("page_run")
    op.drop_index("ix_page_sha256", "page")

    op.drop_table("page")
    op.drop_table("volume")
    op.drop_table("pipeline")
