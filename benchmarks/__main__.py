"""`python -m benchmarks [name ...]`: ratios against TransformerLens and nnsight, each with its spread."""

from __future__ import annotations

import argparse
import importlib.metadata
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import transformers
from torch import nn

from benchmarks import isolated, subjects
from benchmarks.timing import Line, compare

LENS, SIGHT = "transformer_lens", "nnsight"


def _sweep(what: str, hf: nn.Module, prompts: int, site: str, rounds: int, goal: float | None = None) -> list[Line]:
    work = subjects.job(hf.config.vocab_size, prompts=prompts)  # type: ignore[union-attr]
    every = 12 if hf.config.hidden_size > 512 else 1  # type: ignore[union-attr]
    peers = {LENS: subjects.transformer_lens(hf, work, site, every), SIGHT: subjects.nnsight(hf, work, site, every)}
    goals = {} if goal is None else {LENS: goal}
    return compare(what, subjects.ours(hf, work, site), peers, rounds=rounds, goals=goals, every=every)


def streams(rounds: int) -> list[Line]:
    """192 patches of resid_pre: 12 layers x 16 positions, 8 prompts."""
    return _sweep("192 resid_pre patches, GPT-2 small, 8 x 16", subjects.gpt2_small(), 8, "resid_pre", rounds, 5)


def heads(rounds: int) -> list[Line]:
    """144 patches of z: 12 layers x 12 heads, 8 prompts."""
    return _sweep("144 head patches, GPT-2 small, 8 x 16", subjects.gpt2_small(), 8, "z", rounds, 3.4)


def tiny(rounds: int) -> list[Line]:
    """80 patches of resid_pre and 20 of z on the bundled model, for one prompt and for eight."""
    name, hf = subjects.tiny()
    lines = []
    for prompts in (1, 8):
        size = f"{prompts} x 16"
        goal = 15 if prompts == 1 else None
        lines += _sweep(f"80 resid_pre patches, {name}, {size}", hf, prompts, "resid_pre", 5 * rounds, goal)
        lines += _sweep(f"20 head patches, {name}, {size}", hf, prompts, "z", 5 * rounds)
    return lines


JOBS = {"import": isolated.imports, "wrap": isolated.wraps, "tiny": tiny, "heads": heads, "streams": streams}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(JOBS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant is timed")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(JOBS)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    versions = []
    for package in ("torch", "transformers", "transformer-lens", "nnsight"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} missing")
    print(", ".join(versions), "; one thread; medians of paired rounds, smallest and largest beside them")
    for name in chosen.names or JOBS:
        for line in JOBS[name](chosen.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
