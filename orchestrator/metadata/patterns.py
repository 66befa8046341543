"""What the path of a page says of it, by a pattern such as `{title}/{date_issued:%Y-%m-%d}/ed-{edition}/{sequence}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.metadata.values import FIELDS, Description, described
from workers.errors import UnreadableInput

_FIELD = re.compile(r"\{(\w*)(?::([^{}]*))?\}")
# the directives of strftime that a path may hold
_DIRECTIVES = {"%Y": r"(?P<year>\d{4})", "%m": r"(?P<month>\d{1,2})", "%d": r"(?P<day>\d{1,2})"}


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern of paths; `text` as the user wrote it."""

    text: str
    expression: re.Pattern[str]

    def read(self, path: str) -> Description | None:
        """Return what a path says, None when it is not of this pattern."""
        match = self.expression.search(path)
        if match is None:
            return None
        found = {name: value for name, value in match.groupdict().items() if value}
        parts = [found.pop(part) for part in ("year", "month", "day") if part in found]
        if parts:
            found["date_issued"] = "-".join(part.zfill(2) for part in parts)
        return described(found)


def path_pattern(text: str) -> PathPattern:
    """Compile a pattern; it is matched with the end of the path, its file's ending left out.

    Raises:
        UnreadableInput: it names a field that there is not, one twice, or a directive that is not understood.
    """
    names = [name for name, _ in _FIELD.findall(text)]
    unknown = [name for name in names if name and name not in FIELDS]
    if unknown:
        raise UnreadableInput(f"There is no field {unknown[0]}; the fields are {', '.join(FIELDS)}.")
    twice = [name for name in names if name and names.count(name) > 1]
    if twice or not any(names):
        fault = f"names {twice[0]} twice" if twice else "names no field"
        raise UnreadableInput(f"The pattern {text} {fault}; e.g. {{title}}/{{date_issued:%Y-%m-%d}}/{{sequence}}.")
    pieces, end = [], 0
    for field in _FIELD.finditer(text):
        pieces += [re.escape(text[end : field.start()]), _expression(field[1], field[2])]
        end = field.end()
    whole = "".join(pieces) + re.escape(text[end:])
    return PathPattern(text, re.compile(rf"(?:^|/){whole}(?:\.[A-Za-z0-9]+)?(?:#\d+)?$"))


def _expression(name: str, form: str | None) -> str:
    if not name:
        return "[^/]*?"  # {} is anything
    if not form:
        return rf"(?P<{name}>\d+)" if name == "sequence" else rf"(?P<{name}>[^/]+?)"
    if name != "date_issued":
        raise UnreadableInput(f"Only date_issued takes a form, not {name}; write {{{name}}}.")
    unknown = [part for part in re.findall("%.", form) if part not in _DIRECTIVES]
    if unknown or "%Y" not in form:
        raise UnreadableInput(f"A date is written with %Y, %m and %d, %Y among them, not {form}.")
    return re.sub("%[Ymd]", lambda part: _DIRECTIVES[part[0]], re.sub(r"([^%\w])", r"\\\1", form))
