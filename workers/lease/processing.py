"""One attempt at one page: load, analyse, record; and what each kind of failure means for the page."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from billiard.exceptions import SoftTimeLimitExceeded
from PIL import Image
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from workers.config import Settings
from workers.errors import FileOfParametersMissing, NotNow, PageError, TransientError
from workers.layout import PageLayout
from workers.lease import claims
from workers.lease.claims import Claim, Failure
from workers.lease.database import process_engine, retry_while_down
from workers.lease.guest import Guest
from workers.lease.recording import record
from workers.on_original import on_original
from workers.parameters import PipelineParameters, fingerprint, versions_for
from workers.pipeline import analyse_page
from workers.sources.address import PageAddress
from workers.sources.escape import unescaped
from workers.sources.iiif.asking import Remembered
from workers.sources.iiif.image import CanvasImage
from workers.sources.iiif.opening import open_canvas
from workers.sources.images import open_mask, open_page, open_stored_page, verify_unchanged
from workers.sources.limits import Limits
from workers.sources.pictures import ENOUGH_FOR_TEXT
from workers.sources.stores.location import Location, stored_location
from workers.sources.stores.web import web
from workers.telemetry import logs, metrics
from workers.telemetry.crash_recorder import recorders
from workers.telemetry.secrets import masked
from workers.telemetry.timing import StageClock, peak_rss_kib

log = logging.getLogger(__name__)

SHA256 = "sha256"  # where a picture from a store carries that of its file


class WrongVersionsError(TransientError):
    """This worker's software is not what the pipeline names; another worker's may be."""

    code = "wrong_versions"


def open_claimed_scan(claim: Claim, settings: Settings) -> Image.Image:
    """Return the decoded original of the claimed page, checked to be the bytes that were ingested.

    Raises:
        PageError, TransientError: as `workers.sources.images.open_page`.
    """
    root, address = stored_location(unescaped(claim.volume_location)), PageAddress.from_json(claim.page_address)
    limits = Limits(max_pixels=settings.max_pixels)
    parameters, _ = _pipeline(claim.parameters)
    reduction = ENOUGH_FOR_TEXT if parameters.may_read_smaller else 1
    if isinstance(root, Location) and address.canvas is not None:
        return _open_canvas(claim, root, address.canvas, address.name, settings, in_full=reduction == 1)
    if isinstance(root, Location):
        image, sha256 = open_stored_page(root, address, claim.known_sha256, limits, reduction=reduction)
        image.info[SHA256] = sha256
        return image
    verify_unchanged(
        root,
        address,
        size_bytes=claim.size_bytes,
        modified_ns=claim.modified_ns,
        sha256=claim.page_sha256,
        limits=limits,
    )
    return open_page(root, address, limits, reduction=reduction)


def _open_canvas(
    claim: Claim, root: Location, canvas: CanvasImage, name: str, settings: Settings, in_full: bool
) -> Image.Image:
    engine, limits = process_engine(settings), Limits(max_pixels=settings.max_pixels)
    guest = Guest(engine, web(root.access.allow_hosts))
    image = open_canvas(Remembered(guest.get), canvas, name, limits, in_full)
    patience = settings.database_patience_seconds
    retry_while_down(lambda: claims.wait_for_no_host(engine, claim.page_run_id), patience)
    return image


def analyse(image: Image.Image, parameters: PipelineParameters, clock: StageClock) -> PageLayout:
    """Return what is on a page, with the mask that the parameters name."""
    return analyse_page(image, parameters, clock, open_mask(parameters.segmentation.mask))


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done with a claimed page; tests put faults here, benchmarks pages that cost nothing."""

    load: Callable[[Claim, Settings], Image.Image] = open_claimed_scan
    analyse: Callable[[Image.Image, PipelineParameters, StageClock], PageLayout] = analyse
    record: Callable[[Engine, Claim, PageLayout], bool] = record


