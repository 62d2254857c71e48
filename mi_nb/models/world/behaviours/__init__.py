"""What the small world's texts are about: one generator per behaviour.

A generator is a function of a random number generator and a split. It returns a `Document`; one of the test split can
be turned into a `Case`, a question that no training text contains.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..document import Case, Document
from ..splits import TEST, TRAIN
from . import forms, grammar, in_context, names, numbers, structure

Generator = Callable[..., Document]


@dataclass(frozen=True)
class Behaviour:
    """A behaviour: its texts, and how an answer is judged.

    `score` is "argmax" (the most likely token must be the answer) or "mass" (the answers together must be likelier
    than the distractors together). With `all_asked` every asked token of a text counts, else only the last one.
    """

    name: str
    question: str
    generate: Generator
    score: str = "argmax"
    all_asked: bool = False
    least: float = 0.95

    def documents(self, n: int, *, seed: int = 0, split: str = TEST) -> Iterator[Document]:
        """`n` texts, a function of the seed alone."""
        rng = random.Random(f"{self.name}-{split}-{seed}")
        for _ in range(n):
            yield self.generate(rng, split)

    def cases(self, n: int, *, seed: int = 0) -> list[Case]:
        """`n` held-out questions, a function of the seed alone."""
        return [document.case(self.name) for document in self.documents(n, seed=seed)]


_part = functools.partial
BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.name: behaviour
    for behaviour in [
        Behaviour("ioi", "Who receives? (two names)", _part(names.ioi, names=2)),
        Behaviour("ioi_three_names", "Who receives? (three names)", _part(names.ioi, names=3), least=0.9),
        Behaviour(
            "ioi_long_tail", "Who receives? (filler before the verb)", _part(names.ioi, names=2, tail=1.0), least=0.9
        ),
        Behaviour("induction", "What came next the last time?", structure.repeats, all_asked=True),
        Behaviour("greater_than", "Which year can end it?", numbers.greater_than, score="mass"),
        Behaviour("facts", "What is true of this person?", names.fact),
        Behaviour("capitals", "What is the capital?", names.capital),
        Behaviour("agreement", "Which form of the verb?", _part(grammar.agreement, attractor=True), score="mass"),
        Behaviour("successor", "What comes next?", numbers.successor),
        Behaviour("pronoun", "He or she?", names.pronoun),
        Behaviour("brackets", "Which bracket closes?", grammar.brackets, score="mass"),
        Behaviour("docstring", "Which argument is next?", structure.docstring),
        Behaviour("tree_path", "Which node is next?", structure.tree_path, all_asked=True),
        Behaviour("sentiment", "Was it good or bad?", grammar.sentiment),
        Behaviour("addition", "What is the sum?", numbers.addition, all_asked=True),
        Behaviour("coloured_objects", "Which color is it?", in_context.coloured_objects),
        Behaviour(
            "multiple_choice",
            "Which letter? (by the word)",
            _part(in_context.multiple_choice, literal=True, question_first=False),
        ),
        Behaviour(
            "multiple_choice_category",
            "Which letter? (by the category)",
            _part(in_context.multiple_choice, literal=False, question_first=False),
        ),
        Behaviour(
            "multiple_choice_question_first",
            "Which letter? (question before the options)",
            _part(in_context.multiple_choice, question_first=True),
        ),
        Behaviour("few_shot", "Which label? (unseen labels)", in_context.few_shot),
        Behaviour(
            "few_shot_unseen",
            "Which label? (unseen labels and categories)",
            _part(in_context.few_shot, unseen_categories=True),
            least=0.9,
        ),
    ]
}

TEXTS: dict[str, Generator] = {
    "ioi": names.ioi,
    "facts": names.facts,
    "pronoun": names.pronoun,
    "repeats": structure.repeats,
    "short_repeats": structure.short_repeats,
    "phrases": structure.phrases,
    "docstring": structure.docstring,
    "tree_path": structure.tree_path,
    "greater_than": numbers.greater_than,
    "successor": numbers.successor,
    "counting": numbers.counting,
    "addition": numbers.addition,
    "agreement": grammar.agreement,
    "brackets": grammar.brackets,
    "sentiment": grammar.sentiment,
    "coloured_objects": in_context.coloured_objects,
    "multiple_choice": in_context.multiple_choice,
    "few_shot": in_context.few_shot,
    "cards": forms.cards,
    "colour_form": forms.colour_form,
    "choice_form": forms.choice_form,
    "few_shot_form": forms.few_shot_form,
    "match_form": forms.match_form,
    "membership": forms.membership,
}
"""What a recipe can mix, by name."""

__all__ = ["BEHAVIOURS", "TEXTS", "TRAIN", "Behaviour", "Case", "Document"]
