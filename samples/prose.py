"""Endless newspaper prose from a few dozen sentences: real words of natural length, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

_SENTENCES = (
    "The steamer {ship} arrived at {port} on {day} with {number} bales of {goods} and a full list of passengers.",
    "It is understood that the council will meet on {day} to consider the petition of the {trade} for better lamps.",
    "A fire broke out in the stores of Messrs. {name} and {name}, but was put out before the engines came.",
    "Prices of {goods} were steady at {port}; holders ask an advance of two shillings, which buyers will not pay.",
    "Our correspondent at {port} writes that the harvest is the best for {number} years.",
    "The bridge over the river near {port} is to be closed to carriages until further notice.",
    "Mr. {name}, who has represented the borough since the last election, spoke for nearly two hours.",
    "He said that no government could neglect the harbours of the country and hope to keep its trade.",
    "The telegraph between {port} and {port} has been interrupted since {day} by the heavy fall of snow.",
    "A subscription has been opened for the families of the crew, and {number} pounds are already promised.",
    "The new school was opened on {day} in the presence of the mayor, the clergy and a large company.",
    "Nothing further has been heard of the {ship}, which left {port} in the first week of the month.",
    "The jury, after an absence of twenty minutes, found for the plaintiff with damages of {number} pounds.",
    "Several members asked whether the accounts had been examined, and by whom, and at what cost.",
    "The weather continues mild, with light winds from the west and some rain towards evening.",
    "A concert will be given by the society of {trade} in the assembly rooms, beginning at eight o'clock.",
    "The line from {port} will be extended to the quarries as soon as the land has been bought.",
    "Yesterday a boy of twelve was saved from the canal by a passing baker, who could not himself swim.",
    "The strike of the {trade} is at an end, the masters having agreed to most of what was asked.",
    "Visitors to the exhibition numbered {number} on {day}, the largest crowd since it was opened.",
    "The lecture on the motion of the planets was well attended, although the lantern gave some trouble.",
    "Orders for {goods} from abroad are reported to be fewer than in the spring of last year.",
    "The thief, a young man of respectable appearance, gave his name as {name} and his trade as clerk.",
    "At a quarter past nine the procession left the square and went by the high street to the station.",
    "Dr. {name} advises that all water from the lower wells should be boiled before it is used.",
    "The committee has chosen the plan of Mr. {name}, who proposes a hall of iron and glass.",
    "No fewer than {number} horses were shown, and the judges had some difficulty in coming to a decision.",
    "The post from {port} was delayed by floods, and letters of {day} came to hand only this morning.",
    "A good deal was said about economy, but very little about the manner in which it is to be reached.",
    "The garden of the late Captain {name} will be open to the public on the first {day} of each month.",
)
_HEADLINES = (
    "Arrival of the {ship}", "The Harbour Question", "Fire in the High Street", "Market Report",
    "From Our Correspondent",
    "Meeting of the {trade}", "Snow on the Line", "The Late Election", "A Narrow Escape", "Letters to the Editor",
    "Loss of the {ship}", "The Price of {goods}", "Concerts and Lectures", "News from {port}", "The New Bridge",
    "Before the Magistrates", "The Exhibition", "Agricultural Show", "Shipping Intelligence", "Public Health",
)  # fmt: skip
_BANNERS = (
    "Great Storm Along the Whole Coast", "The Railway to the North Is Opened", "Peace Signed at Noon on Sunday",
    "First Flight Across the Channel", "City Votes for the New Waterworks", "Parliament Dissolved Until the Spring",
)  # fmt: skip
_SECOND_BANNERS = (
    "Full Particulars from Our Own Correspondent", "What Was Seen and Said by Those Present",
    "Great Crowds in the Streets Until Midnight", "The News Received by Telegraph This Morning",
)  # fmt: skip
_ADVERTISEMENTS = (
    ("{name} & Sons", "Coals of Every Kind", "Orders taken at the wharf", "Delivered within the day"),
    ("To Let", "A House with Stable", "and two acres of garden", "Apply to Mr. {name}"),
    ("Best {goods}", "Just landed from the {ship}", "At the lowest prices", "{name}, Market Place"),
    ("Lost", "Between {port} and the mill", "A brown leather case", "Reward on return"),
    ("Grand Concert", "Assembly Rooms, {day}", "Doors open at seven", "Seats two shillings"),
    ("Wanted", "An honest lad for the counter", "Apply by letter", "Messrs. {name}"),
    ("Steam to {port}", "The {ship} sails each {day}", "Cabin one pound ten", "Deck twelve shillings"),
    ("Dr. {name}", "has removed to Bridge Street", "Hours ten to four", "The poor seen free"),
)
_WORDS = {
    "ship": ("Aurora", "Halcyon", "Northern Star", "Prudence", "Albatross", "Wanderer", "Margaret Ann"),
    "port": ("Hull", "Lisbon", "Riga", "Antwerp", "Cork", "Bergen", "Trieste", "Dundee", "Valparaiso", "Halifax"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    "goods": ("wool", "cotton", "tobacco", "timber", "coffee", "flax", "indigo", "barley", "oranges"),
    "trade": ("printers", "weavers", "bakers", "carpenters", "pilots", "clerks", "masons"),
    "name": ("Harding", "Loewe", "Pemberton", "Marchand", "Quill", "Sorensen", "Ashdown", "Vidal", "Brandt", "Kerr"),
}


_T = TypeVar("_T")


class Prose:
    """A writer: each call gives new text, the same for the same seed; nothing comes again before all was said."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._sentences = self._shuffled(_SENTENCES)
        self._headlines = self._shuffled(_HEADLINES)
        self._advertisements = self._shuffled(_ADVERTISEMENTS)

    def _shuffled(self, choices: Sequence[_T]) -> Iterator[_T]:
        while True:
            yield from self._random.sample(choices, len(choices))

    def paragraph(self) -> str:
        """Return two to five sentences."""
        return " ".join(self._filled(next(self._sentences)) for _ in range(self._random.randint(2, 5)))

    def headline(self) -> str:
        """Return the heading of a short article."""
        return _capitals(self._filled(next(self._headlines)))

    def banner(self) -> tuple[str, str]:
        """Return a heading for the whole width of a page, and the smaller one below it."""
        return self._random.choice(_BANNERS), self._random.choice(_SECOND_BANNERS)

    def advertisement(self) -> tuple[str, ...]:
        """Return the lines of an advertisement, the first one large."""
        large, *small = (self._filled(line) for line in next(self._advertisements))
        return _capitals(large), *small

    def _filled(self, sentence: str) -> str:
        for key, words in _WORDS.items():
            while f"{{{key}}}" in sentence:
                sentence = sentence.replace(f"{{{key}}}", self._random.choice(words), 1)
        return sentence.replace("{number}", str(self._random.randint(12, 980)))


def _capitals(heading: str) -> str:
    return " ".join(word if word in ("of", "the", "in", "on", "to", "and") else word[0].upper() + word[1:]
                    for word in heading.split())  # fmt: skip
