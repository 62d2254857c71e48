"""Every shared site equals TransformerLens's on the same weights, and so do patches."""

import sys
from functools import cache
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from families import tiny

import mi_nb.core.model as core
from benchmarks import subjects
from benchmarks.bridge import bridge_of
from mi_nb.core.sites import TABLE

IDS = torch.randint(4, 90, (2, 7), generator=torch.Generator().manual_seed(1))
FAMILIES = [
    *("gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi", "gpt_neox", "gpt_neox-serial"),
    *("gpt_neo", "gptj"),
]
NORMS = {"ln1": "ln1.hook_out", "ln2": "ln2.hook_out", "ln_final": "ln_final.hook_out"}
"""What a sublayer reads is the norm's output. TransformerLens's `hook_normalized` stands before the norm's weight and
bias; the two are one only after it has folded those into the next layer, which neither side does here."""
NOT_THEIRS = {"rot_q", "rot_k", "attn_scores", "pattern", "pos_embed", "resid_mid"}
"""Sites that the bridge has on some families only: queries without rotation, or computed inside one function."""

WITHOUT_RESULT = ("gpt_neo", "gptj")
"""Families whose attention its bridge does not take apart head by head."""


@cache
def both(family):
    """Our run and their cache."""
    hf = tiny(family)
    model, bridge = core.Model(hf), bridge_of(hf)
    if family not in WITHOUT_RESULT:
        bridge.set_use_attn_result(True)
    with torch.no_grad():
        logits, theirs = bridge.run_with_cache(IDS)
    return model, model.run(IDS, read=model.site_names), logits, theirs


@pytest.mark.parametrize("family", FAMILIES)
def test_shared_sites_are_equal(family):
    model, run, logits, theirs = both(family)
    torch.testing.assert_close(run.logits, logits, atol=1e-5, rtol=0)
    compared = set()
    for row in TABLE.values():
        hook = NORMS.get(row.name, row.transformer_lens)
        if hook is None or row.name not in model.site_names:
            continue
        for layer in range(model.n_layers) if row.in_block else [None]:
            name = hook if layer is None else f"blocks.{layer}.{hook}"
            if name not in theirs.keys():  # noqa: SIM118 (their cache is no mapping)
                absent = NOT_THEIRS | ({"result"} if family in WITHOUT_RESULT else set())
                assert row.name in absent, f"TransformerLens has no {name}"
                continue
            value = theirs[name]
            ours = run[row.name] if layer is None else run[row.name, layer]
            value = value.expand_as(ours) if row.name == "pos_embed" else value.reshape(ours.shape)
            seen = torch.isfinite(ours)  # masked scores are -inf here, a very large negative number there
            assert row.name == "attn_scores" or bool(seen.all())
            torch.testing.assert_close(ours[seen], value[seen], atol=1e-5, rtol=0, msg=lambda m, n=name: f"{n}: {m}")
            compared.add(row.name)
    assert {"embed", "resid_pre", "q", "k", "v", "z", "attn_out", "mlp_post", "mlp_out", "resid_post"} <= compared


@pytest.mark.parametrize("family", ["gpt2", "llama", "gpt_neox"])
def test_normalized_times_weight_plus_bias_is_what_is_read(family):
    model, run, _, theirs = both(family)
    norm = model.blocks[1].ln_1 if family == "gpt2" else model.blocks[1].input_layernorm
    read = theirs["blocks.1.ln1.hook_normalized"] * norm.weight + (0 if family == "llama" else norm.bias)
    torch.testing.assert_close(run["ln1", 1], read, atol=1e-5, rtol=0)


@pytest.mark.parametrize("site", ["resid_pre", "z"])
@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen2", "gemma2", "gpt_neox"])
def test_patches_are_equal(family, site):
    hf, work = tiny(family), subjects.job(90, prompts=2, length=6, same=2)
    theirs = subjects.transformer_lens(hf, work, site)
    torch.testing.assert_close(subjects.ours(hf, work, site)(), theirs(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("site", ["resid_pre", "z"])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_nnsight_patches_are_equal(family, site):
    pytest.importorskip("nnsight", reason="only the benchmarks' environment has nnsight")
    hf, work = tiny(family), subjects.job(90, prompts=2, length=6, same=2)
    torch.testing.assert_close(subjects.ours(hf, work, site)(), subjects.nnsight(hf, work, site)(), atol=1e-5, rtol=0)
