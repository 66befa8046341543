"""One suspect at a time, by a lock file that nobody else can put something in the place of."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from workers.process.isolation import isolation_slot


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the lock file in a temporary folder of our own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f".broadsheet-alone-{os.getuid()}.lock"


def test_a_second_suspect_waits(lock: Path) -> None:
    with isolation_slot() as first, isolation_slot() as second:
        assert (first, second) == (True, False)
    with isolation_slot() as again:
        assert again
    assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_somebody_else_put_there_is_neither_followed_nor_waited_for(kind: str, lock: Path) -> None:
    victim = lock.parent / "victim"
    match kind:
        case "link":
            lock.symlink_to(victim)
        case "folder":
            lock.mkdir()
        case "pipe":
            os.mkfifo(lock)
    with isolation_slot() as free:
        assert free
    assert not victim.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_lock_that_another_user_holds_stops_nobody(lock: Path) -> None:
    lock.touch(0o666)
    os.chown(lock, 65534, 65534)
    with lock.open("r+b") as squatter:
        fcntl.flock(squatter, fcntl.LOCK_EX)
        with isolation_slot() as free:
            assert free
