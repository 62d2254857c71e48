"""Indirect object identification: who receives what one of two people gives."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
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

ORDERS = ("ABBA", "BABA")
CORRUPTIONS = ("abc", "flip")

_SCENES = (
    "When {first} and {second} went to the {place}, {s2:S2} gave a {object} to",
    "After {first} and {second} met at the {place}, {s2:S2} handed a {object} to",
    "While {first} and {second} were at the {place}, {s2:S2} sold a {object} to",
    "Yesterday {first} and {second} went to the {place}. In the evening {s2:S2} gave the {object} to",
    "Today {first} and {second} had a long talk at the {place}. Then {s2:S2} showed a {object} to",
)


def ioi(
    model: Model,
    *,
    n: int = 64,
    seed: int = 0,
    corruption: str = "abc",
    orders: Sequence[str] = ORDERS,
    length: int | None = None,
) -> Task:
    """Indirect object identification: "When Mary and John went to the store, John gave a drink to" asks for " Mary".

    Labels: "IO" (indirect object), "S1" and "S2" (first and second mention of the subject), "end". Metric: logit of the
    indirect object minus logit of the subject.

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        corruption: `"abc"` puts three other names in the three places, so that nobody is mentioned twice; `"flip"`
            puts the indirect object in the place of S2, so that the answers change roles.
        orders: `"ABBA"` names the indirect object first, `"BABA"` the subject.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: an argument is unknown, or too few names are single tokens.

    References:
        Wang et al. 2022, Interpretability in the Wild.
    """
    if corruption not in CORRUPTIONS:
        raise PromptError(f"corruption is one of {', '.join(CORRUPTIONS)}, not {corruption!r}")
    orders = [orders] if isinstance(orders, str) else list(orders)
    if not orders or set(orders) - set(ORDERS):
        raise PromptError(f"orders are some of {', '.join(ORDERS)}, not {orders!r}")
    vocabulary = Vocabulary(model)
    if of_the_world(model):

        def make(rng: random.Random) -> Pair | None:
            return _of_the_world(rng, corruption, orders)
    else:
        people = vocabulary.single(words.NAMES, least=5, what="names")
        places = vocabulary.single(words.PLACES, what="places")
        objects = vocabulary.single(words.OBJECTS, what="objects")

        def make(rng: random.Random) -> Pair | None:
            io, s, *others = rng.sample(people, 5)
            scene, io_first = rng.choice(_SCENES), rng.choice(orders) == "ABBA"
            first, second = ("{io:IO}", "{s1:S1}") if io_first else ("{s1:S1}", "{io:IO}")
            template = scene.replace("{first}", first).replace("{second}", second)
            slots = {"io": io, "s1": s, "s2": s, "place": rng.choice(places), "object": rng.choice(objects)}
            changes = {"s2": io} if corruption == "flip" else {"io": others[0], "s1": others[1], "s2": others[2]}
            return fill(template, slots, changes, [f" {io}"], [f" {s}"])

    return draw(
        model,
        "ioi",
        make,
        n=n,
        seed=seed,
        length=length,
        left_out=vocabulary.left_out,
        corruption=corruption,
        orders=orders,
    )


def _of_the_world(rng: random.Random, corruption: str, orders: Sequence[str]) -> Pair | None:
    document = names.ioi(rng, TEST, names=2)
    labels = {label: document.labels[label][0] for label in ("IO", "S1", "S2")}
    if ("ABBA" if labels["IO"] < labels["S1"] else "BABA") not in orders:
        return None
    io, s = document.answers[0], document.distractors[0]
    others = rng.sample([f" {name}" for name in lexicon.NAMES if f" {name}" not in (io, s)], 3)
    changes = dict(zip(labels.values(), others, strict=True)) if corruption == "abc" else {labels["S2"]: io}
    return from_tokens(document.tokens[: document.asked[-1]], changes, [io], [s], labels)
