"""Running the real command as a user does, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

BROADSHEET = Path(sys.executable).with_name("broadsheet")


@dataclass(frozen=True)
class Broadsheet:
    """The command, run in `folder` with nothing of ours in the environment but `environ`."""

    folder: Path
    environ: tuple[tuple[str, str], ...] = ()
    command: Path = BROADSHEET

    def run(self, *arguments: str, code: int = 0, words: str = "") -> subprocess.CompletedProcess[str]:
        """Run to the end with these words on standard input, and check the exit code."""
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.folder,
            env=self.env(),
            input=words,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start in a process group of its own, as a terminal would."""
        return subprocess.Popen(
            [self.command, *arguments],
            cwd=self.folder,
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ingest(self, *paths: str | Path, code: int = 0) -> dict[str, Any]:
        """Ingest and return the JSON summary."""
        summary: dict[str, Any] = json.loads(self.run("ingest", *map(str, paths), "--json", code=code).stdout)
        return summary

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Ask and return the rows."""
        rows: list[dict[str, Any]] = json.loads(self.run("query", sql, "--format", "json").stdout)
        return rows

    def env(self) -> dict[str, str]:
        """Return the environment of the command: whatever other tests have set, nothing of ours but `environ`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        return inherited | dict(self.environ)


def draw_page(path: Path, words: str, size: tuple[int, int] = (700, 900)) -> None:
    """Draw a page of twenty text lines, different for different words."""
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(24)
    for line in range(20):
        draw.text((40, 40 + 40 * line), f"{words} is what line number {line + 1} says", fill=0, font=font)
    image.save(path)
