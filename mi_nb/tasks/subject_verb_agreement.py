"""Subject-verb agreement: a verb has its subject's number, whatever noun stands between."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.models.world import lexicon
from mi_nb.models.world.behaviours import grammar
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

_FORMS = (
    "The {subject:subject} {preposition} the {attractor:attractor}",
    "Yesterday the {subject:subject} {preposition} the {attractor:attractor}",
    "Everybody knows that the {subject:subject} {preposition} the {attractor:attractor}",
)


def subject_verb_agreement(
    model: Model, *, n: int = 64, seed: int = 0, attractor: bool | None = True, length: int | None = None
) -> Task:
    """Subject-verb agreement: "The keys near the cabinet" asks for " are", " were" or " have".

    The corrupted prompt has the subject in the other number. Labels: "subject", "attractor" (the noun in between),
    "end". Metric: mean logit of the verbs of the right number minus that of the others.

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        attractor: Whether the noun in between has the other number than the subject; None for both kinds.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: too few nouns are single tokens in both numbers.

    References:
        Linzen et al. 2016, Assessing the Ability of LSTMs to Learn Syntax-Sensitive Dependencies; Finlayson et al.
        2021, Causal Analysis of Syntactic Agreement Mechanisms.
    """
    vocabulary = Vocabulary(model)
    if of_the_world(model):

        def make(rng: random.Random) -> Pair | None:
            return _of_the_world(rng, attractor)
    else:
        nouns = vocabulary.tuples(zip(words.SINGULAR_NOUNS, words.PLURAL_NOUNS, strict=True), what="pairs of nouns")
        prepositions = vocabulary.single(words.PREPOSITIONS, least=1, what="prepositions")
        verbs = vocabulary.tuples(zip(words.SINGULAR_VERBS, words.PLURAL_VERBS, strict=True), least=1, what="verbs")

        def make(rng: random.Random) -> Pair | None:
            subject, other = rng.sample(nouns, 2)
            plural = rng.random() < 0.5
            between = rng.random() < 0.5 if attractor is None else plural != attractor
            slots = {"subject": subject[plural], "attractor": other[between], "preposition": rng.choice(prepositions)}
            right, wrong = ([f" {verb[number]}" for verb in verbs] for number in (plural, not plural))
            return fill(rng.choice(_FORMS), slots, {"subject": subject[not plural]}, right, wrong)

    return draw(
        model,
        "subject_verb_agreement",
        make,
        n=n,
        seed=seed,
        length=length,
        left_out=vocabulary.left_out,
        attractor=attractor,
    )


def _of_the_world(rng: random.Random, attractor: bool | None) -> Pair | None:
    document = grammar.agreement(rng, TEST, attractor=attractor)
    end = document.asked[-1]
    labels = {label: document.labels[label][0] for label in ("subject", "attractor")}
    prompt, subject = document.tokens[:end], labels["subject"]
    links = {f" {link}" for link in lexicon.SINGULAR_LINKS + lexicon.PLURAL_LINKS}
    if any(token in links for token in prompt[: labels["attractor"]]):
        return None  # the subject's own verb would tell its number too
    forms = list(zip(lexicon.SINGULAR_NOUNS, lexicon.PLURAL_NOUNS, strict=True))
    other = next(b if prompt[subject] == f" {a}" else a for a, b in forms if prompt[subject] in (f" {a}", f" {b}"))
    return from_tokens(prompt, {subject: f" {other}"}, document.answers, document.distractors, labels)
