"""Ctrl-C at bad moments: while libraries are loaded, at a question, while a file appears."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.terminal.ctrl_c import uninterrupted
from orchestrator.terminal.files import writing

# Presses Ctrl-C when a library is looked for; `swallow` is what an extension module makes of it while it is loaded.
PRESSED = """
import os, signal, sys
class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy":
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                if {swallow}:
                    raise ImportError("it could not be loaded")
                raise
sys.meta_path.insert(0, Presses())
from orchestrator.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("swallow", [False, True])
@pytest.mark.parametrize(
    ("command", "words"),
    [("status", "Interrupted.\n"), ("ingest", "Interrupted; run the same command again to go on from here.\n")],
)
def test_ctrl_c_while_libraries_are_loaded_is_answered_in_a_sentence(
    tmp_path: Path, command: str, words: str, swallow: bool
) -> None:
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = [command, *(["p.png"] if command == "ingest" else [])]
    script = [sys.executable, "-P", "-c", PRESSED.format(swallow=swallow)]
    run = subprocess.run([*script, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert (run.returncode, run.stderr.lstrip("\n")) == (130, words)


def test_ctrl_c_while_a_file_is_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.terminal.files.os.close", lambda handle: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "all.csv"):
        pass
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_held_back_while_things_are_put_in_order() -> None:
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
