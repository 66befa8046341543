"""The views of whole pages and of what is found on them."""

from __future__ import annotations

from models.page_description import PageDescription
from models.views.view import (
    KEYS,
    OF_DESCRIPTION,
    OF_PAGE_RUN,
    OF_PIPELINE,
    PAGE,
    PIPELINE,
    Column,
    View,
    columns,
    meanings,
    select,
    with_history,
)

STATUS = (
    PAGE
    + columns(
        ("r.state", "Where it stands: ready, queued, running, done, quarantined or cancelled"),
        ("r.attempts", "Attempts begun so far"),
        ("r.error_code", "Why it failed last, a key to group by; NULL where it did not"),
        ("r.error_message", "Why it failed last, in words; NULL where it did not"),
        ("r.width", "Width of the upright scan, pixels; NULL until it is done"),
        ("r.height", "Height of the upright scan, pixels; NULL until it is done"),
        ("r.text_lines", "Number of text lines found"),
        ("r.separators", "Number of separators found"),
        ("r.faces", "Number of faces found"),
        ("r.wall_ms", "Time that the successful attempt took, milliseconds"),
        ("r.started_at", "When the last attempt began, UTC"),
        ("r.finished_at", "When it ended for good, UTC; NULL until then"),
    )
    + PIPELINE
    + columns(
        ("r.empty_reason", "Why a finished page has no text line, a key to group by; NULL where it has some"),
        ("r.skew_degrees", "How far the scan is turned, degrees clockwise; about 90 or -90 where it lies on its side"),
        (
            "sha256",
            "CASE WHEN substr(p.sha256, 1, 7) = 'unread:' THEN NULL ELSE p.sha256 END",
            "SHA-256 of the scan's original bytes, hexadecimal; NULL in a store until a worker has read them",
        ),
    )
    + KEYS
    + columns(
        ("p.volume_id", "Number of the volume"),
        ("p.size_bytes", "Length of the scan's original bytes, bytes"),
        (
            "r.columns",
            "Columns side by side where most are; a separator counts where lines stand on both sides",
        ),
        ("r.pictures", "Number of pictures found"),
        ("r.doubt", "How far the lines fail to explain the page's letters, 0 to 1; NULL where not measured"),
        ("r.format", "Format of the scan: JPEG, TIFF, PNG, JPEG2000, PDF and more"),
        ("r.mode", "How a pixel is stored, as Pillow names it: 1 (bitonal), L (grey), P, RGB, CMYK, I;16"),
        ("r.bit_depth", "Bits of one channel"),
        ("r.is_colour", "True where the scan has colours beside the tint of its paper"),
        ("r.dpi_x", "Dots per inch across, as the file states them; NULL where it does not, or absurdly"),
        ("r.dpi_y", "Dots per inch down, as the file states them; NULL where it does not, or absurdly"),
        ("width_mm", "25.4 * r.width / r.dpi_x", "Width of the scan, millimetres; NULL without dots per inch"),
        ("height_mm", "25.4 * r.height / r.dpi_y", "Height of the scan, millimetres; NULL without dots per inch"),
    )
)
WHOSE = columns(
    ("m.title", "Title of the newspaper, periodical or book; NULL where nothing says it"),
    ("m.date_issued", "Date of issue: 1898, 1898-11 or 1898-11-10, as precise as it is known"),
    ("m.issue", "Number of the issue, as given"),
    ("m.edition", "Edition of the day, as given"),
    ("m.sequence", "Place in its issue; 1 is the front page"),
    ("m.page_label", "Page number as printed"),
)
GONE = columns(
    ("p.gone_at", "When an ingest of its volume no longer found the scan, UTC; NULL while it is present"),
    ("p.gone_reason", "What became of a scan that is gone: replaced, deleted or moved; NULL while it is present"),
)


def _corner(alias: str) -> tuple[Column, ...]:
    return columns(
        ("x", f"{alias}.x_min", "Left edge, pixels of the upright original scan from its left edge"),
        ("y", f"{alias}.y_min", "Top edge, pixels of the upright original scan from its top edge"),
        ("width", f"{alias}.x_max - {alias}.x_min", "Width, pixels"),
        ("height", f"{alias}.y_max - {alias}.y_min", "Height, pixels"),
    )


def _of(table: str, alias: str) -> str:
    return f"FROM {table} {alias}\n    JOIN page_run r ON r.page_run_id = {alias}.page_run_id{OF_PAGE_RUN}"


