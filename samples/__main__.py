"""`python -m samples FOLDER`: writes the demonstration archive, or with `--load N` many pages for trying out load."""

from __future__ import annotations

import argparse
from pathlib import Path

from samples.archive import make_archive, make_load


def main() -> None:
    """Write the archive and print the name of each page."""
    parser = argparse.ArgumentParser(prog="python -m samples", description="Draws newspaper pages with exact truth.")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--load", type=int, metavar="N", help="write N different pages instead, without truth")
    arguments = parser.parse_args()
    made = make_load(arguments.folder, arguments.load) if arguments.load else make_archive(arguments.folder)
    for name in made:
        print(name)


if __name__ == "__main__":
    main()
