"""What may import what, seen in a fresh process: contracts do not see what a parent package imports."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import files, packages_distributions

import pytest

HEAVY = {"cv2", "torch", "kraken", "celery", "sqlalchemy", "scipy"}


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import workers.layout, workers.errors, workers.parameters", HEAVY | {"numpy", "PIL", "models"}),
        ("import workers.pipeline", {"celery", "sqlalchemy", "models", "orchestrator", "kraken", "torch"}),
        ("import orchestrator.discovery.discovery", {"cv2", "torch", "kraken", "celery", "sqlalchemy"}),
        ("import models", {"workers", "orchestrator", "migrations"}),
        ("import workers.lease.claims, workers.lease.recording", {"celery", "cv2", "torch", "kraken", "orchestrator"}),
        ("import workers.tasks", {"orchestrator", "kraken", "torch"}),
    ],
)
def test_importing_one_part_does_not_load_another(code: str, forbidden: set[str]) -> None:
    assert loaded_by(code) & forbidden == set()


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['broadsheet', '--help']\nfrom orchestrator.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass"
    assert loaded_by(f"{code}\nprint()").isdisjoint(HEAVY | {"numpy", "PIL", "rich"})


@pytest.mark.parametrize("name", ["workers", "orchestrator", "models", "migrations"])
def test_our_general_names_are_not_taken_by_another_distribution(name: str) -> None:
    owners = set(packages_distributions().get(name, ["broadsheet"]))
    assert owners == {"broadsheet"}
    assert files("broadsheet") is not None


def test_help_loads_few_modules() -> None:
    code = "import sys; before = len(sys.modules); sys.argv = ['broadsheet', '--help']\n"
    code += "from orchestrator.cli import main\ntry: main()\nexcept SystemExit: print(len(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout.split()[-1]) < 150, "each costs a part of a millisecond before anything is answered"
