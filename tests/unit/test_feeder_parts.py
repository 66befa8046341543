"""The small decisions of feeding and ingesting."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from orchestrator.feeder.recovery import is_dead


def test_a_worker_of_this_machine_is_dead_when_its_process_is_gone() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert is_dead(f"{socket.gethostname()}:{gone.pid}")
    assert not is_dead(f"{socket.gethostname()}:{os.getpid()}")


def test_nothing_is_known_of_workers_elsewhere() -> None:
    assert not is_dead("another-machine:1")
