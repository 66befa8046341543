"""Pages that failed for good: which, why, all that is known of each attempt, and a bundle for a bug report."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, select

from models import Attempt, Page, PageRun, PageRunState, Pipeline, Volume
from orchestrator.results.mark import MARK
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import writing_bytes
from workers.errors import BroadsheetError, UnreadableInput
from workers.parameters import PipelineParameters, canonical_json, software_versions
from workers.sources.address import PageAddress
from workers.sources.escape import escaped, unescaped
from workers.sources.limits import Limits
from workers.sources.opening import OpenFiles
from workers.sources.os_errors import translated
from workers.sources.stores.location import stored_location
from workers.telemetry.secrets import masked

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One quarantined page in a list."""

    page_run: int
    volume: str
    page: str
    attempts: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PageRunReport:
    """All that is known of one page run: what it is, and its attempts, as they come from SQL."""

    page_run: dict[str, Any]
    attempts: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the case for `--json`."""
        plain = {"page_run": self.page_run, "attempts": self.attempts}
        loaded: dict[str, Any] = json.loads(json.dumps(plain, default=_plain))
        return loaded


def list_quarantined(engine: Engine, selection: Selection) -> list[Quarantined]:
    """Return the quarantined pages of a selection in the order in which they were ingested."""
    columns = (
        PageRun.page_run_id, Volume.source, Page.name, PageRun.attempts, PageRun.error_code, PageRun.error_message
    )  # fmt: skip
    statement = selection.narrow(select(*columns).select_from(PageRun)).where(PageRun.state == PageRunState.QUARANTINED)
    with engine.connect() as connection:
        rows = connection.execute(statement.order_by(PageRun.page_run_id)).all()
    return [
        Quarantined(number, source, page, attempts, code or "unknown", message or "")
        for number, source, page, attempts, code, message in rows
    ]


def read_report(engine: Engine, page_run_id: int) -> PageRunReport:
    """Return what is known of a page run.

    Raises:
        UnreadableInput: there is none with this number.
    """
    page_run = _of_pages(
        select(
            PageRun.page_run_id,
            Volume.source.label("volume"),
            Volume.location,
            Page.name.label("page"),
            Page.address,
            Page.sha256,
            Page.size_bytes,
            PageRun.state,
            PageRun.error_code,
            PageRun.error_message,
            PageRun.finished_at,
            Pipeline.fingerprint.label("pipeline"),
            Pipeline.parameters,
            Pipeline.versions,
        ).join(Pipeline, Pipeline.pipeline_id == PageRun.pipeline_id)
    ).where(PageRun.page_run_id == page_run_id)
    attempts = select(Attempt.__table__).where(Attempt.page_run_id == page_run_id).order_by(Attempt.attempt_number)
    with engine.connect() as connection:
        found = connection.execute(page_run).mappings().one_or_none()
        if found is None:
            raise UnreadableInput(f"There is no page run {page_run_id}; see: broadsheet quarantine list.")
        return PageRunReport(dict(found), [dict(row) for row in connection.execute(attempts).mappings()])


def export_case(case: PageRunReport, path: Path, limits: Limits) -> str | None:
    """Write a ZIP with the file that holds the page, parameters, versions, attempts, traceback and last log lines.

    Returns why the original is not in it, None when it is.

    Raises:
        UnreadableInput: the ZIP exists already or cannot be written.
    """
    with writing_bytes(path) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.comment = MARK.encode()
        missing = _pack_original(bundle, case, limits)
        attempts = [
            {name: value for name, value in attempt.items() if name not in ("traceback", "log")}
            for attempt in case.to_dict()["attempts"]
        ]
        about = {
            name: value for name, value in case.to_dict()["page_run"].items() if name not in ("parameters", "versions")
        }
        _pack(bundle, "report.json", _readable(about | {"attempts": attempts, "original_missing": missing}))
        _pack(bundle, "parameters.json", _readable(json.loads(case.page_run["parameters"])))
        versions = {
            "ingested_with": json.loads(case.page_run["versions"]),
            "exported_with": software_versions(PipelineParameters()),
        }
        _pack(bundle, "versions.json", _readable(versions))
        for attempt in case.attempts:
            for name in ("traceback", "log"):
                if attempt[name]:
                    _pack(bundle, f"attempt-{attempt['attempt_number']}-{name}.txt", attempt[name])
    return missing


def _pack_original(bundle: zipfile.ZipFile, case: PageRunReport, limits: Limits) -> str | None:
    root, address = (
        stored_location(unescaped(case.page_run["location"])),
        PageAddress.from_json(case.page_run["address"]),
    )
    name = Path(address.members[-1] or root.name).name
    files = OpenFiles()
    try:
        # the whole file, also of a PDF or multi-page image: what is cut out may no longer show the fault
        with (
            translated(address.name, root),
            files.open(root, address.file, limits) as original,
            bundle.open(f"original/{escaped(name)}", "w", force_zip64=True) as member,
        ):
            shutil.copyfileobj(original, member, _COPY_BYTES)
    except BroadsheetError as error:
        return str(error)
    finally:
        files.close()
    return None


def _pack(bundle: zipfile.ZipFile, name: str, text: str) -> None:
    bundle.writestr(name, masked(text))


def _readable(value: Any) -> str:
    return json.dumps(json.loads(canonical_json(value)), indent=2, sort_keys=True) + "\n"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _of_pages(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        statement.select_from(PageRun)
        .join(Page, Page.page_id == PageRun.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
    )
