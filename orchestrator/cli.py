"""Where `broadsheet` begins: from the first import on, Ctrl-C ends it with a sentence and exit code 130."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

EXIT_INTERRUPTED = 130

# What goes on where it was stopped, when it is run again.
RESUMABLE = {"ingest", "export"}


class CtrlC:
    """Remembers that Ctrl-C was pressed: a library that is loaded or called back may make it an error of its own."""

    pressed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Do as Python does."""
        self.pressed = True
        signal.default_int_handler(number, frame)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _stand_in_for_closed_streams()
    ctrl_c, before = CtrlC(), signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # it is ignored under `nohup`, and after `&` in a script
        signal.signal(signal.SIGINT, ctrl_c)
    try:
        from orchestrator.command import run

        code = run(arguments)
    except KeyboardInterrupt as error:
        code = _interrupted(error, arguments)
    except Exception as error:
        from orchestrator.command import report

        code = _interrupted(error, arguments) if ctrl_c.pressed else report(error, arguments)
    finally:
        signal.signal(signal.SIGINT, before)
    sys.exit(code)


def _stand_in_for_closed_streams() -> None:
    """Give a process that was started with `2>&-` a stream to nowhere: a file it opens must not take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # for the life of the process


def _interrupted(error: BaseException, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        import traceback

        traceback.print_exception(error)
    again = RESUMABLE.intersection(arguments)
    print("Interrupted; run the same command again to go on from here." if again else "Interrupted.", file=sys.stderr)
    return EXIT_INTERRUPTED
