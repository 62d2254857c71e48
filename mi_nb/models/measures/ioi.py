"""How a model finds the indirect object."""

from __future__ import annotations

import torch
from torch import Tensor

from mi_nb.core.model import Model

from ..world import lexicon
from .questions import Questions, ablated_heads, at, attention, questions, replace_at, strongest, with_words


def _plain(case) -> bool:
    return "IO" in case.positions and "S2" in case.positions


def measure_ioi(model: Model, n: int = 100, *, seed: int = 0) -> dict[str, float | str | list[float]]:
    """The circuit of Wang et al. (2023), part by part.

    Returns:
        "difference": logit difference between the two names. "mover": attention END -> IO of the strongest head,
        "mover_to_subject" the same head's to S1, "copy": its copying score. "inhibition": attention END -> S2 below
        the mover; without those heads: "difference_without_inhibition", "mover_to_subject_without_inhibition".
        "duplicate": attention from S2 to S1 and the two tokens that may carry it on, "difference_without_duplicate"
        without the heads with more than .25 of it at S2.
        "patch_subject" and "patch_end": share of the effect that the stream at S2 and at END carries, per layer
        (and after the last). "largest_single_head": the largest share of the difference lost with one head.
    """
    asked = questions(model, "ioi", n, seed=seed, keep=_plain)
    run = model.run(asked.prompts, ["pattern", "z", "resid_pre"])
    p, end = asked.positions, asked.end
    difference = float(asked.difference(asked.logits(model)).mean())
    to_io, to_s1 = attention(run, end, p["IO"]), attention(run, end, p["S1"])
    movers = strongest(to_io, 2)
    mover = movers[0]
    to_s2 = attention(run, end, p["S2"])
    inhibition = [(l, h) for l, h in (to_s2 > 0.25).nonzero().tolist() if l < mover[0]]
    out: dict[str, float | str | list[float]] = {
        "accuracy": asked.right(asked.logits(model)),
        "difference": difference,
        "mover_head": f"a{mover[0]}.h{mover[1]}",
        "mover": float(to_io[mover]),
        "mover_to_subject": float(to_s1[mover]),
        "copy": copy_score(model, *mover),
        "inhibition": float(to_s2[: mover[0]].max()) if mover[0] else 0.0,
        "inhibition_heads": " ".join(f"a{l}.h{h}" for l, h in inhibition),
    }
    if inhibition:
        reference = {l: run["z", l][run.tokens.mask].mean(0) for l, _ in inhibition}
        edits = dict(_merged(asked.end, [(l, h, reference[l][h]) for l, h in inhibition]))
        broken = model.run(asked.prompts, ["pattern"], edit=edits)
        rows = torch.arange(len(asked))
        out["difference_without_inhibition"] = float(asked.difference(broken.logits[rows, end]).mean())
        out["mover_to_subject_without_inhibition"] = float(attention(broken, end, p["S1"])[mover])
    duplicate = sum(attention(run, p["S2"], p["S1"] + step) for step in (0, 1, 2))
    heads = [(l, h) for l, h in (duplicate > 0.25).nonzero().tolist() if l < mover[0]]
    out["duplicate"] = float(duplicate.max())
    out["duplicate_heads"] = " ".join(f"a{l}.h{h}" for l, h in heads)
    if heads:
        reference = {l: run["z", l][run.tokens.mask].mean(0) for l, _ in heads}
        edits = dict(_merged(p["S2"], [(l, h, reference[l][h]) for l, h in heads]))
        out["difference_without_duplicate"] = float(asked.difference(asked.logits(model, edits)).mean())
    out |= _patching(model, asked, run["resid_pre"])
    lost = [
        1 - float(asked.difference(asked.logits(model, ablated_heads(run, [(l, h)]))).mean()) / difference
        for l in range(model.n_layers)
        for h in range(model.n_heads)
    ]
    out["largest_single_head"] = max(lost)
    return out


def _merged(positions: Tensor, parts: list[tuple[int, int, Tensor]]):
    """One edit per layer that replaces several heads at one position per question."""
    from mi_nb.core.edits import Edit
    from mi_nb.core.sites import Site

    rows = torch.arange(len(positions))
    for layer in sorted({layer for layer, _, _ in parts}):
        mine = [(head, value) for at_layer, head, value in parts if at_layer == layer]

        def function(old: Tensor, mine=mine) -> Tensor:
            new = old.clone()
            for head, value in mine:
                new[rows, positions, head] = value.to(old.dtype)
            return new

        yield Site("z", layer=layer), Edit("function", function=function)


def _patching(model: Model, asked: Questions, clean: Tensor) -> dict[str, list[float]]:
    names = model.tokenizer.convert_ids_to_tokens(asked.answer.tolist())
    corrupted = with_words(model, asked, "S2", names)
    best = asked.difference(asked.logits(model)).mean()
    worst = asked.difference(asked.logits(model, prompts=corrupted)).mean()
    shares: dict[str, list[float]] = {}
    for label, where in (("patch_subject", asked.positions["S2"]), ("patch_end", asked.end)):
        shares[label] = []
        for layer in range(model.n_layers):
            edit = dict([replace_at("resid_pre", layer, where, at(clean[layer], where))])
            got = asked.difference(asked.logits(model, edit, corrupted)).mean()
            shares[label].append(round(float((got - worst) / (best - worst)), 3))
    return shares


def copy_score(model: Model, layer: int, head: int, top: int = 5) -> float:
    """Share of names that a head, attending to a name, puts among the `top` most likely names (Wang et al., 2023)."""
    prompts = [f"{name}" for name in lexicon.NAMES]
    run = model.run(prompts, ["v"])
    ids = run.tokens.ids[:, 1]
    value = run["v", layer][:, 1, head * model.n_key_value_heads // model.n_heads]
    output = model.hf.model.layers[layer].self_attn.o_proj.weight
    written = value @ output[:, head * model.d_head : (head + 1) * model.d_head].T
    logits = model.unembed(written)[:, ids]
    rank = (logits > logits.diagonal()[:, None]).sum(1)
    return float((rank < top).float().mean())
