"""Closing brackets: the bracket that was opened last and is still open."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world.behaviours import grammar
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

BRACKETS = {" (": " )", " [": " ]", " {": " }"}


def closing_bracket(model: Model, *, n: int = 64, seed: int = 0, depth: int = 3, length: int | None = None) -> Task:
    """Closing brackets: "cup ( pen [ box ] lamp" asks for " )".

    The corrupted prompt has a bracket of another kind in the place of the one to be closed; the distractor closes that
    kind. Labels: "open" (the bracket to be closed), "end".

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        depth: Most brackets that are open at a time, in texts of natural language.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: brackets are not single tokens.
    """
    vocabulary = Vocabulary(model)
    if depth < 1:
        raise PromptError(f"at least one bracket is open; depth is {depth}")
    if of_the_world(model):
        make = _of_the_world
    else:
        problems = vocabulary.problems([*BRACKETS, *BRACKETS.values()])
        vocabulary.left_out.update({mark[1:]: why for mark, why in problems.items()})
        marks = [(a, b) for a, b in BRACKETS.items() if not {a, b} & problems.keys()]
        if len(marks) < 2:
            raise PromptError("fewer than two kinds of brackets are single tokens of this vocabulary")
        things = [f" {word}" for word in vocabulary.single(words.THINGS, what="words")]

        def make(rng: random.Random) -> Pair | None:
            tokens, stack = [rng.choice(things)], []
            for _ in range(rng.randint(3, 10)):
                if len(stack) < depth and rng.random() < 0.4:
                    stack.append(len(tokens))
                    tokens.append(rng.choice(marks)[0])
                elif len(stack) > 1 and rng.random() < 0.4:
                    tokens.append(BRACKETS[tokens[stack.pop()]])
                else:
                    tokens.append(rng.choice(things))
            return _pair(rng, tokens, stack[-1], [a for a, _ in marks]) if stack else None

    return draw(
        model, "closing_bracket", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out, depth=depth
    )


def _pair(rng: random.Random, prompt: list[str], at: int, marks: list[str]) -> Pair:
    other = rng.choice([mark for mark in marks if mark != prompt[at]])
    return from_tokens(prompt, {at: other}, [BRACKETS[prompt[at]]], [BRACKETS[other]], {"open": at})


def _of_the_world(rng: random.Random) -> Pair | None:
    document = grammar.brackets(rng, TEST)
    at = document.labels["open"][0]
    if document.tokens[at] not in BRACKETS:  # a quotation ends as it began
        return None
    return _pair(rng, document.tokens[: document.asked[-1]], at, list(BRACKETS))
