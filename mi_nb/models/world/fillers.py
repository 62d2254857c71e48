"""Words between the words that matter: phrases of random length without names."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from . import lexicon

T = TypeVar("T")


def pick(rng: random.Random, items: Sequence[T]) -> T:
    """One of the items, uniformly."""
    return items[int(rng.random() * len(items))]


def _adverb(rng: random.Random) -> str:
    return f" {pick(rng, lexicon.ADVERBS)}"


def _place(rng: random.Random) -> str:
    return f" {pick(rng, lexicon.PREPOSITIONS)} the {pick(rng, lexicon.PLACES)}"


def _time(rng: random.Random) -> str:
    return f" in the {pick(rng, lexicon.TIMES)}"


def _company(rng: random.Random) -> str:
    return f" with the {pick(rng, lexicon.ADJECTIVES)} {pick(rng, lexicon.ANIMALS)}"


def _at(rng: random.Random) -> str:
    return f" at the {pick(rng, lexicon.ADJECTIVES)} {pick(rng, lexicon.PLACES)}"


def _day(rng: random.Random) -> str:
    return f" on {pick(rng, lexicon.DAYS)}"


_PHRASES = [_adverb, _place, _time, _company, _at, _day]


def phrase(rng: random.Random, shortest: int = 1, longest: int = 3, chance: float = 1.0) -> str:
    """Filler of `shortest` to about `longest` words with its leading space, or nothing with 1 - `chance`."""
    if chance < 1 and rng.random() >= chance:
        return ""
    wanted = rng.randint(shortest, longest)
    text = ""
    while text.count(" ") < wanted:
        text += pick(rng, _PHRASES)(rng)
    return text


_SHORT_DEEDS = ["talked", "smiled", "sat there", "walked home", "waited", "stood near the {place}"]
_DEEDS = [
    "went to the {place}",
    "went to the {place}",
    "were at the {place}",
    "had a {object}",
    "walked to the {place}",
    "met at the {place}",
]


def deed(rng: random.Random, plural: bool = True) -> str:
    """What people did: "went to the store"."""
    text = pick(rng, _DEEDS if rng.random() < 0.7 else _SHORT_DEEDS)
    if not plural:
        text = text.replace("were", "was").replace("met", "sat")
    return text.format(place=pick(rng, lexicon.PLACES), object=pick(rng, lexicon.OBJECTS))


def aside(rng: random.Random, chance: float = 1.0) -> str:
    """Words between a person and what the person does: " quietly", ", who sat near the park in the evening,"."""
    if rng.random() >= chance:
        return ""
    if rng.random() < 0.4:
        return phrase(rng, 1, 3)
    return f", who {deed(rng, plural=False)}{phrase(rng, 1, 3, chance=0.4)},"


def opening(rng: random.Random, chance: float = 0.4) -> str:
    """The start of a sentence, such as "In the morning", or nothing."""
    if rng.random() >= chance:
        return ""
    kind = int(rng.random() * 4)
    if kind == 0:
        return pick(rng, ["Yesterday", "Today", "Later", "Afterwards", "Then"])
    if kind == 1:
        return f"In the {pick(rng, lexicon.TIMES)}"
    if kind == 2:
        return f"On {pick(rng, lexicon.DAYS)}"
    return f"At the {pick(rng, lexicon.ADJECTIVES)} {pick(rng, lexicon.PLACES)}"


def after(start: str, template: str) -> str:
    """A template in the form that it has behind an opening: "The job of" becomes "the job of"."""
    return template[0].lower() + template[1:] if start and not template.startswith("{") else template
