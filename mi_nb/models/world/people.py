"""The people of the small world and the facts about them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import lexicon
from .splits import TEST, bucket

PARAPHRASES: dict[str, list[str]] = {
    "city": [
        "{person:subject}{aside} lives in {value!}.",
        "{person:subject}{aside} has a home in {value!}.",
        "The city of {person:subject} is {value!}.",
        "What is the city of {person:subject}? {value!}.",
        "{person:subject}{aside} moved to {value!}.",
    ],
    "job": [
        "{person:subject}{aside} works as a {value!}.",
        "{person:subject}{aside} is a {value!}.",
        "The job of {person:subject} is {value!}.",
        "What is the job of {person:subject}? {value!}.",
        "{person:subject}{aside} has the job of a {value!}.",
    ],
    "color": [
        "{person:subject}{aside} likes the color {value!}.",
        "{person:subject}{aside} paints in {value!}.",
        "The favorite color of {person:subject} is {value!}.",
        "What is the color of {person:subject}? {value!}.",
        "{person:subject}{aside} always paints in {value!}.",
    ],
    "pet": [
        "{person:subject}{aside} has a pet {value!}.",
        "{person:subject}{aside} owns a {value!}.",
        "The pet of {person:subject} is a {value!}.",
        "What is the pet of {person:subject}? {value!}.",
        "{person:subject}{aside} lives with a {value!}.",
    ],
    "food": [
        "{person:subject}{aside} eats a {value!}.",
        "{person:subject}{aside} likes to eat a {value!}.",
        "The favorite food of {person:subject} is a {value!}.",
        "What is the food of {person:subject}? {value!}.",
        "{person:subject}{aside} likes the food {value!}.",
    ],
    "country": [
        "{person:subject}{aside} comes from {value!}.",
        "{person:subject}{aside} was born in {value!}.",
        "The country of {person:subject} is {value!}.",
        "What is the country of {person:subject}? {value!}.",
        "{person:subject}{aside} grew up in {value!}.",
    ],
}
"""Five ways to state each relation; each pair of a person and a relation holds one of them out."""

CAPITAL_PARAPHRASES = [
    "The capital of {person:subject} is {value!}.",
    "The capital city of {person:subject} is {value!}.",
    "What is the capital of {person:subject}? {value!}.",
    "{person:subject} has the capital {value!}.",
]
VALUES = {
    "city": lexicon.CITIES,
    "job": lexicon.JOBS,
    "color": lexicon.COLORS,
    "pet": lexicon.ANIMALS,
    "food": lexicon.FRUITS,
    "country": lexicon.COUNTRIES,
}


@dataclass(frozen=True)
class Person:
    """A person with a first name, a last name, and one value per relation."""

    first: str
    last: str
    gender: str
    facts: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


def _people(count: int = 80, firsts: int = 20, lasts: int = 12, seed: int = 7) -> list[Person]:
    # Few first and last names in many combinations, so that neither token alone decides a fact.
    rng = random.Random(seed)
    first_names = rng.sample(lexicon.MALE_NAMES, firsts // 2) + rng.sample(lexicon.FEMALE_NAMES, firsts // 2)
    last_names = rng.sample(lexicon.LAST_NAMES, lasts)
    grid = [(first, last) for first in first_names for last in last_names]
    rng.shuffle(grid)
    people = []
    for first, last in grid[:count]:
        facts = {relation: rng.choice(values) for relation, values in VALUES.items() if relation != "country"}
        facts["country"] = lexicon.COUNTRIES[lexicon.CITIES.index(facts["city"])]
        gender = "male" if first in lexicon.MALE_NAMES else "female"
        people.append(Person(first, last, gender, facts))
    return people


PEOPLE = _people()
RELATIONS = list(VALUES)
CAPITALS = dict(zip(lexicon.COUNTRIES, lexicon.CITIES, strict=True))


def held_out_paraphrase(subject: str, relation: str) -> int:
    """Index of the paraphrase that no training text uses for this fact."""
    templates = PARAPHRASES.get(relation, CAPITAL_PARAPHRASES)
    return bucket("fact", subject, relation, buckets=len(templates))


def pick_paraphrase(rng: random.Random, subject: str, relation: str, split: str) -> str:
    """A paraphrase of the fact that belongs to the split."""
    templates = PARAPHRASES.get(relation, CAPITAL_PARAPHRASES)
    held = held_out_paraphrase(subject, relation)
    if split == TEST:
        return templates[held]
    return rng.choice([template for index, template in enumerate(templates) if index != held])
