"""Reading: every number is the model's own, on every family, padded or not."""

import copy

import pytest
import torch
from families import ALL, INTERFACE, MASKED, tiny

import mi_nb.core.model as core
from mi_nb.core.errors import PromptError, SiteError
from mi_nb.core.sites import TABLE, Site

IDS = torch.randint(4, 90, (2, 7), generator=torch.Generator().manual_seed(1))
RAGGED = [[5, 17, 33, 60, 61, 70, 12], [8, 9, 40], [77, 20, 31, 45, 50]]


@pytest.mark.parametrize("family", ALL)
def test_reading_changes_no_bit(family):
    hf = tiny(family)
    model = core.Model(hf)
    plain = hf(input_ids=IDS).logits
    assert torch.equal(model.run(IDS).logits, plain)
    assert torch.equal(model.run(IDS, read=model.site_names).logits, plain)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in hf.modules())


@pytest.mark.parametrize("family", ALL)
def test_every_site_has_its_declared_axes(family):
    model = core.Model(tiny(family))
    run = model.run(IDS, read=model.site_names)
    for name in model.site_names:
        assert run[name].ndim == len(TABLE[name].axes) + TABLE[name].in_block
        assert run[name].shape[-len(TABLE[name].axes)] == 2


@pytest.mark.parametrize("family", ["granite-scaled"])
def test_a_site_that_does_not_add_up_is_refused_by_name(family):
    model = core.Model(tiny(family))
    assert {"attn_out", "mlp_out"} <= set(model.proof.failed)
    with pytest.raises(SiteError, match=r"attn_out.*granite.*does not hold"):
        model.run(IDS, read=["attn_out"])
    assert "FAIL" in repr(model.report())


@pytest.mark.parametrize("family", [f for f in ALL if not f.startswith(("mamba", "granite-scaled"))])
def test_a_prompt_does_not_depend_on_its_batch(family):
    experts = family in ("gpt_oss", "mixtral", "qwen3_moe")  # their kernels know no float64
    model = core.Model(tiny(family, torch.float32 if experts else torch.float64))
    sites = [s for s in ("resid_post", "z", "mlp_out") if s in model.site_names]
    batch = model.run(RAGGED, read=sites)
    limit = 1e-12 if family in ("gpt2", "opt", "bert") else 1e-5  # the others go through float32 inside
    for i, prompt in enumerate(RAGGED):
        alone = model.run(prompt, read=sites)
        torch.testing.assert_close(batch.logits[i, : len(prompt)], alone.logits[0], atol=limit, rtol=limit)
        torch.testing.assert_close(batch.last_logits[i], alone.logits[0, -1], atol=limit, rtol=limit)
        for site in sites:
            torch.testing.assert_close(batch[site][:, i, : len(prompt)], alone[site][:, 0], atol=limit, rtol=limit)


@pytest.mark.parametrize("family", [*INTERFACE, "gpt_neo", "gptj", "bloom", "bert", "roberta"])
def test_patterns_are_the_models_own(family):
    hf = copy.deepcopy(tiny(family))  # asking for attentions leaves hooks of transformers' own behind
    implementation = hf.config._attn_implementation
    ours = core.Model(hf).run(IDS, read=["pattern"])["pattern"]
    assert hf.config._attn_implementation == implementation
    try:
        hf.set_attn_implementation("eager")
        theirs = torch.stack(hf(input_ids=IDS, output_attentions=True).attentions)
    finally:
        hf.set_attn_implementation(implementation)
    torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "family", [f for f in ALL if f.startswith(("gpt2", "llama", "gemma2", "gpt_neox", "phi3", "qwen3"))]
)
def test_hidden_states_agree(family):
    hf = copy.deepcopy(tiny(family))
    model = core.Model(hf)
    stream = model.run(IDS, read=["resid_pre", "resid_post"])
    theirs = hf(input_ids=IDS, output_hidden_states=True).hidden_states
    for layer in range(model.n_layers):
        assert torch.equal(stream["resid_pre", layer], theirs[layer])
    assert torch.equal(stream["resid_post"][:-1], stream["resid_pre"][1:])


@pytest.mark.parametrize("family", [f for f in ALL if f not in ("granite-scaled",)])
def test_unembedding_the_last_stream_gives_the_logits(family):
    model = core.Model(tiny(family))
    run = model.run(IDS, read=["resid_post"])
    torch.testing.assert_close(model.unembed(run["resid_post", -1]), run.logits, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "llama", "phi3", "gpt_neox", "falcon-new", "mpt", "bloom", "bert"])
def test_head_results_add_up_to_attention(family):
    model = core.Model(tiny(family, torch.float64))
    run = model.run(IDS, read=["result", "attn_out"])
    zero = model.run(IDS, read=["attn_out"], edit={"z": lambda z: z * 0})
    bias = zero["attn_out"]
    torch.testing.assert_close(run["result"].sum(3) + bias, run["attn_out"], atol=1e-10, rtol=1e-9)


