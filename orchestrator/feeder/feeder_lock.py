"""One feeder at a time: an advisory lock on PostgreSQL, a file lock beside a SQLite database."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text

CHECK_SECONDS = 1.0
LOCK_KEY = 0x666565646572  # "feeder"


class FeederLock:
    """The right to feed; given up when the process ends, however it ends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file: IO[bytes] | None = None
        self._connection: Connection | None = None
        self._checked_at = float("-inf")

    def acquire(self) -> bool:
        """Take the lock if nobody holds it; True as long as it is held."""
        if self._engine.dialect.name == "sqlite":
            return self._acquire_file()
        return self._acquire_advisory()

    @property
    def held(self) -> bool:
        """Whether this process holds the lock."""
        return self._file is not None or self._connection is not None

    def close(self) -> None:
        """Give the lock up."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            self._connection.invalidate()  # the lock belongs to the session, so the session must end
            self._connection.close()
            self._connection = None

    def _acquire_file(self) -> bool:
        if self._file is not None:
            return True
        file = Path(f"{self._engine.url.database}.feeder").open("ab")  # noqa: SIM115 - held until close()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def _acquire_advisory(self) -> bool:
        if self._connection is not None:
            if time.monotonic() - self._checked_at < CHECK_SECONDS:
                return True
            self._connection.execute(text("SELECT 1"))  # raises when the session, and with it the lock, is gone
            self._connection.commit()
            self._checked_at = time.monotonic()
            return True
        connection = self._engine.connect()
        # A machine that vanishes says no goodbye: without this its session, and the lock, would stay for hours.
        for setting in ("idle = 15", "interval = 5", "count = 3"):
            connection.execute(text(f"SET tcp_keepalives_{setting}"))
        held = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}))
        connection.commit()
        if held:
            self._connection = connection
        else:
            connection.close()
        return held
