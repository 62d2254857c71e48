"""Docstrings: the next argument of a function that is being described."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world import lexicon
from mi_nb.models.world.behaviours import structure
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

CORRUPTIONS = ("answer", "signature")

_FORM = '''def {function}(self, {a:first}, {b:previous}, {c:definition}, {d:last}):
    """{w1} {w2} {w3}

    :param {a_listed}: {w4} {w5}
    :param {b_listed:last_param}: {w6} {w7}
    :param'''


def docstring(
    model: Model, *, n: int = 64, seed: int = 0, corruption: str = "answer", length: int | None = None
) -> Task:
    """Docstrings: after "def load(self, size, file, mode): ... :param size: ... :param" comes " file".

    Labels: "signature" (all arguments in the definition), in it "previous" and "definition" (the argument described
    last and the asked one), "last_param" (the one described last, in its description), "end". Metric: logit of the
    asked argument minus the mean logit of the others.

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        corruption: `"answer"` puts another word in the place of the asked argument of the signature, `"signature"` in
            the place of all its arguments.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: an argument is unknown, or too few argument names are single tokens.

    References:
        Heimersheim and Janiak 2023, A Circuit for Python Docstrings in a 4-layer Attention-only Transformer.
    """
    if corruption not in CORRUPTIONS:
        raise PromptError(f"corruption is one of {', '.join(CORRUPTIONS)}, not {corruption!r}")
    vocabulary = Vocabulary(model)
    if of_the_world(model):

        def make(rng: random.Random) -> Pair | None:
            return _of_the_world(rng, corruption)
    else:
        arguments = vocabulary.single(words.ARGUMENTS, least=9, what="argument names")
        functions = vocabulary.single(words.FUNCTIONS, least=1, what="function names")
        others = [word for word in words.OBJECTS + words.PLACES if word not in words.ARGUMENTS]
        nouns = vocabulary.single(others, least=7, what="words")

        def make(rng: random.Random) -> Pair | None:
            named = rng.sample(arguments, 8)
            slots = dict(zip("abcd", named[:4], strict=True)) | {"function": rng.choice(functions)}
            slots |= {f"w{i + 1}": word for i, word in enumerate(rng.sample(nouns, 7))}
            changes = dict(zip("abcd" if corruption == "signature" else "c", named[4:], strict=False))
            slots |= {"a_listed": slots["a"], "b_listed": slots["b"]}
            pair = fill(_FORM, slots, changes, [f" {slots['c']}"], [f" {slots[name]}" for name in "abd"])
            kept = {label: span for label, span in pair.spans.items() if label not in ("first", "last")}
            signature = (pair.spans["first"][0], pair.spans["last"][1])
            return replace(pair, spans={"signature": signature, **kept})

    return draw(
        model, "docstring", make, n=n, seed=seed, length=length, left_out=vocabulary.left_out, corruption=corruption
    )


def _of_the_world(rng: random.Random, corruption: str) -> Pair | None:
    document = structure.docstring(rng, TEST)
    end = document.asked[-1]
    answer, signature = document.labels["answer"][-1], document.labels["signature"]
    labels = {
        "signature": (signature[0], signature[-1]),
        "previous": signature[signature.index(answer) - 1],
        "definition": answer,
        "last_param": document.labels["last_param"][-1],
    }
    unused = [f" {name}" for name in lexicon.VARIABLES if f" {name}" not in document.tokens]
    changed = signature if corruption == "signature" else [answer]
    changes = dict(zip(changed, rng.sample(unused, len(changed)), strict=True))
    return from_tokens(document.tokens[:end], changes, document.answers, document.distractors, labels)
