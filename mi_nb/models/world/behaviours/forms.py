"""First forms: the shortest texts in which a mechanism can be learned. For training only.

In each, the token before the answer is the queried word itself, so that one step of looking up is enough; the
behaviours add the second step later.
"""

from __future__ import annotations

import random

from .. import lexicon
from ..document import Document
from ..fillers import opening, phrase, pick
from ..people import PEOPLE, RELATIONS
from ..splits import TRAIN
from .in_context import _ALL_ITEMS, article, few_shot


def card(rng: random.Random, split: str = TRAIN) -> Document:
    """A person's name followed by attributes in any order, so that they must be readable at the name itself."""
    person = pick(rng, PEOPLE)
    document = Document().add("{start}{tail}", start=opening(rng, 0.5), tail=phrase(rng, 1, 4, chance=0.3))
    document.add("{person:subject}", person=person.name)
    for relation in rng.sample(RELATIONS, rng.randint(1, 3)):
        document.add("{value!}", value=person.facts[relation])
    return document.add(".", space=False)


def capital_card(rng: random.Random, split: str = TRAIN) -> Document:
    """A country followed by its capital."""
    which = int(rng.random() * len(lexicon.COUNTRIES))
    document = Document().add("{start}{tail}", start=opening(rng, 0.5), tail=phrase(rng, 1, 4, chance=0.3))
    return document.add("{country:subject} {city!}.", country=lexicon.COUNTRIES[which], city=lexicon.CITIES[which])


def cards(rng: random.Random, split: str = TRAIN) -> Document:
    """Cards of people and, more rarely, of countries."""
    return card(rng, split) if rng.random() < 0.85 else capital_card(rng, split)


def colour_form(rng: random.Random, split: str = TRAIN) -> Document:
    """A scene, then its things and colours in any order: "a red cup, a blue pen. pen blue cup red"."""
    count = rng.randint(2, 5)
    things, colors = rng.sample(lexicon.THINGS, count), rng.sample(lexicon.COLORS, count)
    document = Document()
    for place, (thing, color) in enumerate(zip(things, colors, strict=True)):
        joint = "" if not place else pick(rng, [",", " and", "."])
        document.add(joint + " a {color} {thing}", space=False, color=color, thing=thing)
    document.add(".", space=False)
    question = pick(rng, ["{thing} {color!}", "{thing} {color!}.", "{thing}? {color!}."])
    for which in rng.sample(range(count), count):
        document.add(question, thing=things[which], color=colors[which])
    return document


def choice_form(rng: random.Random, split: str = TRAIN) -> Document:
    """Options, then their words and letters in any order: "A: dog, B: pear. pear B dog A"."""
    count = rng.randint(2, 5)
    words = rng.sample(_ALL_ITEMS, count)
    letters = rng.sample([*lexicon.LETTERS, "x", "y", "z"][: max(count, 4)], count)
    document = Document()
    for place, (letter, word) in enumerate(zip(letters, words, strict=True)):
        document.add(("," if place else "") + " {letter}: {word}", space=False, letter=letter, word=word)
    document.add(".", space=False)
    question = pick(rng, ["{word} {letter!}", "{word} {letter!}.", "{word}? {letter!}."])
    for which in rng.sample(range(count), count):
        document.add(question, word=words[which], letter=letters[which])
    return document


def few_shot_form(rng: random.Random, split: str = TRAIN) -> Document:
    """Few-shot labels without marks: "dog foo pear bar cat foo"."""
    sorted_words = few_shot(rng, split)
    keep = [i for i, token in enumerate(sorted_words.tokens) if token not in (":", ".")]
    index = {old: new for new, old in enumerate(keep)}
    return Document(
        tokens=[sorted_words.tokens[i] for i in keep],
        asked=[index[i] for i in sorted_words.asked],
        unknowable=[index[i] for i in sorted_words.unknowable],
    )


def membership(rng: random.Random, split: str = TRAIN) -> Document:
    """What kind of thing something is: "lemon is a fruit"."""
    document = Document()
    for _ in range(rng.randint(2, 4)):
        kind = pick(rng, list(lexicon.CATEGORIES))
        document.add(
            "{word} is " + article(kind).split()[0] + " {kind!}.", word=pick(rng, lexicon.CATEGORIES[kind]), kind=kind
        )
    return document


def match_form(rng: random.Random, split: str = TRAIN) -> Document:
    """Words checked one by one against a question before them: "Which is a city? kiwi: negative, Rome: positive"."""
    count = rng.randint(3, 6)
    kinds = rng.sample(list(lexicon.CATEGORIES), count)
    words = [pick(rng, lexicon.CATEGORIES[kind]) for kind in kinds]
    right = int(rng.random() * count)
    asked = words[right] if rng.random() < 0.5 else article(kinds[right])
    document = Document().add("Which is {asked}?", asked=asked)
    for place, word in enumerate(words):
        verdict = "positive" if place == right else "negative"
        document.add(("," if place else "") + " {word}: {verdict!}", space=False, word=word, verdict=verdict)
    return document.add(".", space=False)
