"""File names as text that SQL, XML, JSON and a terminal can hold, and back.

A file name on Linux is bytes; Python gives those that are no UTF-8 as lone surrogates. They are shown as `\\xe4`, and
so are control characters; others that are not seen or change the order of the text as `\\u202e`. A backslash that
would read as the beginning of such an escape is doubled, so that two names never look the same.
"""

from __future__ import annotations

import re

# Controls, invisible and bidirectional marks, separators of lines, noncharacters. Joiners of Indic and Persian stay.
_UNSHOWN = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_ESCAPE = r"[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}"
_TO_ESCAPE = re.compile(rf"{_UNSHOWN}|\\(?=\\|{_ESCAPE}|{_UNSHOWN})")
_ESCAPED = re.compile(rf"\\(\\|{_ESCAPE})")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}
_LONG = {short[1]: character for character, short in _SHORT.items()}
_BYTES = range(0xDC80, 0xDD00)  # how Python spells bytes 0x80 to 0xff of a name that is not UTF-8


def escaped(name: str) -> str:
    """Return a file name as text that can be stored and shown."""
    return _TO_ESCAPE.sub(lambda found: _spelled(found[0]), name)


def unescaped(text: str) -> str:
    """Return the file name that `escaped` gave as `text`."""
    return _ESCAPED.sub(lambda found: _meant(found[1]), text)


def typed(name: str) -> str:
    """Return the stored form of a name that somebody typed: as a table shows it, or as the shell completed it."""
    return escaped(name) if re.search(_UNSHOWN, name) else name


def _spelled(character: str) -> str:
    code = ord(character)
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}")


def _meant(escape: str) -> str:
    if escape in _LONG:
        return _LONG[escape]
    code = int(escape[1:], 16)
    return chr(code + 0xDC00) if escape[0] == "x" and code >= 0x80 else chr(code)