def test_coordinates_drop_axes_as_indices_do():
    model = core.Model(tiny("llama"))
    whole = model.run(RAGGED, read=["z", "k", "pattern", "mlp_post"])
    assert whole["z", 1].shape == (3, 7, 4, 12)
    assert whole["k", 1].shape == (3, 7, 2, 12)  # key-value heads
    assert torch.equal(whole[Site("z", layer=[0, 2], head=3)], whole["z"][[0, 2]][..., 3, :])
    assert torch.equal(whole[Site("pattern", layer=1, head=2, position=4, prompt=0)], whole["pattern"][1, 0, 2, 4])
    assert torch.equal(whole[Site("mlp_post", layer=1, neuron=[3, 5])], whole["mlp_post"][1][..., [3, 5]])
    last = whole[Site("z", layer=1, position=-1)]
    assert torch.equal(last, torch.stack([whole["z"][1, i, len(p) - 1] for i, p in enumerate(RAGGED)]))
    narrow = model.run(RAGGED, read=[Site("z", layer=-2, head=3, position=-1)])
    assert torch.equal(narrow[Site("z", layer=1, head=3, position=-1)], last[:, 3])


def test_logits_can_be_had_for_the_last_token_or_not_at_all():
    model = core.Model(tiny("llama"))
    whole = model.run(RAGGED)
    last = model.run(RAGGED, logits="last")
    assert last.logits.shape == (3, 1, 90)
    torch.testing.assert_close(last.last_logits, whole.last_logits, atol=1e-6, rtol=1e-6)
    none = model.run(RAGGED, read=[Site("resid_post", layer=0)], logits="none")
    assert none.logits is None
    assert torch.equal(none["resid_post", 0], model.run(RAGGED, read=["resid_post"])["resid_post", 0])
    with pytest.raises(SiteError, match="no logits"):
        _ = none.last_logits


def test_any_module_can_be_read_by_path():
    model = core.Model(tiny("llama"))
    run = model.run(
        IDS,
        read=[
            "module:model.layers.1.mlp",
            "module:model.layers.1.mlp:in",
            Site("mlp_out", layer=1),
            Site("ln2", layer=1),
        ],
    )
    assert torch.equal(run["module:model.layers.1.mlp"], run["mlp_out", 1])
    assert torch.equal(run["module:model.layers.1.mlp:in"], run["ln2", 1])
    with pytest.raises(SiteError, match="no module"):
        model.run(IDS, read=["module:model.layer.1"])


def test_errors_name_the_way_out():
    model = core.Model(tiny("gpt2"))
    with pytest.raises(SiteError, match=r"unknown site 'resid'.*resid_pre"):
        model.run(IDS, read=["resid"])
    with pytest.raises(SiteError, match="layer 7 does not exist: there are 3"):
        model.run(IDS, read=[Site("z", layer=7)])
    with pytest.raises(SiteError, match="head 4 does not exist"):
        model.run(IDS, read=[Site("z", layer=0, head=4)])
    with pytest.raises(SiteError, match="was not read"):
        model.run(IDS, read=["z"])["pattern"]
    with pytest.raises(SiteError, match="not gated"):
        model.run(IDS, read=["mlp_linear"])
    with pytest.raises(PromptError, match="has 65 tokens and the model reads 64"):
        model.run([[5] * 65])
    assert model.run([[5] * 65], truncate=True).logits.shape[1] == 64
    with pytest.raises(PromptError, match="prompt 1 has no tokens"):
        model.run([[5], []])
    with pytest.raises(PromptError, match="no tokenizer"):
        model.run("text")
    with pytest.raises(PromptError, match="outside of 0 to 89"):
        model.run([[90]])


def test_transformer_lens_names_are_understood():
    assert Site("blocks.5.attn.hook_z") == Site("z", layer=5)
    assert Site("hook_embed") == Site("embed")
    with pytest.raises(SiteError, match="hook_nothing"):
        Site("blocks.1.hook_nothing")


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_gradients_agree_with_autograd_on_the_plain_model(family):
    hf = tiny(family, torch.float64)
    model = core.Model(hf)
    sites = [
        "resid_pre",
        "q",
        "v",
        "attn_scores",
        "pattern",
        "z",
        "result",
        "attn_out",
        "resid_mid",
        "mlp_pre",
        "mlp_out",
        "resid_post",
    ]
    run = model.run(IDS, read=sites, grad=lambda r: r.last_logits[:, 7] - r.last_logits[:, 8])
    assert all(p.requires_grad and p.grad is None for p in hf.parameters())
    step, near = (1e-3, 2e-2) if family == "llama" else (1e-6, 1e-6)  # RMSNorm rounds to float32 inside
    for name in sites:
        grad, value = run.grad[name, 1], run[name, 1]
        direction = torch.randn(value.shape, dtype=value.dtype, generator=torch.Generator().manual_seed(3))
        direction = direction * torch.isfinite(value)
        ends = [
            model.run(IDS, edit={Site(name, layer=1): lambda v, s=s, d=direction: v + s * d}).last_logits
            for s in (step, -step)
        ]
        measured = float(((ends[0] - ends[1])[:, 7] - (ends[0] - ends[1])[:, 8]).sum() / (2 * step))
        predicted = float((grad * direction).sum())
        assert predicted == pytest.approx(measured, rel=near, abs=1e-6), name


def test_masked_models_predict_in_place():
    assert all(core.Model(tiny(f)).architecture.masked for f in MASKED)
