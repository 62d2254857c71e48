"""What goes on inside a model of the small world, in numbers, for the cards and for the tests of the weights."""

from __future__ import annotations

from typing import Any

import torch

from mi_nb.core.model import Model

from .facts import measure_facts
from .induction import in_context_score, measure_induction
from .ioi import measure_ioi
from .reading import (
    layer_use,
    lens_depth,
    measure_addition,
    measure_agreement,
    measure_greater_than,
    measure_matching,
)

__all__ = [
    "in_context_score",
    "layer_use",
    "lens_depth",
    "measure_addition",
    "measure_agreement",
    "measure_facts",
    "measure_greater_than",
    "measure_induction",
    "measure_ioi",
    "measure_matching",
    "mechanisms",
]

LAYERED = [
    "ioi",
    "facts",
    "capitals",
    "induction",
    "successor",
    "pronoun",
    "docstring",
    "sentiment",
    "addition",
    "coloured_objects",
    "multiple_choice",
    "multiple_choice_category",
    "few_shot",
]
"""Behaviours whose answer is one token, for which the use of each layer is measured."""


@torch.no_grad()
def mechanisms(model: Model, *, seed: int = 0, induction_only: bool = False) -> list[dict[str, Any]]:
    """All measurements as rows: circuit, measure, layer (or None), value (a number, or names of heads)."""
    circuits: dict[str, dict[str, Any]] = {"induction": measure_induction(model, seed=seed)}
    if not induction_only:
        circuits |= {
            "ioi": measure_ioi(model, seed=seed),
            "facts": measure_facts(model),
            "greater_than": measure_greater_than(model, seed=seed),
            "agreement": measure_agreement(model, seed=seed),
            "addition": measure_addition(model, seed=seed),
            "matching": measure_matching(model, seed=seed),
            "layer_use": layer_use(model, LAYERED, seed=seed),
            "lens_depth": lens_depth(model, LAYERED, seed=seed),
        }
    rows = []
    for circuit, measures in circuits.items():
        for measure, value in measures.items():
            values = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for layer, entry in values:
                entry = round(entry, 4) if isinstance(entry, float) else entry
                rows.append({"circuit": circuit, "measure": measure, "layer": layer, "value": entry})
    return rows
