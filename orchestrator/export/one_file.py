"""One file of all boxes, put together from parts, so that an export that was interrupted goes on.

A part is the text of one block of pages. It lies in the folder `FILE.parts` beside the file under a name made from the
pages' facts: a part of other pages, of newer results or of another version of this software is never taken for it. When
all are there they are put together, the file gets its name, and the folder goes.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from orchestrator.export.boxes import BoxBlock, PageFacts
from orchestrator.terminal.files import NO_ROOM, refuse_existing
from workers.errors import UnreadableInput

_OURS = re.compile(r"[0-9a-f]{32}\.\d|unfinished-\d+")


@dataclass(frozen=True, slots=True)
class FileForm:
    """What a file is made of: frame[0], the items of section 0, frame[1], the items of section 1, ..., frame[-1].

    `joint` stands between two items of a section.
    """

    name: str
    frame: tuple[str, ...]
    sections: tuple[Callable[[BoxBlock], Iterable[str]], ...]
    joint: str = ""


class Parts:
    """The parts of one file; `pages` counts their pages, `kept_pages` those of parts that were there already.

    Raises:
        UnreadableInput: from every method, when there is no room or no permission, or the file is there.
    """

    def __init__(self, form: FileForm, output: Path) -> None:
        self._form, self._output = form, output
        self._maker = f"broadsheet {version('broadsheet')} {form.name}"
        self._folder = output.with_name(f"{output.name}.parts")
        self._keys: list[str] = []
        self.pages = self.kept_pages = 0
        with self._errors_translated():
            self._folder.mkdir(exist_ok=True)

    def want(self, pages: Sequence[PageFacts]) -> bool:
        """Tell whether the next part, that of these pages, is still to be written."""
        key = sha256(repr((self._maker, pages)).encode()).hexdigest()[:32]
        self._keys.append(key)
        kept = all(path.exists() for path in self._paths(key))
        self.pages += len(pages)
        self.kept_pages += len(pages) if kept else 0
        return not kept

    def write(self, block: BoxBlock) -> None:
        """Write the part that was wanted last."""
        with self._errors_translated():
            for path, section in zip(self._paths(self._keys[-1]), self._form.sections, strict=True):
                if not path.exists():
                    self._write_section(path, section(block))

    def put_together(self) -> None:
        """Make the file of all parts, and remove them."""
        refuse_existing(self._output)  # which somebody may have made since
        with self._errors_translated(), self._whole_then(self._output) as out:
            for number, head in enumerate(self._form.frame):
                out.write(head.encode())
                if number < len(self._form.sections):
                    self._copy_section(number, out)
        for path in self._folder.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink()
        with suppress(OSError):  # something of the user's lies there
            self._folder.rmdir()

    def _copy_section(self, number: int, out: BinaryIO) -> None:
        started = False
        for key in self._keys:
            path = self._paths(key)[number]
            if path.stat().st_size:
                out.write(self._form.joint.encode() if started else b"")
                started = True
                with path.open("rb") as part:
                    shutil.copyfileobj(part, out, 1 << 20)

    def _write_section(self, path: Path, items: Iterable[str]) -> None:
        found = iter(items)
        first = islice(found, 1)
        with self._whole_then(path) as out:
            out.writelines(text.encode() for text in chain(first, (self._form.joint + text for text in found)))

    @contextmanager
    def _whole_then(self, path: Path) -> Iterator[BinaryIO]:
        """Give a file that gets its name `path` when it is on the disk."""
        unfinished = self._folder / f"unfinished-{os.getpid()}"
        try:
            with unfinished.open("wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _paths(self, key: str) -> list[Path]:
        return [self._folder / f"{key}.{number}" for number in range(len(self._form.sections))]

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in {*NO_ROOM, errno.EEXIST, errno.ENOTDIR}:
                raise
            raise UnreadableInput(
                f"{self._output} could not be written: {error.strerror}. What is finished lies in {self._folder}; "
                "the same command goes on from there."
            ) from error
