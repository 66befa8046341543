"""The names of a ZIP's members: UTF-8 where it says so or is so, else in an encoding that nobody wrote down."""

from __future__ import annotations

import codecs
import struct
import zipfile
import zlib
from collections.abc import Sequence

from workers.errors import UnreadableInput

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field: version, CRC-32 of the plain name, the name in UTF-8
_ANY = "cp437"  # what the specification names; every byte is a character of it


def check_encoding(name: str) -> str:
    """Return the name of an encoding of text that Python knows.

    Raises:
        UnreadableInput: it knows none of this name.
    """
    try:
        codecs.lookup(name)
        "ä".encode(name, "ignore")
    except (LookupError, ValueError, TypeError) as error:
        raise UnreadableInput(f"{name} is no known encoding; try cp932 (Japanese), cp850, cp1251 or gbk.") from error
    return name


def member_name(info: zipfile.ZipInfo, encoding: str | None = None) -> str:
    """Return the name of a member, with `/` between folders; `encoding` is for names of which nothing tells it."""
    name = info.orig_filename if info.flag_bits & _UTF8_FLAG else _name_from_bytes(info, encoding)
    # The specification knows no backslash, but some programs on Windows write it.
    return name.split("\0", 1)[0].replace("\\", "/")


def is_guessed(info: zipfile.ZipInfo) -> bool:
    """Return whether nothing tells in which encoding the name of a member is."""
    return not info.flag_bits & _UTF8_FLAG and _unicode_path(info) is None and _utf8(_raw(info)) is None


def _name_from_bytes(info: zipfile.ZipInfo, encoding: str | None) -> str:
    raw = _raw(info)
    told = _unicode_path(info)
    if told is None:
        told = _utf8(raw)
    return raw.decode(encoding or _ANY, "surrogateescape" if encoding else "strict") if told is None else told


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode(_ANY)  # which zipfile decoded it with


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    rest = info.extra
    while len(rest) >= 4:
        kind, size = struct.unpack_from("<HH", rest)
        data, rest = rest[4 : 4 + size], rest[4 + size :]
        if kind == _UNICODE_PATH and len(data) > 5 and data[0] == 1:
            (checksum,) = struct.unpack_from("<I", data, 1)
            return _utf8(data[5:]) if checksum == zlib.crc32(_raw(info)) else None
    return None


def document_kind(names: Sequence[str], archive: str) -> str:
    """Return what a ZIP is that is no archive of pages: an office document, a program; empty for all others.

    Args:
        names: of its members, in their order.
        archive: its own name.
    """
    known = set(names)
    if "[Content_Types].xml" in known:
        return "an Office document"
    if names[:1] == ["mimetype"]:
        return "an OpenDocument or EPUB file"
    if any(name.endswith(".iwa") or name == "Index.zip" for name in names):
        return "an iWork document"
    if "AndroidManifest.xml" in known or any(name.endswith(".dist-info/WHEEL") for name in names):
        return "a program"
    is_java = archive.lower().endswith((".jar", ".war", ".ear", ".aar")) or any(n.endswith(".class") for n in names)
    return "a Java program" if "META-INF/MANIFEST.MF" in known and is_java else ""
