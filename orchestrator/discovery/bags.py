"""Bags: folders whose manifest gives a checksum of each file in them. BagIt 1.0, RFC 8493."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from unicodedata import normalize
from urllib.parse import unquote

from workers.errors import ChecksumMismatch
from workers.hashing import digest_of

DECLARATION = "bagit.txt"
# The surest first; each manifest of a bag names all of its files.
ALGORITHMS = ("sha512", "sha256", "sha1", "md5")
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+\*?(.+)")
_ENCODING = re.compile(r"^Tag-File-Character-Encoding:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bags:
    """The checksums of the bags that a walk through a volume has come upon, by the paths of their files."""

    _digests: dict[str, tuple[str, str]] = field(default_factory=dict)

    def enter(self, folder: Path, note: Callable[[str], object]) -> None:
        """Read the manifest of a folder if it is a bag; one that cannot be read is noted."""
        if not (folder / DECLARATION).is_file():
            return
        try:
            algorithm, named = read_manifest(folder)
        except (OSError, ValueError, LookupError) as error:
            note(f"The manifest of the bag {folder} cannot be read ({error}); its checksums are not compared.")
            return
        for name, digest in named.items():
            self._digests[normalize("NFC", f"{folder}/{name}")] = algorithm, digest

    def check(self, path: Path, file: BinaryIO, name: str) -> None:
        """Compare a file of a bag, called `name` in messages, with its checksum, and put it back to its beginning.

        Raises:
            ChecksumMismatch: it is not the file that was packed.
        """
        if not self._digests or (expected := self._digests.get(normalize("NFC", str(path)))) is None:
            return
        algorithm, digest = expected
        if digest_of(file, algorithm) != digest:
            raise ChecksumMismatch(
                f"{name} is not the file that its bag's manifest-{algorithm}.txt names; copy it again from where the "
                "bag came from."
            )


def read_manifest(bag: Path) -> tuple[str, dict[str, str]]:
    """Return the algorithm of a bag's surest manifest, and its digests by the names of the files in the bag.

    Raises:
        OSError: it has none, or it cannot be read.
        ValueError: a line of it makes no sense.
        LookupError: it is in an encoding that is not known.
    """
    declared = _ENCODING.search((bag / DECLARATION).read_text(encoding="utf-8", errors="replace"))
    manifests = {one: bag / f"manifest-{one}.txt" for one in ALGORITHMS}
    algorithm = next((one for one, path in manifests.items() if path.is_file()), None)
    if algorithm is None:
        raise FileNotFoundError(f"there is no manifest of {', '.join(ALGORITHMS)}")
    text = manifests[algorithm].read_text(encoding=declared[1] if declared else "utf-8")
    return algorithm, dict(_entries(text))


def _entries(manifest: str) -> Iterator[tuple[str, str]]:
    for line in manifest.splitlines():
        if line.strip():
            match = _LINE.fullmatch(line.strip())
            if match is None:
                raise ValueError(f"{line[:60]!r} is no checksum with a name")
            # only these three are written as %xx in a manifest
            name = re.sub("%(?:0A|0D|25)", lambda found: unquote(found[0]), match[2], flags=re.IGNORECASE)
            yield name.removeprefix("./"), match[1].lower()
