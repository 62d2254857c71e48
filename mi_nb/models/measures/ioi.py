"""How a model finds the indirect object."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mi_nb.core.edits import Edit
from mi_nb.core.model import Model
from mi_nb.core.run import EditMap, Run
from mi_nb.core.sites import Site

from ..world import Case, lexicon
from .questions import Questions, ablated_heads, above, at, attention, questions, replace_at, strongest, with_words

Head = tuple[int, int]


def _plain(case: Case) -> bool:
    return "IO" in case.positions and "S2" in case.positions


def _named(heads: list[Head]) -> str:
    return " ".join(f"a{layer}.h{head}" for layer, head in heads)


def measure_ioi(model: Model, n: int = 100, *, seed: int = 0) -> dict[str, Any]:
    """The circuit of Wang et al. (2023), part by part.

    Returns:
        "difference": logit difference between the two names. "mover": attention END -> IO of the strongest head,
        "mover_to_subject" the same head's to S1, "copy": its copying score. "inhibition": attention END -> S2 below
        the mover; without those heads: "difference_without_inhibition", "mover_to_subject_without_inhibition".
        "duplicate": attention from S2 to S1 and the two tokens that may carry it on, "difference_without_duplicate"
        without the heads with more than .25 of it at S2.
        "patch_subject" and "patch_end": share of the effect that the stream at S2 and at END carries, per layer.
        "largest_single_head": the largest share of the difference lost with one head.
    """
    asked = questions(model, "ioi", n, seed=seed, keep=_plain)
    run = model.run(asked.prompts, ["pattern", "z", "resid_pre"])
    where, end = asked.positions, asked.end
    difference = float(asked.difference(asked.logits(model)).mean())
    to_io, to_s1, to_s2 = (attention(run, end, where[label]) for label in ("IO", "S1", "S2"))
    mover = strongest(to_io)[0]
    inhibition = above(to_s2[: mover[0]], 0.25)
    duplicate = torch.stack([attention(run, where["S2"], where["S1"] + step) for step in range(3)]).sum(0)
    duplicates = above(duplicate[: mover[0]], 0.25)
    silenced = model.run(asked.prompts, ["pattern"], edit=_heads_at(run, inhibition, end))
    rows = torch.arange(len(asked))
    assert silenced.logits is not None
    lost = [
        1 - float(asked.difference(asked.logits(model, ablated_heads(run, [(layer, head)]))).mean()) / difference
        for layer in range(model.n_layers)
        for head in range(model.n_heads)
    ]
    return {
        "accuracy": asked.right(asked.logits(model)),
        "difference": difference,
        "mover_head": _named([mover]),
        "mover": float(to_io[mover]),
        "mover_to_subject": float(to_s1[mover]),
        "copy": copy_score(model, *mover),
        "inhibition": float(to_s2[: mover[0]].max()) if mover[0] else 0.0,
        "inhibition_heads": _named(inhibition),
        "difference_without_inhibition": float(asked.difference(silenced.logits[rows, end].float()).mean()),
        "mover_to_subject_without_inhibition": float(attention(silenced, end, where["S1"])[mover]),
        "duplicate": float(duplicate[: mover[0]].max()) if mover[0] else 0.0,
        "duplicate_heads": _named(duplicates),
        "difference_without_duplicate": float(
            asked.difference(asked.logits(model, _heads_at(run, duplicates, where["S2"]))).mean()
        ),
        **_patching(model, asked, run["resid_pre"]),
        "largest_single_head": max(lost),
    }


def _heads_at(reference: Run, heads: list[Head], positions: Tensor) -> EditMap:
    """Edits that replace heads, at one position per question, by their mean over all tokens of the reference."""
    rows = torch.arange(len(positions))
    edits: dict[Site, Edit] = {}
    for layer in {layer for layer, _ in heads}:
        mine = [head for at_layer, head in heads if at_layer == layer]
        mean = reference["z", layer][reference.tokens.mask].mean(0)

        def function(old: Tensor, mine: list[int] = mine, mean: Tensor = mean) -> Tensor:
            new = old.clone()
            for head in mine:
                new[rows, positions, head] = mean[head].to(old.dtype)
            return new

        edits[Site("z", layer=layer)] = Edit("function", function=function)
    return edits


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
    run = model.run(list(lexicon.NAMES), ["v"])
    ids = run.tokens.ids[:, 1]
    value = run["v", layer][:, 1, head * model.n_key_value_heads // model.n_heads]
    output = model.hf.model.layers[layer].self_attn.o_proj.weight  # type: ignore[union-attr]
    written = value @ output[:, head * model.d_head : (head + 1) * model.d_head].T
    logits = model.unembed(written)[:, ids]
    rank = (logits > logits.diagonal()[:, None]).sum(1)
    return float((rank < top).float().mean())
