"""The documents say what is there: their links lead somewhere, their commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.command import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
STAGE = re.compile(r"""\.stage\("(\w+)"\)""")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r'\]\(([^)#:\s]+)(?:#[\w-]+)?\)|src="([^":]+)"', text)
    missing = [link for pair in links for link in pair if link and not (document.parent / link).exists()]
    assert missing == []


def test_every_command_of_the_readme_exists() -> None:
    named = set(re.findall(r"broadsheet ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= set(COMMANDS)
    assert {"ingest", "query", "report", "export"} <= named


def test_every_exit_code_is_in_the_readme() -> None:
    from orchestrator import cli, command

    codes = {value for module in (cli, command) for name, value in vars(module).items() if name.startswith("EXIT_")}
    (sentence,) = re.findall(r"^Exit codes: .*?\.$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    told = set(map(int, re.findall(r"(\d+) \w", sentence)))
    assert codes <= told


def test_every_stage_is_explained_to_users() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    timed = {name for path in ROOT.glob("workers/**/*.py") for name in STAGE.findall(path.read_text())}
    assert {"decode", "record"} < timed <= set(explained)
