"""`workers.process.isolation` with the faults of the plan."""

from __future__ import annotations

import sys

from tests.faults.strikes import install
from workers.process.isolation import main

main(sys.argv[1:], install()[0])
