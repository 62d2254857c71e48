"""What is measured in a fresh process: importing, and wrapping a loaded model."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.timing import Line

ROOT = Path(__file__).parent.parent

IMPORT = """
import sys, time
start = time.process_time()
import {package}
print(time.process_time() - start, "torch" in sys.modules)
"""

WRAP = """
import resource, time, torch
torch.set_num_threads(1)
from benchmarks import subjects
{setup}
hf = subjects.gpt2_small()
with torch.no_grad():
    hf(torch.tensor([[1, 2]]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tensors = sum(p.numel() * p.element_size() for p in hf.parameters())
start = time.process_time()
wrapped = {wrap}
seconds = time.process_time() - start
print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""

WRAPS = {
    "mi_nb": ("from mi_nb.core.model import Model", "Model(hf)"),
    "transformer_lens": ("from benchmarks.bridge import over", "over(hf)"),
    "nnsight": ("from nnsight import NNsight", "NNsight(hf)"),
}


def _fresh(code: str) -> list[str] | str:
    """Words that a fresh process prints, or why it failed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1]
    return done.stdout.split()[-2:]


def _against(what: str, codes: dict[str, str], rounds: int, remark: str, goal: float) -> list[Line]:
    """Lines of a comparison whose every contestant runs in fresh processes, in alternating order."""
    found: dict[str, list[list[str]]] = {name: [] for name in codes}
    missing: dict[str, str] = {}
    for number in range(rounds):
        for name in list(codes) if number % 2 == 0 else list(codes)[::-1]:
            words = _fresh(codes[name]) if name not in missing else ""
            if isinstance(words, str):
                missing.setdefault(name, words)
            else:
                found[name].append(words)
    if "mi_nb" in missing:
        return [Line(what, float("nan"), "itself", note=missing["mi_nb"])]
    own = [float(words[0]) for words in found["mi_nb"]]
    ours = statistics.median(own)
    note = f"{remark.format(*found['mi_nb'][-1])}; goal {goal * 1e3:.0f} ms: {'met' if ours < goal else 'missed'}"
    lines = [Line(what, ours, "itself", note=f"{min(own) * 1e3:.0f} to {max(own) * 1e3:.0f} ms; {note}")]
    for name in codes:
        if name == "mi_nb":
            continue
        if name in missing:
            lines.append(Line(what, ours, name, note=f"missing: {missing[name]}"))
            continue
        ratios = tuple(float(theirs[0]) / mine for theirs, mine in zip(found[name], own, strict=True))
        lines.append(Line(what, ours, name, ratios, note=remark.format(*found[name][-1])))
    return lines


def imports(rounds: int) -> list[Line]:
    """Processor seconds of an import in a fresh process; the goal is under 0.5 s and without torch."""
    packages = ("mi_nb", "transformer_lens", "nnsight", "torch")
    codes = {package: IMPORT.format(package=package) for package in packages}
    return _against("import", codes, rounds, "torch loaded: {1}", 0.5)


def wraps(rounds: int) -> list[Line]:
    """Processor seconds and memory of wrapping a loaded GPT-2 small; the goal is under 50 ms."""
    codes = {name: WRAP.format(setup=setup, wrap=wrap) for name, (setup, wrap) in WRAPS.items()}
    return _against("wrap a loaded GPT-2 small", codes, rounds, "{1} MB more at the peak", 0.05)
