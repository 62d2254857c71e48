"""Multiple choice: the letter of the option that is asked for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world import lexicon
from mi_nb.models.world.behaviours import in_context
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

LETTERS = "ABCD"


def multiple_choice(model: Model, *, n: int = 64, seed: int = 0, by: str = "word", length: int | None = None) -> Task:
    """Multiple choice: "A: dog, B: pear, C: cup. Which is pear? Answer:" asks for " B".

    The corrupted prompt asks for another option; the distractor is that one's letter. Labels: "option" (the right
    option's word), "letter" (its letter there), "query" (what the question asks for), "end".

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        by: What the question names: the option's `"word"`, or its `"category"` ("Which is a fruit?").
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: an argument is unknown, or too few words are single tokens.

    References:
        Lieberum et al. 2023, Does Circuit Analysis Interpretability Scale?
    """
    if by not in ("word", "category"):
        raise PromptError(f"by is 'word' or 'category', not {by!r}")
    vocabulary = Vocabulary(model)
    literal = by == "word"
    if of_the_world(model):

        def make(rng: random.Random) -> Pair | None:
            return _of_the_world(rng, literal)
    else:
        letters = vocabulary.single(LETTERS, least=3, what="letters")
        kinds = {kind: vocabulary.single(group, what=kind) for kind, group in words.CATEGORIES.items()}

        def make(rng: random.Random) -> Pair | None:
            asked = rng.sample(list(kinds), len(letters))
            options = [rng.choice(kinds[kind]) for kind in asked]
            right, other = rng.sample(range(len(letters)), 2)
            parts = [f"{letter}: {word}" for letter, word in zip(letters, options, strict=True)]
            parts[right] = "{letter:letter}: {option:option}"
            # "Options:" goes first, since a word at the very start of a text is another token than behind a space.
            question = "{query:query}" if literal else "{article} {query:query}"
            template = f"Options: {', '.join(parts)}. Which is {question}? Answer:"
            names = options if literal else asked
            article, other_article = (in_context.article(names[i]).split()[0] for i in (right, other))
            if not literal and article != other_article:
                return None  # it would tell
            slots = {"letter": letters[right], "option": options[right], "query": names[right], "article": article}
            return fill(template, slots, {"query": names[other]}, [f" {letters[right]}"], [f" {letters[other]}"])

    return draw(model, "multiple_choice", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out, by=by)


def _of_the_world(rng: random.Random, literal: bool) -> Pair | None:
    document = in_context.multiple_choice(rng, TEST, literal=literal, question_first=False)
    prompt = document.tokens[: document.asked[-1]]
    labels = {label: document.labels[label][-1] for label in ("option", "letter", "query")}
    letter = rng.choice(document.distractors)
    other = prompt[prompt.index(letter) + 2]
    if not literal:
        kind = next(kind for kind, group in lexicon.CATEGORIES.items() if other[1:] in group)
        if in_context.article(kind).split()[0] != prompt[labels["query"] - 1][1:]:
            return None  # "a" or "an" would tell
        other = f" {kind}"
    return from_tokens(prompt, {labels["query"]: other}, document.answers, [letter], labels)
