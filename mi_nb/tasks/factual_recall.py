"""Factual recall: what is true of a subject."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world.behaviours import names
from mi_nb.models.world.people import PEOPLE, RELATIONS, VALUES, Person
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

FACTS = {
    "capital": (
        words.CAPITALS,
        ("The capital of {subject:subject} is", "It is well known that the capital of {subject:subject} is"),
    ),
    "language": (
        words.LANGUAGES,
        ("In {subject:subject} most people speak", "The official language of {subject:subject} is"),
    ),
    "landmark": (words.LANDMARKS, ("{subject:subject} is in the city of", "{subject:subject} can be found in")),
}
"""For models of natural language, by relation: the object of each subject, and how it is asked for."""


def factual_recall(
    model: Model, *, n: int = 64, seed: int = 0, relations: Sequence[str] | None = None, length: int | None = None
) -> Task:
    """Factual recall: "The capital of France is" asks for " Paris".

    The corrupted prompt has another subject of as many tokens, the distractor is what is true of that one. Labels:
    "subject" (from its first to its last token), "end".

    Args:
        model: Whose vocabulary is used; models of the small world are asked about its people, in words that no training
            text used for that fact.
        n: Number of prompts.
        seed: Which ones.
        relations: Which ones. Of natural language: capital, language, landmark. Of the small world: city, job, color,
            pet, food, country. All by default.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: an unknown relation, or too few objects are single tokens.

    References:
        Meng et al. 2022, Locating and Editing Factual Associations in GPT; Geva et al. 2023, Dissecting Recall of
        Factual Associations.
    """
    vocabulary = Vocabulary(model)
    in_world = of_the_world(model)
    known = RELATIONS if in_world else list(FACTS)
    asked = [relations] if isinstance(relations, str) else list(relations or known)
    unknown = [relation for relation in asked if relation not in known]
    if unknown:
        raise PromptError(f"unknown relations {', '.join(unknown)}; known are {', '.join(known)}")
    facts = {} if in_world else {r: vocabulary.tuples(list(FACTS[r][0].items()), parts=[1], what=r) for r in asked}

    def make(rng: random.Random) -> Pair | None:
        if in_world:
            return _of_the_world(rng, asked)
        relation = rng.choice(asked)
        (subject, value), (other, other_value) = rng.sample(facts[relation], 2)
        if value == other_value:
            return None
        template = rng.choice(FACTS[relation][1])
        return fill(template, {"subject": subject}, {"subject": other}, [f" {value}"], [f" {other_value}"])

    return draw(
        model, "factual_recall", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out, relations=asked
    )


def _of_the_world(rng: random.Random, relations: Sequence[str]) -> Pair | None:
    document = names.fact(rng, TEST)
    end, last = document.asked[-1], document.labels["subject"][-1]
    person = _person(document.tokens[last - 1], document.tokens[last])
    relation = next(r for r in RELATIONS if set(document.answers + document.distractors) == _values(r))
    other = rng.choice(PEOPLE)
    if relation not in relations or other.facts[relation] == person.facts[relation]:
        return None
    changes = {last - 1: f" {other.first}", last: f" {other.last}"}
    return from_tokens(
        document.tokens[:end], changes, document.answers, [f" {other.facts[relation]}"], {"subject": (last - 1, last)}
    )


def _person(first: str, last: str) -> Person:
    return next(person for person in PEOPLE if (f" {person.first}", f" {person.last}") == (first, last))


def _values(relation: str) -> set[str]:
    return {f" {value}" for value in VALUES[relation]}
