"""Prints what an installation needs, a requirement a line: `python deploy/requirements.py [--light] [EXTRA]...`.

Light is without kraken, which brings PyTorch: several GB that only `--segmenter kraken` and `baseline` use.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
light, extras = "--light" in sys.argv, [name for name in sys.argv[1:] if name != "--light"]
wanted = project["dependencies"] + [item for name in extras for item in project["optional-dependencies"][name]]
print("\n".join(item for item in wanted if not (light and item.startswith("kraken"))))
