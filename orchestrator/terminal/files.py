"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from workers.errors import UnreadableInput


class UnwritableOutput(UnreadableInput):
    """What shall be written to is taken, has no room, or may not be written to."""


NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES}


@contextmanager
def writing(path: Path) -> Iterator[IO[str]]:
    """Open a text file beside `path` and move it there when the block ends well; on an error nothing stays.

    Raises:
        UnwritableOutput: `path` exists already, its folder does not, or there is no room.
    """
    with writing_beside(path) as beside, beside.open("w", encoding="utf-8", newline="") as out:
        yield out


@contextmanager
def writing_bytes(path: Path) -> Iterator[BinaryIO]:
    """Do as `writing` for a file of bytes.

    Raises:
        UnwritableOutput: as `writing`.
    """
    with writing_beside(path) as beside, beside.open("wb") as out:
        yield out


@contextmanager
def writing_beside(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty file beside `path` that becomes `path` when the block ends well; on an error nothing stays.

    Raises:
        UnwritableOutput: `path` exists and `replace` is not set, its folder does not, or there is no room.
    """
    refuse_existing(path, replace=replace)
    beside = path.with_name(f".{secrets.token_hex(8)}")  # short, for the name itself may be as long as can be
    with _no_room(path):
        try:  # from before the file exists, for Ctrl-C comes at any moment
            os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            yield beside
            beside.chmod(0o666 & ~_umask())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def refuse_existing(path: Path, *, replace: bool = False) -> None:
    """Refuse a path that is taken or cannot be.

    Raises:
        UnwritableOutput: with the remedy.
    """
    if path.exists() and not replace:
        raise UnwritableOutput(f"{path} exists already; remove it or choose another name.")
    if not path.parent.is_dir():
        raise UnwritableOutput(f"There is no folder {path.parent} to write {path.name} into.")


@contextmanager
def _no_room(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UnwritableOutput(
            f"{path} could not be written: {error.strerror}. Nothing of it was left behind."
        ) from error


def _umask() -> int:
    # it was made for its owner only; it shall be as any other file that its user writes
    mask = os.umask(0)
    os.umask(mask)
    return mask
