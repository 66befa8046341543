"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from workers.errors import UnreadableInput


class UnwritableOutput(UnreadableInput):
    """What shall be written to is taken, has no room, or may not be written to."""


# What nobody calls a folder.
FILE_ENDINGS = {
    ".csv", ".gz", ".htm", ".html", ".jpeg", ".jpg", ".json", ".jsonl", ".parquet", ".pdf", ".png", ".svg", ".tar",
    ".tif", ".tiff", ".tsv", ".txt", ".xls", ".xlsx", ".xml", ".zip",
}  # fmt: skip
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


def refuse_other_endings(path: Path, endings: Sequence[str], what: str) -> None:
    """Refuse a name whose ending promises what is not written; `what` is the beginning of the sentence, with its verb.

    Raises:
        UnreadableInput: with the endings that can be.
    """
    ending = path.suffix.lower()
    if ending and ending not in endings:
        known = " or ".join(filter(None, [", ".join(endings[:-1]), endings[-1]]))
        raise UnreadableInput(f"{what} as {known}, not {ending}; choose another name for {path.name}.")


def refuse_file_name(folder: Path, what: str) -> None:
    """Refuse the name of a file where a folder is written.

    Raises:
        UnreadableInput: it has the ending of a file.
    """
    if folder.suffix.lower() in FILE_ENDINGS and not folder.is_dir():
        raise UnreadableInput(f"{what} is written as a folder of files, not as {folder.name}; name a folder.")


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
