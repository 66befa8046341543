"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workers.errors import UnreadableInput


@contextmanager
def writing(path: Path) -> Iterator[IO[str]]:
    """Open a text file beside `path` and move it there when the block ends well; on an error nothing stays.

    Raises:
        UnreadableInput: `path` exists already, or its folder does not.
    """
    if path.exists():
        raise UnreadableInput(f"{path} exists already; remove it or choose another name.")
    if not path.parent.is_dir():
        raise UnreadableInput(f"There is no folder {path.parent} to write {path.name} into.")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            yield out
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
