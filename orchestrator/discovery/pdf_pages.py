"""How many pages a PDF has, asked in a process of its own: a hostile PDF may crash PDFium, but not the orchestrator."""

from __future__ import annotations

import json
import resource
import select
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from workers.errors import EncryptedSource, NotNow, PageError, UnreadableImage
from workers.sources.stores.location import Location, stored_location
from workers.sources.stores.origin import StoredOrigin

_MEMORY_BYTES = 4 * 1024**3
_KINDS = {kind.code: kind for kind in (EncryptedSource, UnreadableImage)}


class PdfPageCounter:
    """Counts the pages of PDFs in one helper process, which is started when needed and again when it died."""

    def __init__(self, timeout_seconds: float = 60.0) -> None:
        self._timeout_seconds = timeout_seconds
        self._turn = threading.Lock()
        self._helper: subprocess.Popen[str] | None = None

    def __enter__(self) -> PdfPageCounter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def count(self, path: Path, name: str) -> int:
        """Return the number of pages of the PDF at `path`, called `name` in messages.

        Raises:
            EncryptedSource: it needs a password.
            UnreadableImage: it is broken, crashes PDFium or takes too long.
        """
        return self._count({"path": str(path), "name": name}, name)

    def count_stored(self, root: Location, member: str, version: str, name: str) -> int:
        """Return the number of pages of a PDF in a store; as `count`. Only some of its bytes are read."""
        return self._count({"root": str(root), "member": member, "version": version, "name": name}, name)

    def _count(self, question: dict[str, str], name: str) -> int:
        with self._turn:
            return self._ask_helper(question, name)

    def _ask_helper(self, question: dict[str, str], name: str) -> int:
        helper = self._helper = self._helper or _start()
        answer = _ask(helper, question, self._timeout_seconds)
        if not answer:
            self.close()
            raise UnreadableImage(f"{name} stopped the PDF reader or took too long; save the PDF again.")
        loaded = json.loads(answer)
        if "later" in loaded:
            raise NotNow(loaded["later"], 0.0)
        if "error" in loaded:
            error: PageError = _KINDS[loaded["error"]](loaded["message"])
            raise error
        return int(loaded["pages"])

    def close(self) -> None:
        """End the helper process."""
        if self._helper is not None:
            self._helper.kill()
            self._helper.communicate()
            self._helper = None


def _start() -> subprocess.Popen[str]:
    # -P: a json.py in the directory of somebody's scans must not be imported.
    command = [sys.executable, "-P", "-m", "orchestrator.discovery.pdf_pages"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _ask(helper: subprocess.Popen[str], question: dict[str, str], timeout_seconds: float) -> str:
    """Return the answer, empty when the helper died or did not answer in time."""
    if helper.stdin is None or helper.stdout is None:
        raise ValueError("the helper has no pipes")
    try:
        helper.stdin.write(json.dumps(question) + "\n")
        helper.stdin.flush()
    except BrokenPipeError:
        return ""
    ready, _, _ = select.select([helper.stdout], [], [], timeout_seconds)
    return helper.stdout.readline() if ready else ""


def _answer(question: dict[str, str]) -> dict[str, object]:
    from workers.sources.pdf import open_pdf

    try:
        document = open_pdf(_source(question), question["name"])
    except PageError as error:
        return {"error": error.code if error.code in _KINDS else UnreadableImage.code, "message": str(error)}
    except NotNow as error:
        return {"later": str(error)}
    try:
        return {"pages": len(document)}
    finally:
        document.close()


def _source(question: dict[str, str]) -> Path | BinaryIO:
    if "path" in question:
        return Path(question["path"])
    root = stored_location(question["root"])
    if isinstance(root, Path):
        raise ValueError("no store")
    return StoredOrigin(root, question["member"], question["version"], 0).open()


def main() -> None:
    """Answer questions from standard input, one JSON object a line, until it ends."""
    if sys.platform == "linux":  # macOS has the name, not the limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
