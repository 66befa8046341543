"""What a process leaves behind when it dies, and what happens where it cannot leave anything."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disk import small_disk
from workers.telemetry.crash_recorder import LAST_LINES, CrashReport, FlightRecorder, read_remains


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[FlightRecorder]:
    recorder = FlightRecorder(tmp_path / "one.box")
    yield recorder
    recorder.close()


def say(recorder: FlightRecorder, text: str, *arguments: object) -> None:
    recorder.handle(logging.LogRecord("a.library", logging.INFO, __file__, 1, text, arguments, None))


def test_the_record_tells_stage_memory_and_last_lines_of_its_page_run(recorder: FlightRecorder, tmp_path: Path) -> None:
    recorder.begin(7)
    recorder.enter("segmentation")
    for number in range(LAST_LINES):
        say(recorder, "line %s", number)
    remains = read_remains(tmp_path / "one.box", 7)
    assert remains.stage == "segmentation" and (remains.peak_rss_kib or 0) > 10_000
    assert (remains.log or "").splitlines() == [f"line {number}" for number in range(LAST_LINES)]
    assert read_remains(tmp_path / "one.box", 8) == CrashReport(), "it is about another page run"


@pytest.mark.parametrize("room", [0, 4096])
def test_a_full_disk_costs_the_record_and_nothing_else(recorder: FlightRecorder, tmp_path: Path, room: int) -> None:
    recorder.begin(7)
    with small_disk(room):
        for number in range(LAST_LINES):
            recorder.enter("segmentation")
            say(recorder, "%s" * 50, *[f"a long line {number}"] * 50)
    recorder.begin(8)
    assert read_remains(tmp_path / "one.box", 8).log is None


def test_a_line_that_cannot_be_formatted_is_passed_over(
    recorder: FlightRecorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.begin(7)
    say(recorder, "%d is no number", "this")
    say(recorder, "the next")
    assert read_remains(tmp_path / "one.box", 7).log == "the next"
    assert "Logging error" in capsys.readouterr().err


def test_a_folder_that_is_not_there_costs_the_record_and_nothing_else(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path / "nowhere" / "one.box")
    recorder.begin(7)
    recorder.enter("faces")
    say(recorder, "a line")
    recorder.close()
    assert read_remains(tmp_path / "nowhere" / "one.box", 7) == CrashReport()


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "one.box").mkdir()
    assert read_remains(tmp_path / "one.box", 7) == CrashReport()
