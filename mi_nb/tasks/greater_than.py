"""Greater-than: a span of years ends after it began."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mi_nb.core.errors import PromptError
from mi_nb.models.world.behaviours import numbers
from mi_nb.models.world.splits import TEST
from mi_nb.tasks import words
from mi_nb.tasks.build import Maker, draw
from mi_nb.tasks.pairs import Pair, fill, from_tokens
from mi_nb.tasks.task import Task
from mi_nb.tasks.vocabulary import Vocabulary, of_the_world

if TYPE_CHECKING:
    from mi_nb.core.model import Model

YEARS = [f"{year:02d}" for year in range(100)]
EARLIEST = "01"
_ENOUGH = 50
_CENTURIES = [str(century) for century in range(11, 20)]


def greater_than(model: Model, *, n: int = 64, seed: int = 0, length: int | None = None) -> Task:
    """Greater-than: "The war lasted from the year 1732 to the year 17" may go on with "33" and above.

    The corrupted prompt begins in "01", so that every year would do. Labels: "start" (the last two digits of the first
    year), "century" (the token before the answer), "end". Metric: probability of the years that are later, minus that
    of the others.

    Where a vocabulary splits years in another way, "from the year '32 to the year '" is asked. Where every digit is a
    token, the tens are asked: the label "start" is their digit and "start_ones" the one behind it.

    Args:
        model: Whose vocabulary is used; models of the small world get its held-out texts.
        n: Number of prompts.
        seed: Which ones.
        length: Keep only prompts of so many tokens.

    Raises:
        PromptError: the vocabulary has no two-digit years and no digits.

    References:
        Hanna et al. 2023, How does GPT-2 compute greater-than?
    """
    vocabulary = Vocabulary(model)
    make = _of_the_world if of_the_world(model) else _of_vocabulary(vocabulary)
    return draw(
        model, "greater_than", make, n=n, seed=seed, length=length, metric="prob_diff", left_out=vocabulary.left_out
    )


def _of_the_world(rng: random.Random) -> Pair | None:
    document = numbers.greater_than(rng, TEST)
    end, start = document.asked[-1], document.labels["start"][0]
    answers, distractors = sorted(document.answers), list(document.distractors)
    labels = {"start": start, "century": end - 1}
    return from_tokens(document.tokens[:end], {start: EARLIEST}, answers, distractors, labels)


def _of_vocabulary(vocabulary: Vocabulary) -> Maker:
    events = vocabulary.single(words.EVENTS, what="events")
    full = {century: _kept(vocabulary, f"from the year {century}") for century in _CENTURIES}
    tried = full if any(len(years) >= _ENOUGH for years in full.values()) else {"'": _kept(vocabulary, "the year '")}
    centuries = {century: years for century, years in tried.items() if len(years) >= _ENOUGH}
    for century, years in tried.items() if centuries else ():
        why = "not two tokens" if century in centuries else "too few years of its century are two tokens"
        left = [year for year in YEARS if century not in centuries or year not in years]
        vocabulary.left_out.update({f"{century}{year}": why for year in left})
    if not centuries and vocabulary.problems([str(digit) for digit in range(10)], "from the year 17"):
        raise PromptError("this vocabulary has neither two-digit years nor digits of their own")

    def make(rng: random.Random) -> Pair | None:
        event = rng.choice(events)
        if not centuries:
            century = rng.choice(_CENTURIES)
            tens, ones = rng.randint(1, 8), rng.randint(0, 9)
            first = "{century}{tens:start}{ones:start_ones}"
            template = "The {event} lasted from the year " + first + " to the year {century:century}"
            slots = {"event": event, "century": century, "tens": str(tens), "ones": str(ones)}
            later, earlier = range(tens + 1, 10), range(tens)
            return fill(
                template,
                slots,
                {"tens": EARLIEST[0], "ones": EARLIEST[1]},
                [str(digit) for digit in later],
                [str(digit) for digit in earlier],
            )
        century = rng.choice(list(centuries))
        years = centuries[century]
        start = rng.choice([year for year in years if 2 <= int(year) <= 97])
        return fill(
            "The {event} lasted from the year {century}{year:start} to the year {century:century}",
            {"event": event, "century": century, "year": start},
            {"year": EARLIEST},
            [year for year in years if year > start],
            [year for year in years if year <= start],
        )

    return make


def _kept(vocabulary: Vocabulary, before: str) -> list[str]:
    """The two-digit years that are one token behind this text; none if the earliest is not."""
    years = vocabulary.kept(YEARS, before)
    return years if EARLIEST in years else []
