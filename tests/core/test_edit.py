"""Editing: exactly what was asked, where it was asked, and nothing left behind."""

import pytest
import torch
from families import ALL, tiny

import mi_nb.core.model as core
from mi_nb.core.edits import add, mean, scale, set_to, zero
from mi_nb.core.errors import EditError, NonFiniteWarning, SiteError
from mi_nb.core.sites import TABLE, Site

IDS = torch.randint(4, 90, (2, 7), generator=torch.Generator().manual_seed(1))
OTHER = torch.randint(4, 90, (2, 7), generator=torch.Generator().manual_seed(2))
RAGGED = [[5, 17, 33, 60, 61, 70, 12], [8, 9, 40], [77, 20, 31, 45, 50]]
EDITABLE = [f for f in ALL if f not in ("granite-scaled",)]


def state(hf):
    return [p.clone() for p in hf.parameters()], sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) for m in hf.modules()
    )


@pytest.mark.parametrize("family", EDITABLE)
def test_patching_every_position_of_the_stream_gives_the_other_run(family):
    model = core.Model(tiny(family))
    source = model.run(OTHER, read=["resid_pre"])
    for layer in (0, model.n_layers - 1):
        patched = model.run(IDS, edit={Site("resid_pre", layer=layer): set_to(source["resid_pre", layer])})
        torch.testing.assert_close(patched.logits, source.logits, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("family", EDITABLE)
def test_every_site_can_be_edited_and_its_own_value_changes_nothing(family):
    model = core.Model(tiny(family))
    own = model.run(IDS, read=model.site_names)
    for name in model.site_names:
        layer = 1 if TABLE[name].in_block else None
        place = Site(name, layer=layer)
        same = model.run(IDS, edit={place: set_to(own[place])})
        torch.testing.assert_close(same.logits, own.logits, atol=5e-6, rtol=1e-4)
        if name in ("attn_scores", "pattern"):
            changed = model.run(
                IDS, edit={place: lambda v: torch.where(torch.isfinite(v), v.flip(-1).nan_to_num(neginf=0), v)}
            )
        else:
            changed = model.run(IDS, edit={place: lambda v: v.flip(1) * 20 + 0.3})
        assert not torch.allclose(changed.logits, own.logits, atol=1e-5), name


@pytest.mark.parametrize(
    "site", ["resid_pre", "q", "k", "v", "rot_q", "rot_k", "pattern", "z", "result", "resid_mid", "mlp_post", "mlp_out"]
)
def test_edits_stay_inside_their_coordinates(site):
    model = core.Model(tiny("phi3-gqa" if site == "k" else "llama", torch.float64))
    place = Site(site, layer=1, position=2, prompt=0, head=0 if "head" in TABLE[site].axes else None)
    clean = model.run(IDS, read=[site])
    run = model.run(IDS, read=[site], edit={place: lambda v: v + 1})
    changed = (run[site] - clean[site]).abs() > 1e-9
    moved = changed[1, 0] if site not in ("pattern",) else changed[1, 0].transpose(0, 1)
    assert changed[0].sum() == 0
    assert changed[1, 1].sum() == 0
    assert moved.flatten(1).any(-1).tolist() == [i == 2 for i in range(7)]
    if "head" in TABLE[site].axes:
        assert not moved[2, 1:].any()
    torch.testing.assert_close(run[place], clean[place] + 1)


def test_negative_positions_are_each_prompts_own():
    model = core.Model(tiny("gpt2", torch.float64))
    clean = model.run(RAGGED, read=["resid_pre"])
    run = model.run(RAGGED, read=["resid_pre"], edit={Site("resid_pre", layer=0, position=[-1, 0]): add(1.0)})
    moved = (run["resid_pre", 0] - clean["resid_pre", 0]).abs().sum(-1) > 1e-9
    assert moved.nonzero().tolist() == [[0, 0], [0, 6], [1, 0], [1, 2], [2, 0], [2, 4]]
    with pytest.raises(SiteError, match="position 4 does not exist: there are 3"):
        model.run(RAGGED, edit={Site("resid_pre", layer=0, position=4): zero()})


def test_builtin_edits():
    model = core.Model(tiny("gpt2", torch.float64))
    clean = model.run(IDS, read=["z"])
    place = Site("z", layer=1, head=2)
    vector = torch.randn(12, dtype=torch.float64)
    for edit, expected in [
        (zero(), clean[place] * 0),
        (scale(3.0), clean[place] * 3),
        (add(vector), clean[place] + vector),
        (set_to(vector), vector.expand_as(clean[place])),
        (set_to(clean[place].flip(1)), clean[place].flip(1)),
        (lambda v: v.flip(1), clean[place].flip(1)),
        (vector, vector.expand_as(clean[place])),
    ]:
        torch.testing.assert_close(model.run(IDS, read=["z"], edit={place: edit})[place], expected)


def test_mean_ablation_ignores_padding_and_a_constant_dataset_is_a_no_op():
    model = core.Model(tiny("gpt2", torch.float64))
    reference = model.run(RAGGED, read=["z", "mlp_out"])
    edited = model.run(
        IDS, read=["z", "mlp_out"], edit={Site("z", head=1): mean(reference), "mlp_out": mean(reference)}
    )
    for layer in range(3):
        real = torch.cat([reference["z", layer][i, : len(p), 1] for i, p in enumerate(RAGGED)]).mean(0)
        torch.testing.assert_close(edited[Site("z", layer=layer, head=1)], real.expand(2, 7, 12))
    constant = model.run(IDS[:1].repeat(4, 1), read=["z"])
    same = model.run(IDS[:1], edit={"z": mean(constant, per_position=True)})
    torch.testing.assert_close(same.logits, model.run(IDS[:1]).logits)


def test_edits_hold_in_the_users_own_calls_and_nest():
    hf = tiny("llama")
    model = core.Model(hf)
    before, hooks = state(hf)
    outer, inner = {Site("resid_post", layer=0): scale(2.0)}, {Site("resid_post", layer=0): add(1.0)}
    with model.edit(outer), model.edit(inner):
        nested = hf(input_ids=IDS).logits
    together = model.run(IDS, edit={Site("resid_post", layer=0): lambda v: v * 2 + 1}).logits
    torch.testing.assert_close(nested, together)
    assert torch.equal(hf(input_ids=IDS).logits, model.run(IDS).logits)
    assert state(hf)[1] == hooks
    assert all(torch.equal(a, b) for a, b in zip(before, state(hf)[0], strict=True))


@pytest.mark.parametrize("family", ["gpt2", "llama", "gpt_neox", "bloom", "mamba"])
def test_generation_with_a_cache_is_edited_like_whole_passes(family):
    hf = tiny(family)
    model = core.Model(hf)
    edits = {
        Site("resid_post", layer=1): add(torch.linspace(-1, 1, 48)),
        Site("resid_pre", layer=2, position=8): scale(0.0),
    }
    with model.edit(edits):
        cached = hf.generate(IDS, max_new_tokens=6, do_sample=False, pad_token_id=0)
    ids = IDS
    for _ in range(6):
        applied = edits if ids.shape[1] > 8 else dict(list(edits.items())[:1])
        ids = torch.cat([ids, model.run(ids, edit=applied).last_logits.argmax(-1, keepdim=True)], 1)
    assert torch.equal(cached, ids)
    assert not torch.equal(cached, hf.generate(IDS, max_new_tokens=6, do_sample=False, pad_token_id=0))


def test_a_stored_prompt_patched_into_a_generation_covers_the_prompt_only():
    hf = tiny("gpt2")
    model = core.Model(hf)
    source = model.run(OTHER, read=["resid_post"])
    with model.edit({Site("resid_post", layer=2): set_to(source["resid_post", 2])}):
        patched = hf.generate(IDS, max_new_tokens=1, do_sample=False, pad_token_id=0)
        hf.generate(IDS, max_new_tokens=4, do_sample=False, pad_token_id=0)
    assert torch.equal(patched[:, -1], source.last_logits.argmax(-1))


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_an_error_or_interrupt_inside_an_edit_leaves_the_model_as_it_was(error):
    hf = tiny("llama")
    model = core.Model(hf)
    plain, implementation = hf(input_ids=IDS).logits, hf.config._attn_implementation

    def fails(value):
        raise error

    for site in ("pattern", "resid_mid", "v"):
        with pytest.raises(type(error)) as caught:
            model.run(IDS, read=["pattern"], edit={Site(site, layer=1): fails})
        if isinstance(error, ValueError):
            assert f"{site}[layer 1]" in "".join(getattr(caught.value, "__notes__", [str(caught.value)]))
        assert torch.equal(hf(input_ids=IDS).logits, plain)
        assert hf.config._attn_implementation == implementation
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in hf.modules())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda v: v[:, :1], "returned shape"),
        (lambda v: v.double(), "returned dtype"),
        (lambda v: None, "returned NoneType"),
        (set_to(torch.zeros(5)), r"has shape \(5,\) but the site holds"),
        ("zero", "an edit is"),
    ],
)
def test_an_edit_of_another_shape_or_type_is_refused(edit, message):
    with pytest.raises(EditError, match=message):
        core.Model(tiny("gpt2")).run(IDS, edit={Site("z", layer=0): edit})


