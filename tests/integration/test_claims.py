"""The lease protocol on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from models import Attempt, PageRun, PageRunState, StageTiming, TextLine, database_now
from models import Face as StoredFace
from orchestrator.feeder.window import BULK, INTERACTIVE, Scope, put_back, queued_before, take
from orchestrator.page_runs.decisions import cancel, prioritise, retry
from orchestrator.results.selection import Selection
from tests.rows import add_page_runs
from workers.layout import BoundingBox, Face, PageLayout, Separator
from workers.layout import StageTiming as Timing
from workers.layout import TextLine as Line
from workers.lease import claims
from workers.lease.claims import BegunBy, Claim, Failure
from workers.lease.recording import record
from workers.messages import Queue

LEASE = 180
TROUBLE = Failure("transient", "The network file system stood still.", retry=True, stage="decode")
BROKEN = Failure("unreadable_image", "p0001.tif is no image.", retry=False)


def claim(engine: Engine, page_run_id: int, message: str = "m1") -> Claim | None:
    return claims.claim(engine, page_run_id, message, "host:1", LEASE)


def claimed(engine: Engine, page_run_id: int, message: str = "m1") -> Claim:
    made = claim(engine, page_run_id, message)
    assert made is not None
    return made


def fetch(engine: Engine, page_run_id: int) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(PageRun).where(PageRun.page_run_id == page_run_id)).one()


def queue_again(engine: Engine, page_run_id: int) -> None:
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id == page_run_id).values(not_before=None))
    assert numbers(take(engine, 100, Scope())) == [page_run_id]


def let_the_lease_run_out(engine: Engine, page_run_id: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(PageRun).where(PageRun.page_run_id == page_run_id).values(lease_until=database_now(-1))
        )


@pytest.fixture
def page_run_id(engine: Engine) -> int:
    return add_page_runs(engine, 1)[0]


LAYOUT = PageLayout(
    width=100,
    height=200,
    lines=(Line(BoundingBox(1, 2, 30, 12)), Line(BoundingBox(1, 14, 30, 24), baseline=((1, 22), (30, 22)))),
    separators=(Separator(BoundingBox(40, 0, 42, 200), "printed", ((41, 0), (41, 199))),),
    faces=(Face(BoundingBox(60, 10, 80, 30), confidence=3.5),),
    timings=(Timing("decode", 1.0, 1.0, 1000, 20000), Timing("segmentation", 5.0, 4.0, 2000, 2)),
)


def test_a_claim_counts_the_attempt_before_any_work(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    row = fetch(engine, page_run_id)
    assert (row.state, row.attempts, row.owner) == ("running", 1, made.owner)
    assert row.lease_until > row.started_at
    assert (made.volume_location, made.page_name) == ("/archive/scans", "p0001.tif")


def test_a_message_that_comes_twice_is_claimed_once(engine: Engine, page_run_id: int) -> None:
    claimed(engine, page_run_id)
    assert claims.claim(engine, page_run_id, "m1", "host:2", LEASE) is None
    assert fetch(engine, page_run_id).attempts == 1


def test_a_claim_whose_answer_was_lost_is_made_again_by_its_own_process_alone(engine: Engine, page_run_id: int) -> None:
    made = claims.claim(engine, page_run_id, "m1", "host:7:1", LEASE)
    assert made is not None
    assert claims.claim(engine, page_run_id, "m1", "host:8:1", LEASE) is None, "process 1 of another container"
    assert claims.claim(engine, page_run_id, "m1", "host:7:1", LEASE) == made


def test_results_are_stored_once_and_completely(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    assert record(engine, made, LAYOUT)
    assert record(engine, made, LAYOUT), "it is stored, though the answer to the commit was not heard"
    row = fetch(engine, page_run_id)
    assert (row.state, row.text_lines, row.separators, row.faces, row.width, row.height) == ("done", 2, 1, 1, 100, 200)
    with engine.connect() as connection:
        stages = connection.scalars(select(StageTiming.stage).order_by(StageTiming.stage_number)).all()
        lines = connection.execute(select(TextLine.line_number, TextLine.x_max, TextLine.baseline)).all()
        attempts = connection.execute(select(Attempt.outcome, Attempt.peak_rss_kib)).all()
    assert stages == ["decode", "segmentation", "record"]
    assert sorted(lines) == [(1, 30, None), (2, 30, "[[1,22],[30,22]]")]
    assert attempts == [("done", 2000)], "the peak of its stages is the attempt's"


def test_whole_numbers_among_fractions_are_stored_with_them(engine: Engine, page_run_id: int) -> None:
    box = BoundingBox(1, 2, 30, 12)
    faces = Face(box, confidence=3.5), Face(box, confidence=4)
    assert record(engine, claimed(engine, page_run_id), PageLayout(100, 200, (), faces=faces))
    with engine.connect() as connection:
        assert connection.scalars(select(StoredFace.confidence).order_by(StoredFace.face_number)).all() == [3.5, 4.0]


def test_a_worker_that_wakes_after_its_lease_stores_nothing(engine: Engine, page_run_id: int) -> None:
    sleeper = claimed(engine, page_run_id)
    let_the_lease_run_out(engine, page_run_id)
    assert claims.sweep(engine, max_attempts=3) == 1
    queue_again(engine, page_run_id)
    second = claimed(engine, page_run_id, "m2")
    assert not record(engine, sleeper, LAYOUT)
    assert claims.fail(engine, page_run_id, sleeper.owner, TROUBLE, 3) is None
    assert fetch(engine, page_run_id).owner == second.owner
    assert record(engine, second, LAYOUT)


def test_a_transient_failure_is_tried_again_later_and_the_third_quarantines(engine: Engine, page_run_id: int) -> None:
    for attempt in (1, 2):
        made = claimed(engine, page_run_id, f"m{attempt}")
        assert claims.fail(engine, page_run_id, made.owner, TROUBLE, 3) == PageRunState.READY
        assert take(engine, 100, Scope()) == [], "its time has not come"
        assert claim(engine, page_run_id, "old") is None, "an old message does not begin what is not queued"
        queue_again(engine, page_run_id)
    made = claimed(engine, page_run_id, "m3")
    assert claims.fail(engine, page_run_id, made.owner, TROUBLE, 3) == PageRunState.QUARANTINED
    row = fetch(engine, page_run_id)
    assert (row.error_code, row.error_message) == (TROUBLE.code, TROUBLE.message)
    with engine.connect() as connection:
        outcomes = connection.scalars(select(Attempt.outcome).order_by(Attempt.attempt_number)).all()
    assert outcomes == ["retry", "retry", "quarantined"]


def test_each_further_attempt_waits_longer(engine: Engine, page_run_id: int) -> None:
    waits = []
    for attempt in (1, 2, 3):
        made = claimed(engine, page_run_id, f"m{attempt}")
        claims.fail(engine, page_run_id, made.owner, TROUBLE, 4)
        with engine.connect() as connection:
            ended = select(Attempt.finished_at).where(Attempt.attempt_number == attempt)
            waits.append((fetch(engine, page_run_id).not_before - connection.scalars(ended).one()).total_seconds())
        queue_again(engine, page_run_id)
    assert waits == pytest.approx([2, 4, 6], abs=0.9)


def test_a_broken_scan_is_quarantined_at_once(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    assert claims.fail(engine, page_run_id, made.owner, BROKEN, 3) == PageRunState.QUARANTINED
    assert fetch(engine, page_run_id).finished_at is not None


def test_the_main_process_may_fail_an_attempt_by_its_message(engine: Engine, page_run_id: int) -> None:
    claimed(engine, page_run_id, "m1")
    assert claims.fail(engine, page_run_id, BegunBy("other"), TROUBLE, 3) is None
    for pattern in ("%", "m_", "M1", "m1:1"):
        assert claims.fail(engine, page_run_id, BegunBy(pattern), TROUBLE, 3) is None, "ids are compared, not matched"
    assert claims.fail(engine, page_run_id, "%", TROUBLE, 3) is None
    assert claims.fail(engine, page_run_id, BegunBy("m1"), TROUBLE, 3) == PageRunState.READY


def test_a_retry_forgives_attempts_but_keeps_their_history(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    claims.fail(engine, page_run_id, made.owner, BROKEN, 3)
    assert retry(engine, [PageRunState.QUARANTINED], Selection(code="other")) == 0
    assert retry(engine, [PageRunState.QUARANTINED], Selection(("scans",), code=BROKEN.code)) == 1
    queue_again(engine, page_run_id)
    again = claimed(engine, page_run_id, "m2")
    assert again.attempt_number == 2
    assert claims.fail(engine, page_run_id, again.owner, TROUBLE, 3) == PageRunState.READY


def test_a_retried_page_that_loses_its_worker_is_tried_again(engine: Engine, page_run_id: int) -> None:
    claims.fail(engine, page_run_id, claimed(engine, page_run_id).owner, BROKEN, 1)
    retry(engine, [PageRunState.QUARANTINED], Selection())
    for attempt, state in ((2, "ready"), (3, "quarantined")):
        queue_again(engine, page_run_id)
        claimed(engine, page_run_id, f"m{attempt}")
        let_the_lease_run_out(engine, page_run_id)
        assert claims.sweep(engine, max_attempts=2) == 1
        assert fetch(engine, page_run_id).state == state


def test_an_interrupted_attempt_does_not_count(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    assert claims.release(engine, [(page_run_id, "someone else"), (page_run_id, made.owner)]) == 1
    row = fetch(engine, page_run_id)
    assert (row.state, row.attempts) == ("ready", 0)
    queue_again(engine, page_run_id)
    assert claimed(engine, page_run_id, "m2").attempt_number == 1


def test_a_cancelled_page_stores_nothing(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    assert cancel(engine, Selection(("another volume",))) == 0
    assert cancel(engine, Selection(pipeline="another", page_runs=(page_run_id,))) == 0
    assert cancel(engine, Selection(("scans",), page_runs=(page_run_id,))) == 1
    assert not record(engine, made, LAYOUT)
    assert fetch(engine, page_run_id).state == "cancelled"
    with engine.connect() as connection:
        assert connection.scalars(select(Attempt.outcome)).all() == ["cancelled"]


def numbers(messages: Sequence[tuple[int, str]]) -> list[int]:
    return [number for number, _ in messages]


def test_the_window_is_never_exceeded(engine: Engine) -> None:
    ids = add_page_runs(engine, 10, state="ready")
    assert numbers(take(engine, 4, Scope())) == ids[:4]
    assert take(engine, 4, Scope()) == []
    claimed(engine, ids[0])
    assert take(engine, 4, Scope()) == [], "a running page is in flight too"
    assert put_back(engine, ids[1:4]) == 3
    assert numbers(take(engine, 4, Scope())) == ids[1:4]


def test_a_feeder_keeps_to_its_volumes(engine: Engine) -> None:
    first = add_page_runs(engine, 2, state="ready", source="a")
    second = add_page_runs(engine, 2, state="ready", source="b")
    assert take(engine, 10, Scope(held=(1, 2))) == []
    assert numbers(take(engine, 10, Scope((2,)))) == second
    assert numbers(take(engine, 10, Scope())) == first


def test_a_page_that_waits_for_a_worker_is_known_after_a_while(engine: Engine) -> None:
    ids = add_page_runs(engine, 2, state="ready")
    take(engine, 10, Scope())
    assert queued_before(engine, 60) == set()
    with engine.begin() as connection:
        late = update(PageRun).where(PageRun.page_run_id == ids[0])
        connection.execute(late.values(queued_at=database_now(-61)))
    assert queued_before(engine, 60) == {ids[0]}


def test_interactive_pages_go_first_into_a_queue_of_their_own(engine: Engine) -> None:
    bulk, interactive = add_page_runs(engine, 2, state="ready")
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id == interactive).values(priority=INTERACTIVE))
    assert take(engine, 10, Scope()) == [(interactive, Queue.INTERACTIVE), (bulk, Queue.BULK)]


def test_suspects_go_alone_and_one_at_a_time(engine: Engine) -> None:
    ids = add_page_runs(engine, 4, state="queued")
    for number in ids[:3]:
        made = claimed(engine, number, f"m{number}")
        claims.fail(engine, number, made.owner, Failure("worker_lost", "It died.", retry=True, signal=11), 3)
    assert take(engine, 10, Scope()) == [(ids[0], Queue.ALONE)], "at once: nothing outside the page failed"
    assert take(engine, 10, Scope()) == []
    assert take(engine, 10, Scope(), alone=2) == [(ids[1], Queue.ALONE)]
    claims.postpone(engine, ids[1], 60)
    assert fetch(engine, ids[1]).state == "ready"
    assert fetch(engine, ids[1]).attempts == 1
    assert take(engine, 10, Scope(), alone=2) == [(ids[2], Queue.ALONE)]


def test_a_claim_whose_answer_was_lost_is_found_again_by_its_process_only(engine: Engine, page_run_id: int) -> None:
    made = claimed(engine, page_run_id)
    assert claims.claim(engine, page_run_id, "m1", "host:2", LEASE) is None, "the message came twice"
    assert claims.claim(engine, page_run_id, "m2", "host:1", LEASE) is None
    # claim() of these tests speaks for host:1
    assert claims.claim(engine, page_run_id, "m1", "host:1", LEASE) == made
    assert fetch(engine, page_run_id).attempts == 1


def test_a_volume_can_be_let_go_first_and_take_its_turn_again(engine: Engine) -> None:
    first, second = add_page_runs(engine, 3, "ready", "first"), add_page_runs(engine, 3, "ready", "second")
    assert prioritise(engine, Selection(volumes=("second",)), INTERACTIVE) == 3
    (taken,) = take(engine, 1, Scope())
    assert taken == (second[0], Queue.INTERACTIVE)
    assert prioritise(engine, Selection(volumes=("second",)), BULK) == 2, "what is queued keeps its place"
    assert [number for number, _ in take(engine, 3, Scope())] == first[:2]
