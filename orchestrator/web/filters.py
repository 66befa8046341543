"""Which pages a wall shows: what the address asks for, as SQL over `page_status` that the page shows too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models import PageRunState
from workers.errors import UnreadableInput

STATES = tuple(state.value for state in PageRunState)
REASONS = (
    "no_lines", "doubtful", "more_lines", "fewer_lines", "lines_across_separator", "face_over_text", "slow",
)  # fmt: skip
COLUMNS = (
    "page_id, volume_id, volume, page, page_number, state, text_lines, columns, faces, pictures, error_message, "
    "empty_reason, title, date_issued, page_label"
)
ORDER = "volume_id, page_number, page_id"

# by the name in the address: the condition, and what its value is
_WHOLE_NUMBERS = {
    "volume": "volume_id = :volume",
    "lines_from": "text_lines >= :lines_from",
    "lines_to": "text_lines <= :lines_to",
    "columns": "columns = :columns",
    "faces": "faces >= :faces",
    "pictures": "pictures >= :pictures",
}
_WORDS = {
    "state": "state = :state",
    "title": "title = :title",
    "issue": "issue = :issue",
    "edition": "edition = :edition",
    "from": "date_issued >= :from",
    "code": "error_code = :code",
    "name": "lower(page) LIKE :name",
    "error": "lower(error_message) LIKE :error",
}
_SUSPECTS = "page_run_id IN (SELECT page_run_id FROM suspect_pages{})"
ANY = "any"  # of the reasons
NAMES = (*_WHOLE_NUMBERS, *_WORDS, "to", "suspect")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asked for, and the conditions with their values that it comes to."""

    asked: Mapping[str, str]
    conditions: tuple[str, ...]
    values: Mapping[str, Any]

    def where(self, *more: str) -> str:
        """Return the WHERE clause, with further conditions; empty without any."""
        conditions = (*self.conditions, *more)
        return "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""

    def with_list(self, condition: str, name: str, numbers: str) -> Filters:
        """Return the filters with the condition on suspects put as one on a list of page runs, for they are known."""
        others = tuple(one for one in self.conditions if not one.startswith(_SUSPECTS.partition("{}")[0]))
        values = {key: value for key, value in self.values.items() if key != "suspect"}
        return Filters(self.asked, (*others, condition), values | {name: numbers})

    @property
    def shown(self) -> str:
        """The question as people can copy it: with the values in their places."""
        sql = f"SELECT {COLUMNS}\nFROM page_status{self.where()}\nORDER BY {ORDER}"
        for name in sorted(self.values, key=len, reverse=True):
            sql = sql.replace(f":{name}", _literal(self.values[name]))
        return sql


def read_filters(asked: Mapping[str, str]) -> Filters:
    """Return what an address asks for; names that are no filter of ours, and empty values, do not count.

    Raises:
        UnreadableInput: a value is not of its kind.
    """
    given = {name: text.strip() for name, text in asked.items() if name in NAMES and text.strip()}
    found = dict(_conditions(given))
    values = {name: value for _, (name, value) in found.items() if name}
    return Filters(given, tuple(found), values)


def _conditions(given: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, Any]]]:
    for name, text in given.items():
        if name in _WHOLE_NUMBERS:
            yield _WHOLE_NUMBERS[name], (name, _whole(name, text))
        elif name == "suspect":
            yield _suspect(text)
        elif name == "to":  # a day is in its month and its year
            yield f"substr(date_issued, 1, {len(text)}) <= :to", (name, text)
        elif name in ("name", "error"):
            yield _WORDS[name], (name, f"%{text.lower()}%")
        else:
            yield _WORDS[name], (name, text)


def _suspect(text: str) -> tuple[str, tuple[str, Any]]:
    if text == ANY:
        return _SUSPECTS.format(""), ("", None)
    return _SUSPECTS.format(" WHERE reason = :suspect"), ("suspect", text)


def _whole(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UnreadableInput(f"{name} must be a whole number, not {text[:40]}.")
    return int(text)


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wall goes on: after or before a page, by what pages are ordered by."""

    forward: bool
    volume_id: int
    page_number: int
    page_id: int

    @property
    def condition(self) -> str:
        """The condition in SQL; written by parts, for only so do both databases begin at the place in the index."""
        sign = ">" if self.forward else "<"
        return f"({ORDER}) {sign} ({self.volume_id}, {self.page_number}, {self.page_id})"


def read_place(asked: Mapping[str, str]) -> Place | None:
    """Return the place that `after=` or `before=` names, as three numbers; None without either.

    Raises:
        UnreadableInput: it is no such place.
    """
    for name in ("after", "before"):
        if text := asked.get(name, ""):
            parts = text.split(".")
            if len(parts) != 3:
                raise UnreadableInput(f"{name} must be three numbers, not {text[:40]}.")
            return Place(name == "after", *(_whole(name, part) for part in parts))
    return None
