"""Ways to break a file: bits, numbers, lengths, order, and what lies next to what. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from random import Random

_NUMBERS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEADER_BYTES = 512


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """Return `data` broken in one to four ways; `other` is a file to borrow from."""
    broken = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        if not broken:
            break
        random.choice(_WAYS)(broken, other, random)
    return _repaired(bytes(broken), random)


def _bits(data: bytearray, other: bytes, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 8))):
        data[_place(data, random)] ^= 1 << random.randrange(8)


def _number(data: bytearray, other: bytes, random: Random) -> None:
    number, size = random.choice(_NUMBERS), random.choice((1, 2, 4))
    place = _place(data, random)
    data[place : place + size] = (number & (256**size - 1)).to_bytes(size, random.choice(("little", "big")))


def _cut(data: bytearray, other: bytes, random: Random) -> None:
    del data[_place(data, random) if random.random() < 0.3 else random.randrange(len(data)) :]


def _zeros(data: bytearray, other: bytes, random: Random) -> None:
    begin = random.randrange(len(data))
    length = min(len(data) - begin, random.choice((4, 64, 1024, len(data))))
    data[begin : begin + length] = bytes(length)


def _removed(data: bytearray, other: bytes, random: Random) -> None:
    begin = _place(data, random)
    del data[begin : begin + random.choice((1, 2, 4, 12, 100))]


def _inserted(data: bytearray, other: bytes, random: Random) -> None:
    begin = _place(data, random)
    data[begin:begin] = random.randbytes(random.choice((1, 2, 4, 12, 100)))


def _repeated(data: bytearray, other: bytes, random: Random) -> None:
    begin, length = random.randrange(len(data)), random.choice((4, 12, 64, 512))
    at = random.randrange(len(data))
    data[at:at] = data[begin : begin + length]


def _spliced(data: bytearray, other: bytes, random: Random) -> None:
    at = random.randrange(len(data))
    data[at:] = other[min(at, len(other)) :] if random.random() < 0.5 else other


def _swapped(data: bytearray, other: bytes, random: Random) -> None:
    one, two, length = random.randrange(len(data)), random.randrange(len(data)), random.choice((2, 4, 12))
    if abs(one - two) >= length and max(one, two) + length <= len(data):
        data[one : one + length], data[two : two + length] = data[two : two + length], data[one : one + length]


_WAYS: tuple[Callable[[bytearray, bytes, Random], None], ...] = (
    _bits, _bits, _number, _number, _number, _cut, _zeros, _removed, _inserted, _repeated, _spliced, _swapped,
)  # fmt: skip


def _place(data: bytearray, random: Random) -> int:
    """Return a place in the file, mostly in its header."""
    return random.randrange(min(len(data), _HEADER_BYTES) if random.random() < 0.7 else len(data))


def _repaired(data: bytes, random: Random) -> bytes:
    """Return the file with the checksums of a PNG mended, mostly: otherwise nothing behind them is ever reached."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or random.random() < 0.2:
        return data
    mended, at = bytearray(data), 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">L", mended, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(mended)
