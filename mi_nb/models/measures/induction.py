"""How a model continues repeats."""

from __future__ import annotations

import random

import torch

from mi_nb.core.model import Model

from ..world.behaviours.structure import repeats
from .questions import ablated_heads, above, attention, questions, strongest

THRESHOLD = 0.3


def measure_induction(model: Model, n: int = 64, *, seed: int = 0) -> dict[str, float | str]:
    """Previous-token heads, induction heads, and what ablating them does to held-out repeats.

    Returns:
        "previous_token" and "induction": the largest mean attention to the token before, and to the token after the
        earlier occurrence; "prefix_drop": how much of the induction attention is gone without the previous-token heads
        (K-composition); "accuracy", "accuracy_without_induction", "accuracy_without_others" (as many other heads).
    """
    asked = questions(model, "induction", n, seed=seed)
    run = model.run(asked.prompts, ["pattern", "z"])
    end, after = asked.end, asked.positions["first"]
    previous = attention(run, after, after - 1)
    induction = attention(run, end, after)
    heads = above(induction, THRESHOLD) or strongest(induction)
    first_layer = min(layer for layer, _ in heads)
    below = previous[:first_layer] if first_layer else previous
    before = above(below, THRESHOLD) or strongest(below)
    others = [
        (layer, head)
        for layer in range(model.n_layers)
        for head in range(model.n_heads)
        if (layer, head) not in heads and (layer, head) not in before and layer > 0
    ]
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(others), generator=generator)[: len(heads)]
    chosen = [others[int(i)] for i in order]
    broken = model.run(asked.prompts, ["pattern"], edit=ablated_heads(run, before))
    drop = 1 - float(
        attention(broken, end, after)[tuple(zip(*heads, strict=True))].mean()
        / induction[tuple(zip(*heads, strict=True))].mean()
    )
    return {
        "previous_token": float(below.max()),
        "previous_token_heads": " ".join(f"a{layer}.h{head}" for layer, head in before),
        "induction": float(induction.max()),
        "induction_heads": " ".join(f"a{layer}.h{head}" for layer, head in heads),
        "prefix_drop": drop,
        "accuracy": asked.right(asked.logits(model)),
        "accuracy_without_induction": asked.right(asked.logits(model, ablated_heads(run, heads))),
        "accuracy_without_others": asked.right(asked.logits(model, ablated_heads(run, chosen))),
    }


def in_context_score(model: Model, n: int = 40, *, seed: int = 0) -> float:
    """How many nats the second copy of random words is cheaper per token than the first (after Olsson et al., 2022)."""
    rng = random.Random(f"score-{seed}")
    documents = [repeats(rng, "test") for _ in range(n)]
    prompts = [document.text for document in documents]
    run = model.run(prompts)
    assert run.logits is not None
    ids = run.tokens.ids
    loss = -run.logits[:, :-1].float().log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    gains = []
    for row, document in enumerate(documents):
        asked = document.asked
        period = asked[-1] - document.labels["first"][0]
        gains.append(float(loss[row, [i - period for i in asked]].mean() - loss[row, asked].mean()))
    return sum(gains) / len(gains)