LINES = (
    PAGE
    + columns(("reading_order", "t.line_number", "Place in the reading order of the page, from 1"))
    + _corner("t")
    + columns(
        ("t.baseline", "Baseline as JSON [[x, y], ...], pixels, where it is bent or upright; else NULL"),
        ("t.boundary", "Outline as JSON [[x, y], ...], pixels; NULL where the segmenter gives none"),
    )
    + KEYS
    + columns(
        ("t.block_number", "The block it belongs to, as in page_blocks; NULL where read before schema 0005"),
        ("t.column_number", "Its column among those side by side at its height, from 1; NULL before schema 0005"),
        ("t.kind", "body, headline (much taller) or drop_capital, by its size; NULL before schema 0005"),
        ("t.confidence", "Chance that it is a line, 0 to 1; NULL where read before schema 0011"),
        ("t.baseline_y_left", "Baseline at the left edge, pixels from the top; NULL where baseline is given instead"),
        ("t.baseline_y_right", "Baseline at the right edge, pixels from the top; NULL where baseline is given instead"),
    )
)
BLOCKS = (
    PAGE
    + columns(("reading_order", "b.block_number", "Place in the reading order of the page, from 1"))
    + _corner("b")
    + columns(
        ("b.column_number", "The column of most of its lines, from 1"),
        ("b.first_line", "reading_order of its first line"),
        ("b.text_lines", "Number of its lines"),
    )
    + KEYS
)
PICTURES = (
    PAGE
    + columns(("i.picture_number", "Number of the picture on its page, from 1, from head to foot"))
    + columns(("i.kind", "photograph where no white paper shows in it, else other: a drawing, an open halftone"))
    + _corner("i")
    + columns(
        ("i.share", "Part of the page that it covers, 0 to 1"),
        ("i.outline", "Its outline as JSON [[x, y], ...], a polygon, pixels"),
    )
    + KEYS
)
SEPARATORS = (
    PAGE
    + _corner("s")
    + columns(
        ("s.origin", "printed for a rule, inserted for a white gutter between columns"),
        ("s.path", "Its middle from top to bottom as JSON [[x, y], ...], pixels"),
    )
    + KEYS
    + columns(("s.separator_number", "Number of the separator on its page, from 1, left to right"))
)
FACES = (
    PAGE
    + columns(("f.label", "face, or the name of the cascade that was asked for"))
    + _corner("f")
    + columns(("f.confidence", "Share of such faces that are true, 0 to 1, whatever the detector"))
    + KEYS
    + columns(
        ("f.face_number", "Number of the face on its page, from 1"),
        (
            "f.level",
            "The detector's own level, higher is surer: CenterFace's or YuNet's score, 0 to 1; a cascade's weights",
        ),
    )
)
TIMINGS = (
    PAGE
    + columns(
        (
            "t.stage",
            "decode, palette, binarization, separators, segmentation, second_reader, structure, faces, record",
        ),
        ("t.wall_ms", "Elapsed time, milliseconds"),
        ("t.cpu_ms", "Processor time, milliseconds"),
        (
            "peak_rss_kib",
            "NULLIF(t.peak_rss_kib, 0)",
            "Most resident memory of the process in the stage, KiB",
        ),
        ("t.items", "Things that came out: pixels for the first stages, then separators, lines, faces, rows"),
        ("t.stage_number", "Place of the stage in the page's way, from 1"),
    )
    + KEYS
)

METADATA = (
    PAGE
    + columns(*((f"m.{c.name}", c.comment or "") for c in PageDescription.__table__.columns if c.name != "page_id"))
    + columns(("p.page_id", "Number of the page: the same in all views"))
)
DESCRIBED = """FROM page_description m
    JOIN page p ON p.page_id = m.page_id AND p.gone_at IS NULL
    JOIN volume v ON v.volume_id = p.volume_id"""

VIEWS: tuple[View, ...] = (
    *with_history(
        "page_status",
        "Where each page stands, what it is, and what was found on it",
        STATUS + WHOSE,
        f"FROM page_run r{OF_PAGE_RUN}{OF_PIPELINE}{OF_DESCRIPTION}",
        more=GONE,
    ),
    View(
        "page_metadata",
        "Whose page it is: title, date, place in its issue; of pages that are present and described",
        meanings(METADATA),
        select(METADATA, DESCRIBED),
    ),
    *with_history("page_lines", "Text lines in reading order", LINES, _of("text_line", "t")),
    *with_history("page_blocks", "Blocks of text lines in reading order", BLOCKS, _of("text_block", "b")),
    *with_history("page_pictures", "Pictures", PICTURES, _of("picture", "i")),
    *with_history("page_separators", "Separators between columns", SEPARATORS, _of("separator", "s")),
    *with_history("page_faces", "Faces", FACES, _of("face", "f")),
    *with_history("page_timings", "What each stage of a page cost", TIMINGS, _of("stage_timing", "t")),
)
