"""`python -m tests.fuzz [--seed N] [--minutes M] [--only K]`: broken inputs at random, for some minutes.

Every input is drawn from the seed and its number, so that `--seed N --only K` makes the same file again. A process
takes one after the other; it may neither die, nor hang, nor run out of memory, nor say what is no sentence, nor show
a black page where another reader sees a picture. What it finds is kept in a folder, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.mutations import mutated
from tests.fuzz.originals import archive, originals

SECONDS = 20  # for one input
_MOST_FINDINGS = 10


class Target:
    """The process that opens the inputs, started again when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def judged(self, path: Path) -> dict[str, str]:
        """Return what became of the file at `path`: an `outcome` or a `fault`."""
        process = self._process = self._process or _started()
        assert process.stdin and process.stdout
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        answer = process.stdout.readline() if ready else ""
        if answer:
            return dict(json.loads(answer))
        self.close()
        return {"fault": f"it hangs: no answer in {SECONDS} s" if not ready else f"it dies: {process.returncode}"}

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _started() -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.target"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def drawn(seed: int, number: int) -> tuple[str, bytes]:
    """Return what input `number` is made of, and its bytes."""
    chance = random.Random(f"{seed}:{number}")
    names = sorted(originals())
    name = "names in an archive" if chance.random() < 0.05 else chance.choice(names)
    data = archive(chance) if name not in originals() else originals()[name]
    other = originals()[chance.choice(names)]
    return name, data if name not in originals() and chance.random() < 0.5 else mutated(data, other, chance)


def main() -> None:
    """Draw and judge until the time is over; exit 1 when something was found."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-fuzz-"))
    print(f"seed {options.seed}, {len(originals())} originals; findings in {folder}", flush=True)
    numbers = iter([options.only]) if options.only is not None else iter(range(sys.maxsize))
    end, counted, findings = time.monotonic() + 60 * options.minutes, Counter[str](), 0
    target = Target()
    try:
        while time.monotonic() < end and findings < _MOST_FINDINGS and (number := next(numbers, None)) is not None:
            findings += not _is_well(target, folder, options.seed, number, counted)
    finally:
        target.close()
    print(f"{counted.total()} inputs, {findings} findings: " + ", ".join(f"{n} {k}" for k, n in counted.most_common()))
    if not findings:
        shutil.rmtree(folder)
    sys.exit(findings > 0)


def _is_well(target: Target, folder: Path, seed: int, number: int, counted: Counter[str]) -> bool:
    name, data = drawn(seed, number)
    path = folder / f"{number:06}"
    path.write_bytes(data)
    answer = target.judged(path)
    counted[answer.get("outcome", "fault")] += 1
    if "outcome" in answer:
        path.unlink()
        return True
    print(f"{path} (number {number}, from {name}): {answer['fault']}\n{answer.get('trace', '')}", flush=True)
    return False


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--only", type=int, metavar="K", help="the one input of this number")
    return parser.parse_args()


if __name__ == "__main__":
    main()
