"""How many pages a PDF has, asked in a process of its own: a hostile PDF may crash PDFium, but not the orchestrator."""

from __future__ import annotations

import json
import resource
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from workers.errors import EncryptedSource, PageError, UnreadableImage

_MEMORY_BYTES = 4 * 1024**3
_KINDS = {kind.code: kind for kind in (EncryptedSource, UnreadableImage)}


class PdfPageCounter:
    """Counts the pages of PDFs in one helper process, which is started when needed and again when it died."""

    def __init__(self, timeout_seconds: float = 60.0) -> None:
        self._timeout_seconds = timeout_seconds
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
        helper = self._helper = self._helper or _start()
        answer = _ask(helper, {"path": str(path), "name": name}, self._timeout_seconds)
        if not answer:
            self.close()
            raise UnreadableImage(f"{name} stopped the PDF reader or took too long; save the PDF again.")
        loaded = json.loads(answer)
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
        document = open_pdf(Path(question["path"]), question["name"])
    except PageError as error:
        return {"error": error.code, "message": str(error)}
    try:
        return {"pages": len(document)}
    finally:
        document.close()


def main() -> None:
    """Answer questions from standard input, one JSON object a line, until it ends."""
    if sys.platform == "linux":  # macOS has the name, not the limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
