"""Successor: the next day, month, number or letter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world import lexicon
from mi_nb.models.world.behaviours import numbers
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

ORDERS: dict[str, tuple[Sequence[str], bool]] = {
    "day": (words.DAYS, True),
    "month": (words.MONTHS, True),
    "number": ([str(number) for number in range(1, 60)], False),
    "number word": (words.NUMBER_WORDS, False),
    "letter": (words.LETTERS, False),
}
"""For models of natural language: the items of each order, and whether the first follows the last."""

_WORLD_ORDERS: dict[str, tuple[Sequence[str], bool]] = {
    "day": (lexicon.DAYS, True),
    "month": (lexicon.MONTHS, True),
    "number": (lexicon.NUMBERS, False),
}
_FORMS = (
    ("The next one after {c:item} is", 1),
    ("In the right order: {a:item_1}, {b:item_2}, {c:item},", 3),
    ("One after the other: {a:item_1}, {b:item_2}, {c:item},", 3),
)


def successor(
    model: Model, *, n: int = 64, seed: int = 0, orders: Sequence[str] | None = None, length: int | None = None
) -> Task:
    """Successor: "Monday, Tuesday, Wednesday," asks for " Thursday".

    The corrupted prompt has every item moved by the same number of steps, the distractor is what follows there. Labels:
    "item" (the item whose successor is asked), "item_1", "item_2" (items before it, where there are any), "end".

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        orders: Which ones: day, month, number, and for natural language also "number word" and letter. All by default.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: an unknown order, or too few of its items are single tokens.

    References:
        Gould et al. 2023, Successor Heads.
    """
    vocabulary = Vocabulary(model)
    in_world = of_the_world(model)
    known = _WORLD_ORDERS if in_world else ORDERS
    asked = [orders] if isinstance(orders, str) else list(orders or known)
    unknown = [order for order in asked if order not in known]
    if unknown:
        raise PromptError(f"unknown orders {', '.join(unknown)}; known are {', '.join(known)}")
    if not in_world:
        asked = _usable(vocabulary, asked)

    def make(rng: random.Random) -> Pair | None:
        if in_world:
            return _of_the_world(rng, asked)
        items, wraps = ORDERS[rng.choice(asked)]
        template, shown = rng.choice(_FORMS)
        last, step = rng.randrange(len(items)), rng.randrange(2, len(items) - 1)
        runs = [_run(items, wraps, last + moved, shown) for moved in (0, step if rng.random() < 0.5 else -step)]
        if None in runs:
            return None
        (*clean, answer), (*corrupted, other) = runs  # type: ignore[misc]
        slots, changes = (dict(zip("cba", reversed(run), strict=False)) for run in (clean, corrupted))
        return fill(template, slots, changes, [f" {answer}"], [f" {other}"])

    return draw(model, "successor", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out, orders=asked)


def _usable(vocabulary: Vocabulary, orders: list[str]) -> list[str]:
    """The orders whose items mostly are single tokens; the items that are not are skipped when pairs are checked."""
    kept = []
    for order in orders:
        items = ORDERS[order][0]
        problems = vocabulary.problems([f" {item}" for item in items])
        vocabulary.left_out.update({word[1:]: why for word, why in problems.items()})
        if len(items) - len(problems) >= 4:
            kept.append(order)
    if not kept:
        raise PromptError(f"of {', '.join(orders)} too few items are single tokens of this vocabulary")
    return kept


def _run(items: Sequence[str], wraps: bool, last: int, shown: int) -> list[str] | None:
    """`shown` items that end with `last`, and the one that follows."""
    indices = range(last - shown + 1, last + 2)
    if wraps:
        return [items[i % len(items)] for i in indices]
    return [items[i] for i in indices] if indices[0] >= 0 and indices[-1] < len(items) else None


def _of_the_world(rng: random.Random, orders: Sequence[str]) -> Pair | None:
    document = numbers.successor(rng, TEST)
    end = document.asked[-1]
    prompt, answer = document.tokens[:end], document.answers[0]
    order, (items, wraps) = next(
        (name, row) for name, row in _WORLD_ORDERS.items() if f" {row[0][0]}" in (answer, *document.distractors)
    )
    if order not in orders:
        return None
    index = {f" {item}": i for i, item in enumerate(items)}
    places = [i for i, token in enumerate(prompt) if token in index]
    step = rng.choice([-1, 1]) * rng.randrange(2, min(len(items) - 1, 30))
    moved = [index[token] + step for token in [*(prompt[i] for i in places), answer]]
    if not wraps and not all(0 <= i < len(items) for i in moved):
        return None
    *others, distractor = (f" {items[i % len(items)]}" for i in moved)
    labels = {"item": places[-1], **{f"item_{i + 1}": at for i, at in enumerate(places[:-1])}}
    return from_tokens(prompt, dict(zip(places, others, strict=True)), [answer], [distractor], labels)
