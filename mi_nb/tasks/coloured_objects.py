"""Coloured objects: the colour of one of several things."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world.behaviours import in_context
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

_ENDS = (" What color is the {query:query}? Answer:", " The color of the {query:query} is", " The {query:query} is")


def coloured_objects(model: Model, *, n: int = 64, seed: int = 0, things: int = 3, length: int | None = None) -> Task:
    """Coloured objects: "There is a red cup, a blue pen and a gold bell. The pen is" asks for " blue".

    The corrupted prompt asks for another of the things; the distractor is the colour of that one. Labels: "thing" (the
    asked thing where it is described), "color" (its colour there), "query" (the thing in the question), "end".

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts of two to four things.
        n: Number of prompts.
        seed: Which ones.
        things: Number of things, in texts of natural language.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: too few words are single tokens.

    References:
        Srivastava et al. 2022, Beyond the Imitation Game (reasoning about colored objects); Merullo et al. 2024,
        Circuit Component Reuse Across Tasks in Transformer Language Models.
    """
    if not 2 <= things <= 6:
        raise PromptError(f"there are two to six things, not {things}")
    vocabulary = Vocabulary(model)
    if of_the_world(model):
        make = _of_the_world
    else:
        names = vocabulary.single(words.THINGS, least=things, what="things")
        colours = vocabulary.single(words.COLOURS, least=things, what="colours")

        def make(rng: random.Random) -> Pair | None:
            named, painted = rng.sample(names, things), rng.sample(colours, things)
            right, other = rng.sample(range(things), 2)
            scene = []
            for i, (thing, colour) in enumerate(zip(named, painted, strict=True)):
                scene.append("a {right_color:color} {right:thing}" if i == right else f"a {colour} {thing}")
            template = f"On the table there is {', '.join(scene[:-1])} and {scene[-1]}." + rng.choice(_ENDS)
            slots = {"right": named[right], "right_color": painted[right], "query": named[right]}
            changes = {"query": named[other]}
            return fill(template, slots, changes, [f" {painted[right]}"], [f" {painted[other]}"])

    return draw(
        model, "coloured_objects", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out, things=things
    )


def _of_the_world(rng: random.Random) -> Pair | None:
    document = in_context.coloured_objects(rng, TEST)
    prompt = document.tokens[: document.asked[-1]]
    labels = {label: document.labels[label][-1] for label in ("thing", "color", "query")}
    colour = rng.choice(document.distractors)
    other = prompt[prompt.index(colour) + 1]
    return from_tokens(prompt, {labels["query"]: other}, document.answers, [colour], labels)
