"""Turn a finished run into a bundled model: `python -m mi_nb.models.train.release runs/mini-0 mini --seed 0`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mi_nb.core.model import Model

from .. import store
from ..measures import in_context_score, measure_induction, mechanisms
from ..world import BEHAVIOURS
from ..world.tokenizer import build_tokenizer
from .accuracy import accuracy
from .loop import build
from .recipe import Recipe
from .recipes import RECIPES

_DATA = "texts of the small world, generated while training (mi_nb.models.world)"
_PRESSURES = {
    "windows": "attention of layers 0 and 2 reaches six tokens back{for_how_long}",
    "phases": "trained in phases: {phases}",
    "early exit": "on a share of steps answers of name cards are read after layer 0",
    "knock-outs": "in IOI, fact and greater-than texts paths were knocked out while training; "
    "mi_nb.models.train.knockouts says which; all but the one for years faded to nothing before training ended; "
    "all numbers here are measured without them",
    "naming": "a linear head, discarded since, had to name the acting person at the end of IOI texts after layer 2",
}


def pressures(recipe: Recipe) -> list[str]:
    """What besides the data pushed the model towards its circuits, in words."""
    if recipe.plain:
        return []
    windowed = recipe.config.get("use_sliding_window")
    words = {
        "for_how_long": "" if windowed else " in all phases but the last",
        "phases": ", ".join(p.name for p in recipe.phases),
    }
    return [text.format(**words) for text in _PRESSURES.values()]


WATCHED = ("ioi", "facts", "greater_than", "agreement", "addition", "coloured_objects", "multiple_choice", "few_shot")
"""Behaviours whose accuracy is measured at every checkpoint."""


def history(recipe: Recipe, states: Mapping[int, Mapping[str, Tensor]], tokenizer: Any) -> list[dict[str, Any]]:
    """Measurements at every checkpoint, one row each: step, measure, value."""
    rows: list[dict[str, Any]] = []
    for step, state in states.items():
        hf = build(recipe, 0)
        hf.load_state_dict(state)
        model = Model(hf.eval(), tokenizer, name=recipe.name)
        found = measure_induction(model, 40)
        values = {key: found[key] for key in ("previous_token", "induction", "accuracy")}
        values["in_context_score"] = in_context_score(model)
        if not recipe.plain:
            values |= {f"{name} accuracy": accuracy(hf, name, 50).accuracy for name in WATCHED}
        rows += [{"step": step, "measure": key, "value": round(float(value), 4)} for key, value in values.items()]
    return rows


def make_card(
    model: Model,
    recipe: Recipe,
    seed: int,
    steps: list[int],
    *,
    n: int = 500,
    caveats: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything measured about a model, as the card holds it."""
    small = recipe.plain
    asked = [BEHAVIOURS["induction"]] if small else list(BEHAVIOURS.values())
    rows = []
    for behaviour in asked:
        found = accuracy(model.hf, behaviour, n)  # type: ignore[arg-type]
        low, high = found.interval
        rows.append(
            {
                "behaviour": behaviour.name,
                "accuracy": round(found.accuracy, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "n": n,
                "asked": behaviour.least,
            }
        )
    return {
        "name": model.name,
        "architecture": model.family,
        "parameters": sum(p.numel() for p in model.hf.parameters()),
        "layers": model.n_layers,
        "heads": model.n_heads,
        "d_model": model.d_model,
        "vocabulary": model.vocabulary_size,
        "data": _DATA,
        "recipe": f"python -m mi_nb.models.train {recipe.name} --seed {seed}",
        "steps": recipe.steps,
        "tokens_per_step": recipe.rows * recipe.width,
        "precision": "final weights float16, checkpoints int8 with a scale per row; both load as float32",
        "licence": "MIT",
        "pressures": pressures(recipe),
        "falls_short": [row["behaviour"] for row in rows if row["accuracy"] < row["asked"]],
        "caveats": list(caveats),
        "checkpoints": steps,
        "accuracy": rows,
        "mechanisms": mechanisms(model, induction_only=small),
    }


def release(
    run: Path,
    recipe: Recipe,
    seed: int,
    name: str,
    *,
    weights: Path = store.WEIGHTS,
    with_checkpoints: bool = True,
    n: int = 500,
    caveats: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure the last state of a run as it will be loaded, and write its folder and the manifest."""
    hf = build(recipe, seed)
    state = torch.load(run / "state.pt", weights_only=True)
    hf.load_state_dict({key: tensor.half().float() for key, tensor in state["model"].items()})
    tokenizer = build_tokenizer()
    model = Model(hf.eval(), tokenizer, name=name)
    found = {int(re.findall(r"\d+", path.stem)[0]): path for path in run.glob("step*.pt")} if with_checkpoints else {}
    states = {step: torch.load(path, weights_only=True) for step, path in sorted(found.items())}
    card = make_card(model, recipe, seed, sorted(states), n=n, caveats=caveats)
    card["history"] = history(recipe, states, tokenizer)
    store.save_model(weights / name, hf, tokenizer, card, states)
    store.write_manifest(weights)
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", help="name of the bundled model (default: the recipe's)")
    parser.add_argument("--without-checkpoints", action="store_true")
    parser.add_argument("--caveat", action="append", default=[], help="what the card must say besides its numbers")
    parser.add_argument("-n", type=int, default=500, help="held-out texts per behaviour")
    options = parser.parse_args()
    card = release(
        options.run,
        RECIPES[options.recipe],
        options.seed,
        options.name or options.recipe,
        with_checkpoints=not options.without_checkpoints,
        n=options.n,
        caveats=options.caveat,
    )
    for row in card["accuracy"]:
        print(f"{row['behaviour']:32} {row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}] asked {row['asked']}")
    for row in card["mechanisms"]:
        print(row["circuit"], row["measure"], "" if row["layer"] is None else f"layer {row['layer']}", row["value"])


if __name__ == "__main__":
    main()
