"""The tables, one per file. Nothing else is called a model here: network files are weights."""

from models.attempt import Attempt
from models.base import Base, database_now
from models.face import Face
from models.host_budget import HostBudget, HostRequest
from models.page import NEVER_SEEN_NS, Page
from models.page_description import PageDescription
from models.page_run import PageRun, PageRunState
from models.picture import Picture
from models.pipeline import Pipeline
from models.review import Review
from models.separator import Separator
from models.stage_timing import StageTiming
from models.text_block import TextBlock
from models.text_line import TextLine
from models.view_set import ViewSet
from models.volume import Volume
from models.web_document import WebDocument
from models.worker import Worker

__all__ = [
    "NEVER_SEEN_NS",
    "Attempt",
    "Base",
    "Face",
    "HostBudget",
    "HostRequest",
    "Page",
    "PageDescription",
    "PageRun",
    "PageRunState",
    "Picture",
    "Pipeline",
    "Review",
    "Separator",
    "StageTiming",
    "TextBlock",
    "TextLine",
    "ViewSet",
    "Volume",
    "WebDocument",
    "Worker",
    "database_now",
]