def claim_and_process(page_run_id: int, message_id: str, settings: Settings, steps: Steps) -> None:
    """Claim a page run in this process and carry the claim to its end; nothing when there is nothing to claim."""
    recorders.begin(page_run_id)
    engine = process_engine(settings)
    claim = retry_while_down(
        lambda: claims.claim(engine, page_run_id, message_id, claims.this_process(), settings.lease_seconds),
        settings.database_patience_seconds,
    )
    if claim is not None:
        process(engine, claim, settings, steps)


def adopt_and_process(page_run_id: int, message_id: str, claimed_by: str, settings: Settings, steps: Steps) -> None:
    """Carry a claim to its end that another process, `claimed_by`, has made for this one."""
    recorders.begin(page_run_id)
    engine = process_engine(settings)
    claim = retry_while_down(
        lambda: claims.adopt(engine, page_run_id, message_id, claims.this_process(), claimed_by),
        settings.database_patience_seconds,
    )
    if claim is not None:
        process(engine, claim, settings, steps)


def process(engine: Engine, claim: Claim, settings: Settings, steps: Steps) -> None:
    """Carry one claim to its end: results recorded, or the failure stored with its reason."""
    with logs.about(claim.page_run_id, claim.attempt_number, claim.volume_location, claim.page_name):
        _process(engine, claim, settings, steps)


def _process(engine: Engine, claim: Claim, settings: Settings, steps: Steps) -> None:
    clock = StageClock(recorders.enter)
    patience = settings.database_patience_seconds
    try:
        page = _analyse(claim, settings, steps, clock)
        recorders.enter("record")
        stored = retry_while_down(lambda: steps.record(engine, claim, page), patience)
    except NotNow as error:
        seconds = error.seconds  # it asked for some time, and no attempt was spent
        reason, run, of_page = masked(str(error)), claim.page_run_id, error.of_page
        put_off = partial(claims.put_off, engine, run, claim.owner, error.code, reason, seconds, of_page=of_page)
        retry_while_down(put_off, patience)
        log.info("%s Asked again in %.1f s.", error, seconds)
    except Exception as error:
        # The last line of defence: whatever a scan provokes, the worker lives and the reason is written down.
        failure = describe(error, clock.current)
        state = retry_while_down(
            lambda: claims.fail(engine, claim.page_run_id, claim.owner, failure, settings.max_attempts), patience
        )
        log.warning("%s Now %s.", failure.message, state or "in other hands")
        metrics.attempt_ended(state or "stale", failure.code)
    else:
        log.info("done" if stored else "in other hands, nothing stored")
        metrics.attempt_ended("done" if stored else "stale", timings=page.timings)


@lru_cache(maxsize=16)
def _pipeline(text: str) -> tuple[PipelineParameters, str]:
    # read once for each pipeline: package metadata and types cost more than all else that is done for a page here
    parameters = PipelineParameters.from_json(text)
    try:
        return parameters, fingerprint(parameters, versions_for(parameters))
    except OSError as error:
        raise FileOfParametersMissing(
            f"The file {error.filename}, which the parameters name, cannot be read by this worker: {error.strerror}; "
            "put it there."
        ) from error


def _analyse(claim: Claim, settings: Settings, steps: Steps, clock: StageClock) -> PageLayout:
    parameters, name = _pipeline(claim.parameters)
    if name != claim.fingerprint:
        raise WrongVersionsError(
            f"This worker runs other versions than pipeline {claim.fingerprint} names; "
            "update the workers, or ingest again to make a pipeline for them."
        )
    with clock.stage("decode") as pixels:
        image = steps.load(claim, settings)
        pixels.count = image.width * image.height
    found = on_original(steps.analyse(image, parameters, clock), image)
    return replace(found, sha256=image.info.get(SHA256, ""))


def describe(error: Exception, stage: str | None) -> Failure:
    """Return what an exception means for the page: the retry policy is its type."""
    trace = masked("".join(traceback.format_exception(error)))
    code, message, retry = _classify_error(error)
    return Failure(code, masked(message), retry, stage=stage, traceback=trace, peak_rss_kib=peak_rss_kib())


def _classify_error(error: Exception) -> tuple[str, str, bool]:
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
