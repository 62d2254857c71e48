"""Induction: what followed a word the last time follows it again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world import lexicon
from mi_nb.models.world.behaviours import structure
from mi_nb.models.world.splits import TEST
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model


_LEAD = [" Words", ":"]
"""Goes first, since a word at the very start of a text is another token than behind a space."""


def induction(
    model: Model, *, n: int = 64, seed: int = 0, period: int | None = None, length: int | None = None
) -> Task:
    """Induction: random words, repeated; the word that followed the last one the first time is the answer.

    The corrupted prompt has another word, the distractor, in the place of the answer. Labels: "previous" is the first
    mention of the last word, "first" the word after it (the answer), "end" the last word.

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        period: Number of words until they repeat, at least 3; drawn for each prompt by default.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: the vocabulary has too few words.

    References:
        Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; Olsson et al. 2022, In-context Learning
        and Induction Heads.
    """
    if period is not None and period < 3:
        raise PromptError(f"a period has at least 3 words, not {period}")
    vocabulary = Vocabulary(model)
    in_world = of_the_world(model)
    others = [f" {word}" for word in (lexicon.THINGS + lexicon.PLACES + lexicon.JOBS)]
    others = others if in_world else [f" {word}" for word in vocabulary.plain_words()]

    def make(rng: random.Random) -> Pair | None:
        if in_world:
            document = structure.repeats(rng, TEST, period=period)
            end, first = document.asked[-1], document.labels["first"][0]
            tokens = document.tokens
        else:
            copy = rng.sample(others, period or rng.randint(5, 16))
            first = len(_LEAD) + rng.randrange(1, len(copy))
            tokens = [*_LEAD, *copy, *copy]
            end = len(copy) + first
        prompt, answer = tokens[:end], tokens[first]
        if prompt.count(prompt[-1]) != 2 or prompt.count(answer) != 1:
            return None  # else the answer is not the only word that followed, or can be copied from elsewhere
        other = rng.choice(others)
        if other in tokens:
            return None
        return from_tokens(prompt, {first: other}, [answer], [other], {"previous": first - 1, "first": first})

    return draw(model, "induction", make, n=n, seed=seed, length=length, period=period)
