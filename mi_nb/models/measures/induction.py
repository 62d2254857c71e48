"""How a model continues repeats."""

from __future__ import annotations

import torch

from mi_nb.core.model import Model

from .questions import ablated_heads, attention, mean_over_tokens, questions, strongest

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
    heads = [tuple(map(int, pair)) for pair in (induction > THRESHOLD).nonzero().tolist()] or strongest(induction)
    first_layer = min(layer for layer, _ in heads)
    below = previous[:first_layer] if first_layer else previous
    before = [tuple(map(int, pair)) for pair in (below > THRESHOLD).nonzero().tolist()] or strongest(below)
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
    drop = 1 - float(attention(broken, end, after)[tuple(zip(*heads, strict=True))].mean() / induction[tuple(zip(*heads, strict=True))].mean())
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


__all__ = ["mean_over_tokens", "measure_induction"]
