"""Breaks paragraphs into justified lines and lets articles flow from column to column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from samples.prose import Prose
from samples.sheet import Sheet, width_of

_VOWELS = set("aeiouy")


@dataclass(frozen=True, slots=True)
class Column:
    """A place for text, in pixels."""

    left: int
    right: int
    top: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class Type:
    """The size of the letters and the distance from line to line, in pixels."""

    size: int
    pitch: int


def hyphenations(word: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to part a long word before a consonant with its vowel, the longest first part first."""
    for at in range(len(word) - 3, 2, -1):
        before, after = word[:at], word[at:]
        syllable = after[0] not in _VOWELS and after[1] in _VOWELS and not after.rstrip("s").endswith("e")
        if word.isalpha() and syllable and _VOWELS.intersection(before):
            yield before + "-", after


def break_lines(text: str, width: float, indent: float, size: int, *, hyphenate: bool = True) -> list[list[str]]:
    """Return the words of each line; the first line is shorter by `indent`."""
    space = width_of(" ", size)
    lines: list[list[str]] = []
    line: list[str] = []
    used, room = 0.0, width - indent
    words = text.split()[::-1]
    while words:
        word = words.pop()
        needed = width_of(word, size) + (space if line else 0)
        if used + needed <= room:
            line.append(word)
            used += needed
            continue
        parts = hyphenations(word) if hyphenate and line and room - used > 4 * space else iter(())
        fitting = next((part for part in parts if used + space + width_of(part[0], size) <= room), None)
        if fitting:
            line.append(fitting[0])
            words.append(fitting[1])
        else:
            words.append(word)
            if not line:
                line.append(words.pop())  # wider than the column: it stands alone
        lines.append(line)
        line, used, room = [], 0.0, width
    return [*lines, line] if line else lines


def justified(words: list[str], left: float, right: float, size: int, last: bool) -> list[tuple[float, str]]:
    """Return the words with their left edges, spread from edge to edge unless the line is the last one."""
    natural = sum(width_of(word, size) for word in words)
    space = width_of(" ", size)
    if not last and len(words) > 1:
        space = (right - left - natural) / (len(words) - 1)
    placed, x = [], left
    for word in words:
        placed.append((x, word))
        x += width_of(word, size) + space
    return placed


@dataclass(slots=True)
class Flow:
    """Fills columns with articles, one line after the other, down a column and on in the next."""

    sheet: Sheet
    prose: Prose
    columns: list[Column]
    type: Type
    _column: int = 0
    _baseline: int = 0

    def __post_init__(self) -> None:
        self._baseline = self.columns[0].top

    def fill(self) -> None:
        """Set articles until the last column is full."""
        while self._article():
            pass

    def _next_line(self, pitches: float = 1.0) -> Column | None:
        """Go down by a line, into the next column when this one is full; None when all are."""
        self._baseline += round(pitches * self.type.pitch)
        if self._baseline + self.type.size // 3 > self.columns[self._column].bottom:
            if self._column + 1 == len(self.columns):
                return None
            self._column += 1
            self._baseline = self.columns[self._column].top + self.type.pitch
        return self.columns[self._column]

    def _article(self) -> bool:
        if not self._heading():
            return False
        for _ in range(3):
            if not self._paragraph(self.prose.paragraph()):
                return False
        column = self._next_line(0.9)
        if column is None:
            return False
        if self._baseline > column.top + 2 * self.type.pitch:
            middle, half = (column.left + column.right) // 2, column.width // 6
            y = self._baseline - self.type.size // 3
            self.sheet.rule((middle - half, y, middle + half, y + 2))
        return True

    def _heading(self) -> bool:
        """Set a heading if it and some of its text still fit into the column; else begin the next one with it."""
        size = round(1.25 * self.type.size)
        lines = break_lines(
            self.prose.headline(), self.columns[self._column].width - 2 * size, 0, size, hyphenate=False
        )
        needed = (len(lines) + 4) * 1.3 * self.type.pitch
        if self._baseline + needed > self.columns[self._column].bottom:
            self._baseline = self.columns[self._column].bottom
        for number, words in enumerate(lines):
            column = self._next_line(1.25 if number else 1.4)
            if column is None:
                return False
            self.sheet.centred(" ".join(words), column.left, column.right, self._baseline, size, weight=1)
        self._baseline += round(0.15 * self.type.pitch)
        return True

    def _paragraph(self, text: str) -> bool:
        size, indent = self.type.size, self.type.size
        lines = break_lines(text, self.columns[0].width, indent, size)
        for number, words in enumerate(lines):
            column = self._next_line()
            if column is None:
                return False
            left = column.left + (0 if number else indent)
            placed = justified(words, left, column.right, size, last=number == len(lines) - 1)
            self.sheet.line(placed, self._baseline, size)
        return True
