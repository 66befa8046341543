"""`python -m tests.faults COMMAND...`: `broadsheet` with the faults of the plan."""

from __future__ import annotations

import os
import sys

# read when Celery's worker is imported, which the strikes do before the command could set it
os.environ["REMAP_SIGTERM"] = "SIGQUIT"
if "worker" in sys.argv:  # likewise: that there is a directory, whichever, decides how a worker counts
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["BROADSHEET_TEST_FOLDER"]

from orchestrator.cli import main
from tests.faults.strikes import install
from workers.tasks import PageTask

PageTask.steps, PageTask.isolated_command = install()
main(sys.argv[1:])
