"""What made the results, in the words each format has for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orchestrator.results.pages import Provenance


def iso_moment(moment: datetime) -> str:
    """Return a moment as XML and JSON schemas want it, in whole seconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def provenance_record(provenances: Sequence[Provenance]) -> list[dict[str, Any]]:
    """Return the pipelines that made some results, for formats that carry JSON."""
    return [
        {
            "pipeline": one.fingerprint,
            "software": one.software,
            "parameters": json.loads(one.parameters),
        }
        for one in provenances
    ]
