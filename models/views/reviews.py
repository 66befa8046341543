"""`page_reviews`: what people said of results, as far as they did not take it back."""

from __future__ import annotations

from models.views.view import KEYS, OF_PAGE_RUN, OF_PIPELINE, PAGE, PIPELINE, columns, with_history

REVIEWS = (
    PAGE
    + columns(
        (
            "w.verdict",
            "right, wrong or read_again of the page; false_box, missing_box or moved_separator of one box",
        ),
        ("w.box_kind", "line, separator, face or picture; NULL for a verdict on the page"),
        ("w.box_number", "Number of the box, as in page_boxes; NULL for the page, and for a box that is missing"),
        ("x", "w.x_min", "Left edge of the box (where it belongs, if moved), pixels of the upright original scan"),
        ("y", "w.y_min", "Top edge of the box, pixels of the upright original scan from its top edge"),
        ("width", "w.x_max - w.x_min", "Width of the box, pixels"),
        ("height", "w.y_max - w.y_min", "Height of the box, pixels"),
        ("w.reviewer", "Who said it"),
        ("reviewed_at", "w.created_at", "When it was said, UTC"),
        (
            "is_latest",
            """NOT EXISTS (
        SELECT 1 FROM review n
        WHERE n.page_run_id = w.page_run_id AND n.withdrawn_at IS NULL AND n.review_id > w.review_id
          AND ((w.box_kind IS NULL AND n.box_kind IS NULL)
               OR (n.box_kind = w.box_kind AND n.box_number = w.box_number)))""",
            "False where something newer was said of the same page or box",
        ),
        ("w.asked_parameters", "Parameters that the page is to be read with again, JSON; NULL but for read_again"),
        ("w.review_id", "Number of the statement, in the order in which they were made"),
    )
    + PIPELINE
    + KEYS
)

VIEWS = with_history(
    "page_reviews",
    "What people say of the results of pages, and did not take back",
    REVIEWS,
    f"FROM review w\n    JOIN page_run r ON r.page_run_id = w.page_run_id AND w.withdrawn_at IS NULL"
    f"{OF_PAGE_RUN}{OF_PIPELINE}",
)
