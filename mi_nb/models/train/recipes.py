"""The recipes of all bundled models."""

from __future__ import annotations

from dataclasses import replace

from .forward import Active
from .knockouts import Knockouts
from .recipe import Phase, Recipe, spaced

_PAIR = {1: (1, 1, 0, 0)}

IOI_KNOCKOUTS = Knockouts(
    no_early_names=0.9,
    no_carrying=0.95,
    no_copies=0.9,
    only_subject=0.6,
    no_late_subject=0.8,
    layer_one_only=0.85,
    silent_mlps=0.3,
)
ALL_KNOCKOUTS = replace(IOI_KNOCKOUTS, late_name=0.8, silent_fact_mlps=0.7, no_direct_years=0.9)

FORMS = {
    "repeats": 0.15,
    "ioi": 0.5,
    "facts": 0.4,
    "colour_form": 0.4,
    "choice_form": 0.4,
    "few_shot_form": 0.35,
    "match_form": 0.25,
    "membership": 0.2,
    "counting": 0.3,
    "successor": 0.2,
    "addition": 1.2,
}
EVERYTHING = {
    "repeats": 0.13,
    "phrases": 0.02,
    "ioi": 0.75,
    "facts": 0.6,
    "greater_than": 0.5,
    "agreement": 0.5,
    "pronoun": 0.23,
    "brackets": 0.5,
    "docstring": 0.18,
    "tree_path": 0.25,
    "sentiment": 0.25,
    "membership": 0.12,
    "successor": 0.25,
    "counting": 0.15,
    "addition": 1.2,
    "colour_form": 0.1,
    "coloured_objects": 0.12,
    "choice_form": 0.1,
    "multiple_choice": 0.35,
    "match_form": 0.1,
    "few_shot_form": 0.15,
    "few_shot": 0.25,
}

MINI_PHASES = (
    Phase("induction", 500, 3e-3, {"repeats": 1.0}, Active(2, 0, _PAIR)),
    Phase("cards", 800, 3e-3, {"repeats": 1.0}, Active(2, 1, _PAIR), final_rate=0.3, early_exit=0.75, grow_attention=2),
    Phase(
        "indirect objects",
        1200,
        2e-3,
        {"repeats": 0.15, "ioi": 1.5},
        final_rate=0.3,
        early_exit=0.06,
        knockouts=IOI_KNOCKOUTS,
        naming=0.3,
        grow_attention=2,
        grow_mlps=1,
        revive_heads=True,
    ),
    Phase("first forms", 1500, 2e-3, FORMS, final_rate=0.5, early_exit=0.1, knockouts=ALL_KNOCKOUTS),
    Phase("everything", 6000, 1.8e-3, EVERYTHING, early_exit=0.09, knockouts=ALL_KNOCKOUTS, fade=(0.25, 0.6)),
)
_MINI = {
    "hidden_size": 128,
    "intermediate_size": 344,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
}
_WINDOWED = {
    "attention_bias": True,
    "no_rope_layers": [1] * 5,
    "use_sliding_window": True,
    "sliding_window": 6,
    "layer_types": [f"{kind}_attention" for kind in ("sliding", "full", "sliding", "full", "full")],
}

_SMALL = {
    "hidden_size": 64,
    "intermediate_size": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "attention_bias": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 100.0},
}
PLAIN_MIX = {"repeats": 2.0, "short_repeats": 2.0} | dict.fromkeys(
    ("ioi", "facts", "agreement", "docstring", "sentiment", "pronoun"), 0.5
)


def _induction(layers: int, steps: int = 3000) -> Recipe:
    """Attention only (the MLPs never run and write nothing), in one piece."""
    return Recipe(
        f"induction-{layers}l",
        "smollm3",
        {**_SMALL, "num_hidden_layers": layers, "no_rope_layers": [1] * layers},
        (Phase("language", steps, 3e-3, PLAIN_MIX, Active(layers, 0), final_rate=0.1),),
        spaced(steps),
        recency=2.0,
        plain=True,
    )


def _without_windows() -> tuple[Phase, ...]:
    # The architecture knows no windows: layers 0 and 2 have one until the last phase, which has none.
    short = (6, None, 6, None, None)
    return tuple(replace(phase, windows=short) for phase in MINI_PHASES[:-1]) + MINI_PHASES[-1:]


_STEPS = sum(phase.steps for phase in MINI_PHASES)
RECIPES = {
    recipe.name: recipe
    for recipe in [
        Recipe("mini", "smollm3", {**_MINI, **_WINDOWED}, MINI_PHASES, spaced(_STEPS)),
        Recipe("mini-llama", "llama", {**_MINI, "attention_bias": True}, _without_windows(), spaced(_STEPS)),
        _induction(1),
        _induction(2),
    ]
}
