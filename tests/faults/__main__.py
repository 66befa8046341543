"""`python -m tests.faults COMMAND...`: `broadsheet` with the faults of the plan."""

from __future__ import annotations

import os
import sys

# read when Celery's worker is imported, which the strikes do before the command could set it
os.environ["REMAP_SIGTERM"] = "SIGQUIT"

from orchestrator.cli import main
from tests.faults.strikes import install
from workers.tasks import PageTask

PageTask.steps, PageTask.alone_command = install()
main(sys.argv[1:])
