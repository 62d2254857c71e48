"""What a run prints about itself."""

from __future__ import annotations

import time

import torch

from .accuracy import accuracies
from .loop import Trainer

_START = time.time()


def print_report(trainer: Trainer, n: int = 60) -> None:
    """Accuracies and mechanisms of a model in training, on held-out texts."""
    model = trainer.model.eval()
    phase = trainer.recipe.at(trainer.step - 1)[0].name
    with torch.no_grad():
        rows = accuracies(model, n, seed=1)
    print(f"\nstep {trainer.step} ({phase}, {time.time() - _START:.0f} s)", flush=True)
    print("  " + " ".join(f"{row.behaviour}:{row.accuracy * 100:.0f}" for row in rows), flush=True)
    model.train()
