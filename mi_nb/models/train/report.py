"""What a run prints about itself."""

from __future__ import annotations

import time

import torch

from ..world.tokenizer import build_tokenizer
from .accuracy import accuracies
from .loop import Trainer

_START = time.time()


def print_report(trainer: Trainer, n: int = 60) -> None:
    """Accuracies of a model in training, on held-out texts."""
    model = trainer.model.eval()
    phase = trainer.recipe.at(trainer.step - 1)[0].name
    with torch.no_grad():
        rows = accuracies(model, n, seed=1)
    print(f"\nstep {trainer.step} ({phase}, {time.time() - _START:.0f} s)", flush=True)
    print("  " + " ".join(f"{row.behaviour}:{row.accuracy * 100:.0f}" for row in rows), flush=True)
    model.train()


def print_full_report(trainer: Trainer) -> None:
    """Accuracies, and how the induction, IOI and fact circuits stand."""
    from mi_nb.core.model import Model

    from ..measures import measure_facts, measure_induction, measure_ioi

    print_report(trainer)
    model = Model(trainer.model.eval(), build_tokenizer(), name=trainer.recipe.name)
    circuits = {"induction": measure_induction(model, 32)}
    if not trainer.recipe.plain:
        circuits |= {"ioi": measure_ioi(model, 40), "facts": measure_facts(model, 40)}
    for circuit, measures in circuits.items():
        parts = [
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}" for name, value in measures.items()
        ]
        print(f"  {circuit}: " + ", ".join(parts), flush=True)
    trainer.model.train()
