"""Log lines: JSON for machines, text for people, the page on every line about it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from workers.telemetry import logs

log = logging.getLogger("some.library")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.TOO_TALKATIVE}
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_about_a_page_names_page_run_attempt_and_volume_whoever_logs_it() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    with logs.about(7, 2, "/archive/scans", "p0003.tif"):
        log.warning("odd %s", "scan")
    log.info("between pages")
    about, between = lines(stream)
    assert (about["page_run"], about["attempt"], about["volume"], about["page"]) == (
        7,
        2,
        "/archive/scans",
        "p0003.tif",
    )
    assert (about["level"], about["logger"], about["message"]) == ("warning", "some.library", "odd scan")
    assert between["page_run"] is None and set(between) == set(about)


def test_a_traceback_stays_on_one_line_and_hides_passwords() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    try:
        raise RuntimeError("no answer from redis://:hunter2@queue/0")
    except RuntimeError:
        log.exception("lost redis://:hunter2@queue/0")
    (line,) = lines(stream)
    assert "RuntimeError" in line["traceback"]
    assert "hunter2" not in stream.getvalue()


def test_people_read_text_and_machines_json() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        logs.configure("", "info", stream)
        with logs.about(7, 1):
            log.info("done, see redis://:hunter2@queue")
    assert terminal.getvalue().endswith("info    page run 7: done, see redis://:***@queue\n")
    assert lines(file)[0]["message"] == "done, see redis://:***@queue"


def test_warnings_of_libraries_are_log_lines() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    with logs.about(7), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("Too many connected components", stacklevel=1)
    assert "Too many connected components" in lines(stream)[0]["message"]
    assert lines(stream)[0]["page_run"] == 7


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full, which Linux has")
def test_a_log_that_cannot_be_written_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115  # closed below, where that fails
    closed, gone = io.StringIO(), _pipe_without_reader()
    closed.close()
    for stream in (full, closed, gone):
        monkeypatch.setattr(sys, "stderr", stream)
        logs.configure("json", "info")
        log.warning("a line that nobody can read")
        log.warning("%d is no number", "this")
    for stream in (full, gone):
        with contextlib.suppress(OSError):  # what is left in its buffer has nowhere to go
            stream.close()


def _pipe_without_reader() -> IO[str]:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", buffering=1)


def test_a_command_without_standard_error_gives_its_number_to_no_file() -> None:
    script = """
import os, sys
from orchestrator.cli import main
try: main(["--version"])
except SystemExit as end: print(end.code, os.open("/dev/null", os.O_RDONLY) > 2, sys.stderr.write("lost"))
"""
    shell = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script]
    run = subprocess.run(shell, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "0 True 4"
