"""Numbers and times as people read them."""

from __future__ import annotations

from workers.errors import BroadsheetError


def plural(number: int, what: str) -> str:
    """Return a number of things in words: 1 file, 1,200 files."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def seconds_in_words(seconds: float) -> str:
    """Return a duration to two units: 42 s, 3 min 20 s, 5 h 12 min, 3 d 4 h."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    rest = round(seconds)
    parts: list[str] = []
    for name, size in units:
        if rest >= size or parts:
            parts.append(f"{rest // size} {name}")
            rest %= size
    return " ".join(parts[:2]) or "0 s"


def ms_in_words(ms: float) -> str:
    """Return a short time: 0.3 ms, 3 ms, 1.2 s, 2 min 5 s."""
    if ms < 1000:
        return f"{ms:,.0f} ms" if ms >= 1 else f"{ms:.1f} ms"
    if ms < 120_000:
        return f"{ms / 1000:,.1f} s"
    return f"{ms // 60_000:,.0f} min {ms % 60_000 / 1000:.0f} s"


def mebibytes(size: int) -> str:
    """Return a number of bytes in words: 0.3 MiB, 12 MiB, 1,204 MiB."""
    mib = size / 1024**2
    return f"{mib:,.0f} MiB" if mib >= 10 else f"{mib:.1f} MiB"


def cut_middle(text: str, width: int) -> str:
    """Return a text of at most `width` characters, without its middle: names of an archive differ at their ends."""
    if len(text) <= width:
        return text
    end = (width - 1) * 2 // 3
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def about(page: str, error: BaseException | str) -> str:
    """Return the sentence on what went wrong with a page, beginning with its name; once, for most errors name it."""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror + (f": {error.filename}" if error.filename else "")
    elif isinstance(error, (BroadsheetError, str)):
        text = str(error)
    else:
        text = f"unexpected {type(error).__name__}: {error}"
    return text if text.startswith(page) else f"{page}: {text}"
