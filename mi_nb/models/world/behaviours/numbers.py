"""Texts about order and quantity: greater-than, successors, addition."""

from __future__ import annotations

import random

from .. import lexicon
from ..document import Document
from ..fillers import after, opening, phrase, pick
from ..splits import TRAIN, belongs

_LASTING = [
    "The {event} lasted{tail} from the year {century}{start:start} to the year {century:century}{end!}.",
    "The {event} went on{tail} from {century}{start:start} to {century:century}{end!}.",
    "The {adjective} {event} lasted from {century}{start:start} to the year {century:century}{end!}.",
]


def greater_than(rng: random.Random, split: str = TRAIN) -> Document:
    """A year that must lie after the first one. Held out: triples of an event, a century and a year."""
    while True:
        event, century, start = pick(rng, lexicon.EVENTS), pick(rng, lexicon.CENTURIES), 2 + int(rng.random() * 96)
        if belongs(split, "greater_than", event, century, start):
            break
    document = Document()
    lead = opening(rng, 0.2)
    if lead:
        document.add("{lead},", lead=lead)
    document.add(
        after(lead, pick(rng, _LASTING)),
        event=event,
        adjective=pick(rng, lexicon.ADJECTIVES),
        tail=phrase(rng, 1, 3, chance=0.25),
        century=century,
        start=lexicon.YEARS[start],
        end=lexicon.YEARS[start + 1 + int(rng.random() * (99 - start))],
    )
    document.answers = tuple(lexicon.YEARS[start + 1 :])
    document.distractors = tuple(lexicon.YEARS[: start + 1])
    return document


_ORDERS: list[tuple[str, list[str], bool]] = [
    ("day", lexicon.DAYS, True),
    ("month", lexicon.MONTHS, True),
    ("number", lexicon.NUMBERS, False),
]
_AFTER = [
    "After {a:item} comes {b!}.",
    "The {kind} after {a:item} is {b!}.",
    "{b0} is before {a:item} and the next is {b!}.",
    "What comes after {a:item}? {b!}.",
]


def successor(rng: random.Random, split: str = TRAIN) -> Document:
    """The next day, month or number. Held out: one sentence form in four of each item, and runs by their start."""
    document = Document()
    for _ in range(1 if split != TRAIN else rng.randint(1, 3)):
        kind, items, wraps = pick(rng, _ORDERS if rng.random() < 0.6 else _ORDERS[2:])
        count = len(items)
        form = int(rng.random() * 5)
        start = int(rng.random() * (count if wraps else count - 5)) + (0 if wraps else 1)
        run = [items[(start + step) % count] for step in range(4)]
        if not belongs(split, "successor", run[0], form, one_in=6):
            document.extend(successor(rng, split))
            break
        if form == 4:
            document.add("{a}, {b}, {c:item}, {d!}.", a=run[0], b=run[1], c=run[2], d=run[3])
            right = run[3]
        else:
            before = items[(start - 1) % count]
            document.add(_AFTER[form], a=run[0], b0=before, b=run[1], kind=kind)
            right = run[1]
        document.answers = (f" {right}",)
        document.distractors = tuple(f" {item}" for item in items if item != right)
    return document


def counting(rng: random.Random, split: str = TRAIN) -> Document:
    """A run of days, months or numbers (a form for training only)."""
    _, items, wraps = pick(rng, _ORDERS if rng.random() < 0.4 else _ORDERS[2:])
    length = rng.randint(3, 11)
    start = int(rng.random() * (len(items) if wraps else len(items) - length))
    document = Document().add("{a}", a=items[start])
    comma = "," if rng.random() < 0.5 else ""
    for step in range(1, length):
        document.add(comma + " {b!}", space=not comma, b=items[(start + step) % len(items)])
    return document.add(".")


def addition(rng: random.Random, split: str = TRAIN) -> Document:
    """Two-digit addition, digit by digit: "1 7 + 2 5 = 0 4 2". Held out: pairs of numbers.

    Labels: "tens_a", "ones_a", "tens_b", "ones_b". The test asks for all three digits; a case asks for one.
    """
    while True:
        a, b = int(rng.random() * 100), int(rng.random() * 100)
        if belongs(split, "addition", a, b):
            break
    total = a + b
    document = Document().add(
        "{a1:tens_a} {a0:ones_a} + {b1:tens_b} {b0:ones_b} = {s2!} {s1!} {s0!}.",
        a1=str(a // 10),
        a0=str(a % 10),
        b1=str(b // 10),
        b0=str(b % 10),
        s2=str(total // 100),
        s1=str(total // 10 % 10),
        s0=str(total % 10),
    )
    document.answers = (f" {total % 10}",)
    document.distractors = tuple(f" {digit}" for digit in range(10) if digit != total % 10)
    return document
