"""The views that readers rely on, with the sentence of each and of its columns: the one source of both."""

from models.views import boxes, duplicates, pages, reviews, suspects, timings
from models.views.view import View

# In the order in which people meet them. Columns may be added at the end, never renamed; a change needs a migration.
VIEWS: tuple[View, ...] = (
    *pages.VIEWS,
    *boxes.VIEWS,
    *timings.VIEWS,
    *suspects.VIEWS,
    *duplicates.VIEWS,
    *reviews.VIEWS,
)

__all__ = ["VIEWS", "View"]
