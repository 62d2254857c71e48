"""Made-up sweeps with the shape of real ones: scores of heads, and activation patching by layer and position."""

from __future__ import annotations

from typing import Any

import numpy as np

WHEN = ["<bos>", "When", " Mary", " and", " John", " went", ",", " John", " gave", " a", " drink", " to"]
AFTER = ["<bos>", "After", " Tom", " met", " Ann", ",", " Ann", " thanked"]
SITES = ("resid_pre", "attn_out", "mlp_out")


def heads(layers: int = 12, count: int = 12, seed: int = 0) -> dict[str, Any]:
    """Arguments of a `Heatmap` of head scores: mostly nothing, a few large of either sign."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.04, (layers, count))
    for size in (2.1, -1.4, 1.1, 0.7, -0.5, 0.4):
        values[rng.integers(layers // 2, layers), rng.integers(0, count)] = size
    return {
        "title": "Direct effect of each head",
        "values": values.astype(np.float32),
        "rows": [str(layer) for layer in range(layers)],
        "columns": [str(head) for head in range(count)],
        "row_axis": "layer",
        "column_axis": "head",
        "unit": "logits",
        "description": "logit difference that a head adds",
    }


def patching(layers: int = 12, tokens: list[str] | None = None, seed: int = 1) -> dict[str, Any]:
    """Arguments of a `Heatmap` of activation patching at three sites, tokens as columns."""
    tokens = WHEN if tokens is None else tokens
    rng = np.random.default_rng(seed)
    values = np.abs(rng.normal(0, 0.015, (3, layers, len(tokens))))
    depth = np.linspace(0, 1, layers)
    values[0, :, min(7, len(tokens) - 1)] += 0.95 / (1 + np.exp((depth - 0.55) * 14))
    values[0, :, -1] += 0.95 / (1 + np.exp((0.6 - depth) * 14))
    values[1, int(layers * 0.7), -1] += 0.6
    values[2, 0, min(7, len(tokens) - 1)] += 0.8
    return {
        "title": "Patching the clean activation into the corrupted run",
        "values": values.astype(np.float32),
        "rows": [str(layer) for layer in range(layers)],
        "columns": tokens,
        "row_axis": "layer",
        "column_axis": "position",
        "facets": SITES,
        "facet_axis": "site",
        "facet_values": SITES,
        "description": "recovered share of the logit difference",
        "token_columns": True,
    }


def prompts() -> dict[str, Any]:
    """Two prompts of different lengths, each with its own tokens, as facets."""
    values = np.random.default_rng(2).random((2, 4, len(WHEN))).astype(np.float32)
    return {
        "title": "Attention to each token",
        "values": values,
        "rows": ["a", "b", "c", "d"],
        "columns": [WHEN, AFTER],
        "row_axis": "group",
        "column_axis": "position",
        "facets": ["".join(WHEN[1:]), "".join(AFTER[1:])],
        "facet_axis": "prompt",
        "kind": "sequential",
        "unit": "probability",
        "token_columns": True,
    }
