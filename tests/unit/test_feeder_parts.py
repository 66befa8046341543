"""The small decisions of feeding and ingesting."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys

import pytest
from sqlalchemy import Engine, select

from models import Worker
from orchestrator.feeder.recovery import forget_dead_workers, is_dead
from workers.lease.claims import pid_namespace, this_process
from workers.process.registry import report


def test_a_worker_of_this_machine_is_dead_when_its_process_is_gone() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert is_dead(f"{socket.gethostname()}:{pid_namespace()}:{gone.pid}")
    assert not is_dead(this_process())


def test_nothing_is_known_of_workers_elsewhere() -> None:
    assert not is_dead(f"another-machine:{pid_namespace()}:1")
    assert not is_dead(f"{socket.gethostname()}:1:999999999")
    assert not is_dead(f"{socket.gethostname()}:999999999"), "an older worker's name says too little"


def unshare() -> list[str]:
    """Return the command that gives another one process numbers of its own."""
    for user in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *user, "--pid", "--fork"]
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("no namespaces may be made here")


def test_a_live_worker_with_numbers_of_its_own_is_not_dead() -> None:
    tell = "from workers.lease.claims import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen(
        [*unshare(), sys.executable, "-c", tell], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as apart:
        assert apart.stdin and apart.stdout
        name = apart.stdout.readline().strip()
        host, _, pid = name.split(":")
        assert (host, pid) == (socket.gethostname(), "1")
        assert not is_dead(name)
        apart.stdin.close()
    assert not is_dead(name), "nobody here can tell"


def test_workers_that_have_ended_are_no_longer_listed(sqlite_engine: Engine) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    alive = this_process()
    ended = f"{socket.gethostname()}:{pid_namespace()}:{gone.pid}"
    for name in (alive, ended, "another-machine:1:1"):
        report(sqlite_engine, name, 2)
    forget_dead_workers(sqlite_engine)
    with sqlite_engine.connect() as connection:
        assert set(connection.scalars(select(Worker.name))) == {alive, "another-machine:1:1"}
