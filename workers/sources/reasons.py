"""What a decoder or unpacker says of a broken file, as far as it is a sentence for people. Pure."""

from __future__ import annotations

import errno
import re

_MOST_CHARACTERS = 200
# Python's way to write bytes, error numbers of libraries, Pillow's decoders.
_FOR_PROGRAMMERS = re.compile(r"\bb['\"]|\b[Ee]rror -?\d|\bdecoder\b|\bargument\b")
_SPOKEN = (OSError, SyntaxError, EOFError, NotImplementedError)


def reason(error: BaseException, *more: type[BaseException]) -> str:
    """Return why a file could not be read, for the brackets of a sentence.

    Args:
        error: what was raised.
        more: further kinds of errors whose text is written for people. Python's own tell them nothing.
    """
    text = " ".join(str(error).split()).rstrip(".")
    is_spoken = isinstance(error, (*_SPOKEN, *more)) and getattr(error, "errno", None) is None
    if not text or not is_spoken or _FOR_PROGRAMMERS.search(text):
        return "its data is cut off or corrupt"
    return text[:_MOST_CHARACTERS]


def is_of_the_system(error: BaseException) -> bool:
    """Return whether the system failed, not the file: a broken file makes decoders seek places that cannot be."""
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