def test_other_peoples_hooks_survive_and_are_seen():
    hf = tiny("gpt2")
    model = core.Model(hf)
    block = hf.transformer.h[1]
    handle = block.register_forward_hook(lambda m, a, out: out + 1)
    try:
        seen = model.run(IDS, read=["resid_post"])
        assert torch.equal(seen.logits, hf(input_ids=IDS).logits)
        torch.testing.assert_close(seen["resid_post", 1], model.run(IDS, read=["resid_pre"])["resid_pre", 2])
        assert len(block._forward_hooks) == 1
    finally:
        handle.remove()


def test_dropout_is_off_in_runs_and_training_mode_comes_back():
    hf = tiny("gpt2")
    model = core.Model(hf)
    plain = model.run(IDS).logits
    hf.train()
    try:
        assert torch.equal(model.run(IDS).logits, plain)
        assert hf.training
        assert all(m.training for m in hf.modules())
    finally:
        hf.eval()


def test_the_first_nan_is_named():
    model = core.Model(tiny("gpt2"))
    with pytest.warns(NonFiniteWarning, match="at mlp_out, layer 1, prompt 1, position 3"):
        model.run(IDS, edit={Site("mlp_out", layer=1, prompt=1, position=3): set_to(float("nan"))})


def test_two_models_at_once():
    a, b = core.Model(tiny("llama")), core.Model(tiny("qwen3"))
    alone = a.run(IDS, read=["pattern"]), b.run(IDS, read=["pattern"])
    with a.edit({Site("pattern", layer=0): zero()}):
        assert torch.equal(b.run(IDS, read=["pattern"])["pattern"], alone[1]["pattern"])
        assert not torch.equal(a.run(IDS).logits, alone[0].logits)
    assert torch.equal(a.run(IDS).logits, alone[0].logits)


def test_an_edit_around_a_run_knows_where_each_prompt_ends():
    model = core.Model(tiny("gpt2", torch.float64))
    place = {Site("resid_pre", layer=1, position=-1): add(torch.linspace(-1, 1, 48))}
    with model.edit(place):
        outside = model.run(RAGGED)
    torch.testing.assert_close(outside.last_logits, model.run(RAGGED, edit=place).last_logits)
    assert not torch.allclose(outside.last_logits, model.run(RAGGED).last_logits)


def test_threads_take_turns():
    from concurrent.futures import ThreadPoolExecutor

    model = core.Model(tiny("gpt2"))
    alone = [model.run([p], read=["z", "pattern"])["z"] for p in RAGGED]

    def job(i):
        return model.run([RAGGED[i % 3]], read=["z", "pattern"], edit={"z": lambda z: z.clone()})["z"]

    with ThreadPoolExecutor(4) as pool:
        for i, z in enumerate(pool.map(job, range(24))):
            torch.testing.assert_close(z, alone[i % 3])
