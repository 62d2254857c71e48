"""Gendered pronouns: he or she, by the name."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.models.world import lexicon
from mi_nb.models.world.behaviours import names
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

_FORMS = (
    "My friend {name:name} is a very good player, isn't",
    "Yesterday {name:name} went to the {place} because",
    "At the {place} {name:name} said that",
    "Our neighbor {name:name} was tired, and so",
)


def gendered_pronoun(model: Model, *, n: int = 64, seed: int = 0, length: int | None = None) -> Task:
    """Gendered pronouns: "Yesterday Mary went to the park because" asks for " she".

    The corrupted prompt has a name of the other gender. Labels: "name", "end".

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: too few names are single tokens.

    References:
        Mathwin et al. 2023, Identifying a Preliminary Circuit for Predicting Gendered Pronouns in GPT-2 Small.
    """
    vocabulary = Vocabulary(model)
    if of_the_world(model):
        make = _of_the_world
    else:
        people = [vocabulary.single(group, what="names") for group in (words.MALE_NAMES, words.FEMALE_NAMES)]
        places = vocabulary.single(words.PLACES, what="places")
        pronouns = (" he", " she")

        def make(rng: random.Random) -> Pair | None:
            female = rng.random() < 0.5
            slots = {"name": rng.choice(people[female]), "place": rng.choice(places)}
            changes = {"name": rng.choice(people[not female])}
            return fill(rng.choice(_FORMS), slots, changes, [pronouns[female]], [pronouns[not female]])

    return draw(model, "gendered_pronoun", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out)


def _of_the_world(rng: random.Random) -> Pair | None:
    document = names.pronoun(rng, TEST)
    name = document.labels["name"][0]
    male = document.tokens[name][1:] in lexicon.MALE_NAMES
    other = rng.choice(lexicon.FEMALE_NAMES if male else lexicon.MALE_NAMES)
    prompt = document.tokens[: document.asked[-1]]
    return from_tokens(prompt, {name: f" {other}"}, document.answers, document.distractors, {"name": name})
