"""The embedded broker is gone when its command is gone, whatever ended the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from orchestrator.local.broker import embedded_broker
from tests.servers import wait_until

HOLD_A_BROKER = """
from orchestrator.local.broker import embedded_broker
import time
with embedded_broker() as broker:
    broker.wait_until_up()
    print(broker.url, flush=True)
    time.sleep(60)
"""


def folder_of(url: str) -> Path:
    return Path(url.removeprefix("redis+socket://").partition("?")[0]).parent


def serves(folder: Path) -> bool:
    try:
        return bool(redis.Redis(unix_socket_path=str(folder / "broker.sock")).ping())
    except redis.ConnectionError:
        return False


def test_the_broker_serves_inside_the_block_and_leaves_nothing() -> None:
    with embedded_broker() as broker:
        broker.wait_until_up()
        folder = folder_of(broker.url)
        assert serves(folder)
        assert folder.stat().st_mode & 0o077 == 0, "nobody else may ring"
    assert not folder.exists()


def test_the_broker_serves_where_the_temporary_folder_has_a_long_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for characters in (60, 120, 200):
        long = tmp_path / ("x" * characters)
        long.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(long))
        with embedded_broker() as broker:
            broker.wait_until_up()
            assert serves(folder_of(broker.url))
        assert list(long.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_broker_ends_with_its_command(how: signal.Signals) -> None:
    command = subprocess.Popen([sys.executable, "-c", HOLD_A_BROKER], stdout=subprocess.PIPE, text=True)
    assert command.stdout is not None
    folder = folder_of(command.stdout.readline().strip())
    assert serves(folder)
    os.kill(command.pid, how)
    command.wait()
    command.stdout.close()
    wait_until(lambda: not folder.exists(), "the end of the broker's folder", 10)
    assert not serves(folder)
