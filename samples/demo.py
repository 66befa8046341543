"""`make demo`: makes the sample archive, ingests it and asks three questions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from samples.archive import make_archive

FOLDER = Path("demo")
_INSTALLED = Path(sys.executable).with_name("broadsheet")
BROADSHEET = _INSTALLED.relative_to(Path.cwd()) if _INSTALLED.is_relative_to(Path.cwd()) else _INSTALLED
QUESTIONS = {
    "How much is on each page?": """
        SELECT page, width, height, text_lines AS lines, separators, faces, empty_reason AS empty
        FROM page_status WHERE state = 'done' ORDER BY page_number""",
    "On which pages are faces, and where?": """
        SELECT page, x, y, width, height, confidence FROM page_faces ORDER BY page_number, x""",
    "Which stage takes the time?": """
        SELECT stage, round(avg(wall_ms), 1) AS average_ms, max(peak_rss_kib) / 1024 AS peak_mib
        FROM page_timings GROUP BY stage ORDER BY 2 DESC""",
}


def main() -> int:
    """Run the demonstration; returns the exit code."""
    FOLDER.mkdir(exist_ok=True)
    archive, database = FOLDER / "archive", FOLDER / "broadsheet.db"
    if not archive.exists():
        print(f"Drawing {sum(1 for _ in make_archive(archive))} sample pages into {archive}", flush=True)
    # One sample is broken on purpose, so 1 (some pages quarantined) is how this ends well.
    if run("ingest", str(archive), database=database) not in (0, 1):
        return 1
    for question, sql in QUESTIONS.items():
        print(f"\n{question}", flush=True)
        if run("query", " ".join(sql.split()), database=database):
            return 1
    print(f'\nAsk more: {BROADSHEET} query --database {database} "SELECT ..."')
    return 0


def run(*arguments: str, database: Path) -> int:
    """Show a command, run it and return its exit code."""
    print("$ broadsheet", *(repr(a) if " " in a else a for a in arguments), flush=True)
    command = [str(BROADSHEET), *arguments, "--database", str(database)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
