"""One attempt at one page: load, analyse, record; and what each kind of failure means for the page."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from billiard.exceptions import SoftTimeLimitExceeded
from PIL import Image
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from workers import claims, logs, metrics
from workers.claims import Claim, Failure
from workers.config import Settings
from workers.errors import PageError, TransientError
from workers.images import open_page, verify_unchanged
from workers.layout import PageLayout
from workers.parameters import PipelineParameters, fingerprint, software_versions
from workers.pipeline import analyse_page
from workers.recording import record
from workers.secrets import masked
from workers.sources.address import PageAddress
from workers.sources.limits import Limits
from workers.timing import StageClock, peak_rss_kib

log = logging.getLogger(__name__)


class WrongVersions(TransientError):
    """This worker's software is not what the pipeline names; another worker's may be."""

    code = "wrong_versions"


def process(engine: Engine, claim: Claim, settings: Settings) -> None:
    """Carry one claim to its end: results recorded, or the failure stored with its reason."""
    with logs.about(claim.page_run_id, claim.attempt_number, claim.volume_location, claim.page_name):
        _process(engine, claim, settings)


def _process(engine: Engine, claim: Claim, settings: Settings) -> None:
    clock = StageClock()
    try:
        page = _analyse(claim, settings, clock)
        stored = record(engine, claim, page)
    except Exception as error:
        # The last line of defence: whatever a scan provokes, the worker lives and the reason is written down.
        failure = describe(error, clock.current)
        state = claims.fail(engine, claim.page_run_id, claim.owner, failure, settings.max_attempts)
        log.warning("%s Now %s.", failure.message, state or "in other hands")
        metrics.attempt_ended(state or "stale", failure.code)
    else:
        log.info("done" if stored else "in other hands, nothing stored")
        metrics.attempt_ended("done" if stored else "stale", timings=page.timings)


def _analyse(claim: Claim, settings: Settings, clock: StageClock) -> PageLayout:
    parameters = PipelineParameters.from_json(claim.parameters)
    if fingerprint(parameters, software_versions()) != claim.fingerprint:
        raise WrongVersions(
            f"This worker runs other versions than pipeline {claim.fingerprint} names; "
            "update the workers, or ingest again to make a pipeline for them."
        )
    with clock.stage("decode") as pixels:
        image = _open(claim, settings)
        pixels.count = image.width * image.height
    return analyse_page(image, parameters, clock)


def _open(claim: Claim, settings: Settings) -> Image.Image:
    root, address = Path(claim.volume_location), PageAddress.from_json(claim.page_address)
    limits = Limits(max_pixels=settings.max_pixels)
    verify_unchanged(
        root,
        address,
        size_bytes=claim.size_bytes,
        modified_ns=claim.modified_ns,
        sha256=claim.page_sha256,
        limits=limits,
    )
    return open_page(root, address, limits)


def describe(error: Exception, stage: str | None) -> Failure:
    """Return what an exception means for the page: the retry policy is its type."""
    trace = masked("".join(traceback.format_exception(error)))
    code, message, retry = _judge(error)
    return Failure(code, masked(message), retry, stage=stage, traceback=trace, peak_rss_kib=peak_rss_kib())


def _judge(error: Exception) -> tuple[str, str, bool]:
    match error:
        case PageError() | TransientError():
            return error.code, str(error), isinstance(error, TransientError)
        case MemoryError():
            return "out_of_memory", "There was not enough memory for this page.", True
        case SoftTimeLimitExceeded():
            return "time_limit", "The page took longer than the soft time limit.", True
        case OperationalError():
            return "database_down", f"The database did not answer: {error.orig}", True
    return "unexpected_error", f"{type(error).__name__}: {error}", True
