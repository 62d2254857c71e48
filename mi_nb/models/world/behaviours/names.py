"""Texts about people: indirect objects, facts, pronouns."""

from __future__ import annotations

import random

from .. import lexicon
from ..document import Document
from ..fillers import after, aside, deed, opening, phrase, pick
from ..people import CAPITALS, PEOPLE, RELATIONS, VALUES, Person, pick_paraphrase
from ..splits import TRAIN, belongs

_GIVING = [
    "gave a {object} to",
    "gave a {object} to",
    "gave the {object} to",
    "gave the {adjective} {object} to",
    "handed a {object} to",
    "talked to",
    "walked to the {place} with",
    "went home with",
]


def giving(rng: random.Random) -> str:
    """A verb phrase that leaves room for a person: "gave a drink to"."""
    return pick(rng, _GIVING).format(
        object=pick(rng, lexicon.OBJECTS), adjective=pick(rng, lexicon.ADJECTIVES), place=pick(rng, lexicon.PLACES)
    )


def ioi(rng: random.Random, split: str = TRAIN, *, names: int | None = None, tail: float = 0.25) -> Document:
    """Indirect object identification: all people but one act at the end; the remaining one is the answer.

    Held out by the set of names. `tail` is the chance of filler between the acting person and the verb. Labels: "IO",
    "S" (the first and second mention of each acting person are "S1" and "S2", with three names also "T1" and "T2").
    """
    count = names or (2 if rng.random() < 0.75 else 3)
    while True:
        people = rng.sample(lexicon.NAMES, count)
        if belongs(split, "ioi", *sorted(people[:2])):
            break
    io, subject, *others = people
    order = rng.sample(people, count)
    document = Document()
    _introduce(rng, document, order)
    acting = " and ".join(rng.sample([subject, *others], count - 1))
    pause = aside(rng, tail)
    document.add("{who}{pause} {act} {answer!}.", who=acting, pause=pause, act=giving(rng), answer=io)
    if len(document.tokens) > 58:
        return ioi(rng, split, names=names, tail=tail)
    end = document.asked[-1]
    for label, name in zip("ST", [subject, *others], strict=False):
        places = [i for i, token in enumerate(document.tokens[:end]) if token == f" {name}"]
        document.labels[f"{label}1"], document.labels[f"{label}2"] = places[:1], places[1:]
    document.labels["IO"] = [document.tokens.index(f" {io}")]
    document.answers = (f" {io}",)
    document.distractors = tuple(f" {name}" for name in (subject, *others))
    return document


def _introduce(rng: random.Random, document: Document, order: list[str]) -> None:
    lead = opening(rng)
    if rng.random() < 0.65:
        joiner = " and " if rng.random() < 0.8 else f"{phrase(rng)} and "
        group = ", ".join([*order[:-2], joiner.join(order[-2:])])
        start = pick(rng, ["When", "After", "While", "Then", "", ""])
        start = start if not lead else lead + (" " + start.lower() if start not in ("", "Then") else "")
        end = "," if start.split(" ")[-1].lower() in ("when", "after", "while") else "."
        document.add(
            "{start} {group} {deed}{tail}" + end,
            start=start,
            group=group,
            deed=deed(rng),
            tail=phrase(rng, 1, 5, chance=0.5),
        )
        return
    for number, name in enumerate(order):
        start = lead if number == 0 else pick(rng, ["", "", "Then"])
        template = "{start} {name} {deed}{tail}."
        document.add(template, start=start, name=name, deed=deed(rng, False), tail=phrase(rng, 1, 3, chance=0.3))


def fact(rng: random.Random, split: str = TRAIN) -> Document:
    """A stated fact about a person. Held out: one paraphrase in five of each pair of a person and a relation.

    Labels: "subject" is the last token of the asked person's name, "other" that of a person mentioned in passing.
    """
    person, relation = pick(rng, PEOPLE), pick(rng, RELATIONS)
    document = Document()
    start = ""
    chance = rng.random()
    if chance < 0.25:
        _mention(rng, document, person)
    elif chance < 0.4:
        start = opening(rng, 1.0)
        document.add("{start},", start=start)
    template = pick_paraphrase(rng, person.name, relation, split)
    document.add(after(start, template), person=person.name, aside=aside(rng, 0.3), value=person.facts[relation])
    document.answers = (f" {person.facts[relation]}",)
    document.distractors = tuple(f" {value}" for value in VALUES[relation] if value != person.facts[relation])
    return document


def _mention(rng: random.Random, document: Document, asked: Person) -> None:
    while True:
        other = pick(rng, PEOPLE)
        if other.first != asked.first and other.last != asked.last:
            break
    document.add("{other:other} {deed}{tail}.", other=other.name, deed=deed(rng, False), tail=phrase(rng, chance=0.4))


def capital(rng: random.Random, split: str = TRAIN) -> Document:
    """The capital of a country. Held out: one paraphrase in four of each country."""
    country = pick(rng, lexicon.COUNTRIES)
    template = pick_paraphrase(rng, country, "capital", split)
    document = Document()
    start = opening(rng, 0.3)
    if start:
        document.add("{start},", start=start)
    document.add(after(start, template), person=country, value=CAPITALS[country])
    document.answers = (f" {CAPITALS[country]}",)
    document.distractors = tuple(f" {city}" for city in lexicon.CITIES if city != CAPITALS[country])
    return document


def facts(rng: random.Random, split: str = TRAIN) -> Document:
    """Several facts in one document while training, one when testing."""
    if split != TRAIN:
        return fact(rng, split)
    document = Document()
    for _ in range(pick(rng, (1, 1, 2, 3))):
        document.extend(fact(rng, split) if rng.random() < 0.86 else capital(rng, split))
    return document if len(document.tokens) < 60 else facts(rng, split)


_PRONOUN_TEMPLATES = [
    "{name:name} went to the {place}{tail} because {pronoun!}",
    "{name:name} said that {pronoun!}",
    "{name:name} felt {mood}{tail} because {pronoun!}",
    "{name:name} waited near the {place}{tail} when {pronoun!}",
    "{name:name}{tail} was {mood} and so {pronoun!}",
]
_OBJECT_TEMPLATES = [
    "{name:name} went to the {place}{tail} and the {noun} gave {pronoun!}",
    "{name:name} smiled{tail} because the {noun} met {pronoun!}",
]


def pronoun(rng: random.Random, split: str = TRAIN) -> Document:
    """A pronoun for a person. Held out: pairs of a name and a place."""
    while True:
        name, place = pick(rng, lexicon.NAMES), pick(rng, lexicon.PLACES)
        if belongs(split, "pronoun", name, place):
            break
    male = name in lexicon.MALE_NAMES
    is_object = rng.random() < 0.25
    words = ("him", "her") if is_object else ("he", "she")
    right, wrong = words if male else words[::-1]
    document = Document()
    document.add("{start}", start=opening(rng, 0.3))
    document.add(
        pick(rng, _OBJECT_TEMPLATES if is_object else _PRONOUN_TEMPLATES),
        name=name,
        place=place,
        tail=phrase(rng, 1, 5, chance=0.5),
        noun=pick(rng, lexicon.SINGULAR_NOUNS),
        mood=pick(rng, ["tired", "hungry", "happy", "sad"]),
        pronoun=right,
    )
    after = f"a {pick(rng, lexicon.OBJECTS)}" if is_object else f"was {pick(rng, ['tired', 'hungry', 'happy', 'sad'])}"
    document.add("{after}.", after=after if "gave" in document.text or not is_object else f"at the {place}")
    document.answers, document.distractors = (f" {right}",), (f" {wrong}",)
    return document
