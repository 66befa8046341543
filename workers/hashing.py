"""What tells the bytes of one scan from all others."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

_CHUNK_BYTES = 1024**2


def sha256_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a whole file as 64 hexadecimal digits, and put it back to its beginning."""
    return digest_of(file, "sha256")


def digest_of(file: BinaryIO, algorithm: str) -> str:
    """Return the digest of a whole file, hexadecimal, by an algorithm of hashlib; puts it back to its beginning."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
