"""The mark that pictures and bundles made of results carry, so that an ingest which meets them knows them for what
they are: an overlay in the folder of the scans is no scan.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

MANIFEST = "_export.json"  # in each folder of an export
MARK = "Made by broadsheet"
_END_BYTES = 4096
# In PNG the text chunk "Software", which crops of scans have with their version; in JPEG the comment.
_IN_PICTURES = re.compile(rb"Software\0{1,5}(?:Made by )?broadsheet|" + MARK.encode())
# Text in a PDF may be UTF-16.
_IN_DOCUMENTS = re.compile(b"|".join(MARK.encode(encoding) for encoding in ("ascii", "utf-16-be")))


def marked(form: str) -> dict[str, Any]:
    """Return the options with which Pillow writes the mark into a picture of `form`: png, jpeg or pdf."""
    match form.lower():
        case "png":
            from PIL.PngImagePlugin import PngInfo

            facts = PngInfo()
            facts.add_text("Software", MARK)
            return {"pnginfo": facts}
        case "jpeg":
            return {"comment": MARK.encode()}
        case "pdf":
            return {"producer": MARK}
    raise ValueError(f"{form} has no place for the mark")


def is_marked(file: BinaryIO) -> bool:
    """Return whether a file carries the mark, and put it back to its beginning."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_BYTES))
    end = file.read(_END_BYTES)
    file.seek(0)
    head = file.read(_END_BYTES)
    file.seek(0)
    if head.startswith(b"PK") or b"%PDF-" in head[:1024]:
        return bool(_IN_DOCUMENTS.search(end))
    return bool(_IN_PICTURES.search(head))


def is_export(folder: Path) -> bool:
    """Return whether an export wrote a folder: its pictures are copies of scans, or show what was found on them."""
    try:
        begun = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(begun, dict) and {"format", "selection", "options"} <= begun.keys()
