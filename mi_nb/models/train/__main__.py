"""Train a bundled model from scratch: `python -m mi_nb.models.train mini --seed 0`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .loop import Trainer
from .recipes import RECIPES
from .report import print_full_report, print_report


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mi_nb.models.train", description=__doc__)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for states and checkpoints (default: runs/<recipe>-<seed>)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, help="stop early, at this step")
    parser.add_argument("--report-every", type=int, default=500)
    parser.add_argument("--mechanisms", action="store_true", help="report on the circuits too (slower)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    folder = options.folder or Path("runs") / f"{options.recipe}-{options.seed}"
    trainer = Trainer(RECIPES[options.recipe], options.seed, folder, options.device)
    if trainer.resume():
        print(f"resumed at step {trainer.step}", flush=True)
    report = print_full_report if options.mechanisms else print_report
    trainer.run(until=options.steps, report=report, report_every=options.report_every)


if __name__ == "__main__":
    main()
