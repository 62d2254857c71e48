"""From pairs to a `Task`: drawing, checking against a vocabulary, putting together."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from mi_nb.core.errors import PromptError
from mi_nb.core.result import provenance
from mi_nb.tasks.metrics import padded
from mi_nb.tasks.pairs import Encoded, Pair, encode, unlabelled_changes
from mi_nb.tasks.task import ABSENT, Task

if TYPE_CHECKING:
    from mi_nb.core.model import Model

Maker = Callable[[random.Random], Pair | None]
"""Draws a pair, or None where the draw does not fit."""

_MOST_TRIES = 400
"""Draws per prompt before a generator gives up."""


def draw(
    model: Model,
    name: str,
    make: Maker,
    *,
    n: int,
    seed: int,
    length: int | None = None,
    metric: str = "logit_diff",
    left_out: dict[str, str] | None = None,
    **arguments: Any,
) -> Task:
    """A task of `n` pairs, a function of the seed and the arguments alone.

    Pairs are drawn one by one; those are kept whose two prompts have as many tokens, differ at labelled positions only,
    and whose answers are one token each. The first prompts do not depend on `n`.

    Args:
        model: Whose tokenizer reads them.
        name: The behaviour.
        make: Draws a pair.
        n: Number of prompts.
        seed: Which ones.
        length: Keep only prompts of so many tokens.
        metric: The task's metric.
        left_out: Words that this vocabulary cannot use, and why.
        **arguments: Further arguments of the generator, for the provenance.

    Raises:
        PromptError: too few pairs fit this vocabulary or this length.
    """
    if n < 1:
        raise PromptError(f"a task has at least one prompt; n is {n}")
    rng = random.Random(f"{name}-{seed}")
    kept: list[Encoded] = []
    lengths: set[int] = set()
    why = "none could be drawn"
    tries = 0
    while len(kept) < n:
        if tries >= _MOST_TRIES * max(n, 8):
            raise PromptError(_too_few(name, len(kept), n, length, lengths, why, left_out or {}))
        drawn = [make(rng) for _ in range(max(n, 8))]
        tries += len(drawn)
        for found in encode(model, [pair for pair in drawn if pair is not None]):
            if isinstance(found, PromptError):
                why = str(found)
                continue
            lengths.add(len(found.clean))
            outside = unlabelled_changes(found)
            if outside:
                why = f"clean and corrupted prompts differ at unlabelled positions {outside}"
            elif length is None or len(found.clean) == length:
                kept.append(found)
    made = provenance(model, f"tasks.{name}", n=n, seed=seed, length=length, **arguments)
    return assembled(model, kept[:n], name=name, metric=metric, made=made, left_out=left_out or {})


def _too_few(
    name: str, found: int, n: int, length: int | None, lengths: set[int], why: str, left_out: dict[str, str]
) -> str:
    text = f"only {found} of {n} prompts of {name} could be made with this vocabulary"
    if length is not None and lengths:
        many = "few have" if length in lengths else "none has"
        return f"{text}: {many} {length} tokens; they have {min(lengths)} to {max(lengths)}"
    some = ", ".join(map(repr, list(left_out)[:5]))
    return f"{text}: {why}" + (f"; {len(left_out)} words are left out, such as {some}" if left_out else "")


def assembled(
    model: Model,
    rows: Sequence[Encoded],
    *,
    name: str,
    metric: str,
    made: Any,
    left_out: dict[str, str],
    labels: Sequence[str] = (),
) -> Task:
    """The task of these pairs; `labels` come first, and every prompt's last token is labelled "end"."""
    found_labels = (label for row in rows for label in row.positions)
    labels = [label for label in dict.fromkeys((*labels, *found_labels)) if label != "end"]
    spans = {label: [row.positions.get(label, (ABSENT, ABSENT)) for row in rows] for label in labels}
    spans["end"] = [row.positions.get("end", (len(row.clean) - 1, len(row.clean) - 1)) for row in rows]
    show = model.token_strings
    return Task(
        name=name,
        clean=model.tokenize([row.clean for row in rows]),
        corrupted=model.tokenize([row.corrupted for row in rows]),
        clean_texts=[row.pair.clean for row in rows],
        corrupted_texts=[row.pair.corrupted for row in rows],
        answers=padded([row.answers for row in rows]),
        distractors=padded([row.distractors for row in rows]),
        answer_strings=[show(row.answers) for row in rows],
        distractor_strings=[show(row.distractors) for row in rows],
        positions={label: torch.tensor([last for _, last in found]) for label, found in spans.items()},
        starts={label: torch.tensor([first for first, _ in found]) for label, found in spans.items()},
        metric_name=metric,
        provenance=made,
        left_out=left_out,
    )
