"""The sweep gives what one run per intervention gives, on every family, at every site, and leaves nothing behind."""

import copy
import warnings

import pytest
import torch
from families import ALL, tiny

import mi_nb.core.model as core
from mi_nb.core import restart
from mi_nb.core import sweep as sweeping
from mi_nb.core.edits import add, mean, scale, set_to, zero
from mi_nb.core.errors import EditError, FallbackWarning, SiteError
from mi_nb.core.metrics import as_metric, kl, log_prob, logit_diff, loss
from mi_nb.core.restart import ability
from mi_nb.core.sites import HEAD_AXIS_IS_KEY_VALUE, TABLE, Site
from mi_nb.core.sweep import sweep

RAGGED = [[5, 17, 33, 60, 61, 70, 12], [8, 9, 40], [77, 20, 31, 45, 50]]
OTHER = [[5, 17, 34, 60, 61, 71, 13], [8, 9, 41], [76, 20, 31, 45, 50]]
DIFFERENCE = logit_diff([13, 14, 15], [16, 17, 18])
EXACT = ("gpt2", "llama", "gemma2", "gpt_neox", "qwen2")
IN_FLOAT64 = {"gpt2": 1e-10, "gpt_neox": 1e-10}  # the others' norms go through float32
PLAIN = ("bert", "roberta", "mamba")


def oracles(model, prompts, interventions, *metrics):
    """(intervention, prompt) of every metric, from one run per intervention."""
    bound = [as_metric(metric).bind(model.tokenize(prompts), model) for metric in metrics]
    runs = [model.run(prompts, edit=edits) for edits in interventions]
    return [torch.stack([metric(run) for run in runs]) for metric in bound]


def oracle(model, prompts, interventions, metric):
    return oracles(model, prompts, interventions, metric)[0]


def at_one_site(model, name, layer, source):
    """Interventions of every kind at one place."""
    place, axes = Site(name, layer=layer), TABLE[name].axes
    made = [{place: set_to(source[place])}]
    if name == "attn_scores":  # where masked they are infinite, and infinity times zero is no number
        return made
    made += [
        {place: zero()},
        {place.at(position=-1): scale(1.7)},
        {place.at(position=[1, -1]): lambda v: v * 0.5 + 0.1},
        {place.at(position=0, prompt=[0, 2]): add(0.5)},
    ]
    if "head" in axes:
        last = (model.n_key_value_heads if name in HEAD_AXIS_IS_KEY_VALUE else model.n_heads) - 1
        made.append({place.at(head=last): set_to(source[place.at(head=last)])})
        made.append({place.at(head=[0, last] if last else [0], position=2): zero()})
    if "neuron" in axes:
        made.append({place.at(neuron=[3, 5], position=1): add(2.0)})
        made.append({place.at(neuron=4, prompt=1): set_to(1.5)})
    return made


def at_several_sites(model):
    names = [n for n in ("resid_pre", "v", "z", "mlp_out") if n in model.site_names]
    return [
        {
            Site(a, layer=1, position=1): zero(),
            Site(b, layer=2, position=-1): set_to(0.3),
            Site(b, layer=0, prompt=[0, 2]): add(0.1),
        }
        for a in names
        for b in names
        if a != b
    ]


def everything(model):
    source, made = model.run(OTHER, read=model.site_names), at_several_sites(model)
    for name in model.site_names:
        for layer in (0, model.n_layers - 1) if TABLE[name].in_block else (None,):
            made += at_one_site(model, name, layer, source)
    return made


@pytest.fixture
def _no_fallback():
    with warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        yield


@pytest.mark.parametrize("family", [f for f in ALL if f not in PLAIN])
@pytest.mark.usefixtures("_no_fallback")
def test_a_sweep_equals_one_run_per_intervention(family):
    model = core.Model(tiny(family))
    interventions = everything(model)
    metrics = (DIFFERENCE, loss())
    for metric, expected in zip(metrics, oracles(model, RAGGED, interventions, *metrics), strict=True):
        found = sweep(model, RAGGED, interventions, metric, progress=False)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        assert (found - found[:1]).abs().max() > 1e-3


@pytest.mark.parametrize("family", PLAIN)
def test_families_without_restart_take_whole_passes_and_say_so(family):
    model = core.Model(tiny(family))
    interventions = everything(model)
    with pytest.warns(FallbackWarning, match=rf"{family} takes whole passes"):
        found = sweep(model, RAGGED, interventions, DIFFERENCE, progress=False)
    torch.testing.assert_close(found, oracle(model, RAGGED, interventions, DIFFERENCE), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", EXACT)
def test_a_sweep_is_exact_in_float64(family):
    model = core.Model(tiny(family, torch.float64))
    interventions = everything(model)
    both = logit_diff(15, 16, position=[0, -1])
    last, two = oracles(model, RAGGED, interventions, DIFFERENCE, both)
    for metric, expected, options in (
        (DIFFERENCE, last, {}),
        (DIFFERENCE, last, {"batch_rows": 7}),
        (DIFFERENCE, last, {"method": "plain"}),
        (both, two, {}),
    ):
        found = sweep(model, RAGGED, interventions, metric, progress=False, **options)
        torch.testing.assert_close(found, expected, atol=IN_FLOAT64.get(family, 1e-5), rtol=0)


@pytest.mark.parametrize("family", EXACT)
def test_patching_every_position_in_batches_of_any_size(family):
    model = core.Model(tiny(family))
    source = model.run(OTHER, read=["resid_pre", "z"])
    patches = [
        {Site("resid_pre", layer=layer, position=p): set_to(source[Site("resid_pre", layer=layer, position=p)])}
        for layer in range(3)
        for p in (0, 1, 2, -1)
    ]
    patches += [
        {Site("z", layer=layer, head=h): set_to(source[Site("z", layer=layer, head=h)])}
        for layer in range(3)
        for h in range(4)
    ]
    expected = oracle(model, RAGGED, patches, DIFFERENCE)
    for rows in (1, 5, None):
        found = sweep(model, RAGGED, patches, DIFFERENCE, progress=False, batch_rows=rows)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def counted(monkeypatch):
    """Rows of every restarted pass."""
    seen, own = [], sweeping.restarted

    def counting(model, clean, start, instrument):
        seen.append((start.layer, start.first, len(start.prompts)))
        return own(model, clean, start, instrument)

    monkeypatch.setattr(sweeping, "restarted", counting)
    return seen


def test_what_changes_nothing_takes_no_pass(monkeypatch):
    model = core.Model(tiny("llama"))
    ability(model)
    clean, other = model.run(RAGGED[0], read=["resid_pre"]), model.run(OTHER[0], read=["resid_pre"])
    seen = counted(monkeypatch)

    def patch(source, layer, position):
        place = Site("resid_pre", layer=layer, position=position)
        return {place: set_to(source[place])}

    own = [patch(clean, layer, p) for layer in range(3) for p in range(7)]
    prefix = [patch(other, layer, p) for layer in range(3) for p in (0, 1)]
    unread = [{Site(s, layer=2, position=3): zero()} for s in ("z", "q", "mlp_out", "resid_post", "mlp_post")]
    found = sweep(model, RAGGED[0], [*own, *prefix, *unread], DIFFERENCE_OF_ONE, progress=False)
    assert seen == []
    assert torch.equal(found, found[:1].expand_as(found))
    sweep(model, RAGGED[0], [patch(other, 1, 2), patch(other, 2, 5)], DIFFERENCE_OF_ONE, progress=False, batch_rows=1)
    assert sorted(seen) == [(1, 2, 1), (2, 5, 1)]


DIFFERENCE_OF_ONE = logit_diff(13, 16)


def test_functions_see_their_prompts_together():
    model = core.Model(tiny("gpt2"))
    swap = [
        {Site("resid_pre", layer=1): lambda v: v.flip(0)},
        {Site("z", layer=2, head=1, prompt=[0, 2]): lambda v: v.flip(0)},
        {Site("mlp_out", layer=1, position=[0, 2]): lambda v: v.mean(0, keepdim=True).expand_as(v)},
        {Site("pattern", layer=1): lambda v: torch.full_like(v, 1 / v.shape[-1])},  # looks ahead
    ]
    for rows in (None, 1):
        found = sweep(model, RAGGED, swap, DIFFERENCE, progress=False, batch_rows=rows)
        torch.testing.assert_close(found, oracle(model, RAGGED, swap, DIFFERENCE), atol=1e-5, rtol=0)


def test_means_modules_logits_and_nothing():
    model = core.Model(tiny("llama"))
    reference = model.run(OTHER, read=["z", "mlp_out"])
    given = [
        {Site("z", layer=1): mean(reference)},
        {Site("mlp_out"): mean(reference)},
        {"module:model.layers.1.mlp": scale(0.5)},
        {"logits": scale(2.0)},
        {},
    ]
    found = sweep(model, RAGGED, given, DIFFERENCE, progress=False)
    torch.testing.assert_close(found, oracle(model, RAGGED, given, DIFFERENCE), atol=1e-5, rtol=0)


def test_other_metrics_agree():
    model = core.Model(tiny("gemma2"))
    whole = model.run(RAGGED)
    given = [{Site("resid_pre", layer=layer, position=p): add(0.3)} for layer in range(3) for p in (0, -1)]
    for metric in (
        kl(whole),
        kl(whole, position=[0, 1]),
        log_prob([[13, 14]] * 3),
        lambda logits, prompts: logits[:, 7],
    ):
        found = sweep(model, RAGGED, given, metric, progress=False)
        torch.testing.assert_close(found, oracle(model, RAGGED, given, metric), atol=1e-5, rtol=0)


def test_other_peoples_hooks_and_outer_edits_are_honoured():
    hf = tiny("gpt2")
    model = core.Model(hf)
    given = [{Site("z", layer=layer, head=h): zero()} for layer in range(3) for h in range(2)]
    handle = hf.transformer.h[1].register_forward_hook(lambda m, a, out: out * 1.1)
    try:
        with pytest.warns(FallbackWarning, match=r"a hook on transformer\.h\.1"):
            hooked = sweep(model, RAGGED, given, DIFFERENCE, progress=False)
        torch.testing.assert_close(hooked, oracle(model, RAGGED, given, DIFFERENCE))
        assert len(hf.transformer.h[1]._forward_hooks) == 1
    finally:
        handle.remove()
    plain = sweep(model, RAGGED, given, DIFFERENCE, progress=False)
    for outer in ({Site("resid_pre", layer=1): scale(3.0)}, {Site("pattern", layer=1, head=0): zero()}):
        with model.edit(outer), pytest.warns(FallbackWarning, match="carries"):
            edited = sweep(model, RAGGED, given, DIFFERENCE, progress=False)
        assert not torch.allclose(edited, plain, atol=1e-4)
    torch.testing.assert_close(sweep(model, RAGGED, given, DIFFERENCE, progress=False), plain)


def test_hooks_that_transformers_leaves_behind_do_not_count():
    hf = copy.deepcopy(tiny("gpt2"))
    hf(input_ids=torch.tensor([[5, 6]]), output_hidden_states=True, output_attentions=True)
    given = [{Site("z", layer=1): zero()}]
    with warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        sweep(core.Model(hf), RAGGED, given, DIFFERENCE, progress=False)


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
@pytest.mark.parametrize("family", ["gpt2", "falcon"])
def test_an_error_or_interrupt_leaves_the_model_as_it_was(family, error):
    hf = tiny(family)
    model = core.Model(hf)
    plain, calls = hf(input_ids=torch.tensor(RAGGED[:1])).logits, []

    def fails(value):
        calls.append(len(value))
        raise error

    hf.train()
    try:
        with pytest.raises(type(error)) as caught:
            sweep(model, RAGGED, [{Site("z", layer=2, position=2): fails}], DIFFERENCE, progress=False)
        assert hf.training
    finally:
        hf.eval()
    assert calls == [3]
    if isinstance(error, ValueError):
        assert "intervention 0" in "".join(getattr(caught.value, "__notes__", [str(caught.value)]))
    assert torch.equal(hf(input_ids=torch.tensor(RAGGED[:1])).logits, plain)
    assert not any(m._forward_hooks or m._forward_pre_hooks or "forward" in m.__dict__ for m in hf.modules())


def test_out_of_memory_halves_the_pass_and_says_so(monkeypatch):
    model = core.Model(tiny("gpt2"))
    given = [{Site("z", layer=1, head=h): zero()} for h in range(4)]
    expected, own = oracle(model, RAGGED, given, DIFFERENCE), sweeping.restarted

    def small(model, clean, start, instrument):
        if len(start.prompts) > 6:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        return own(model, clean, start, instrument)

    monkeypatch.setattr(sweeping, "restarted", small)
    with pytest.warns(FallbackWarning, match="out of memory with 12 rows in a pass: going on with 6"):
        found = sweep(model, RAGGED, given, DIFFERENCE, progress=False)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_a_model_whose_restart_is_inexact_falls_back(monkeypatch):
    model = core.Model(tiny("llama"))
    own = restart.restarted
    monkeypatch.setattr(restart, "restarted", lambda *a: own(*a) + 0.1)
    given = [{Site("resid_pre", layer=1, position=1): zero()}]
    with pytest.warns(FallbackWarning, match="does not give the model's own numbers"):
        found = sweep(model, RAGGED, given, DIFFERENCE, progress=False)
    torch.testing.assert_close(found, oracle(model, RAGGED, given, DIFFERENCE), atol=1e-5, rtol=0)


def test_errors_say_which_intervention():
    model = core.Model(tiny("gpt2"))
    good = {Site("z", layer=0): zero()}

    def notes(caught):
        return " ".join([str(caught.value), *getattr(caught.value, "__notes__", [])])

    with pytest.raises(EditError, match=r"has shape \(5,\) but the site holds") as caught:
        sweep(model, RAGGED, [good, {Site("z", layer=0): set_to(torch.zeros(5))}], DIFFERENCE)
    assert "intervention 1" in notes(caught)
    with pytest.raises(SiteError, match="layer 9 does not exist") as caught:
        sweep(model, RAGGED, [good, {Site("z", layer=9): zero()}], DIFFERENCE)
    assert "intervention 1" in notes(caught)
    with pytest.raises(SiteError, match="position 4 does not exist: there are 3"):
        sweep(model, RAGGED, [{Site("z", layer=0, position=4): zero()}], DIFFERENCE)
    with pytest.raises(ValueError, match="'auto' or 'plain'"):
        sweep(model, RAGGED, [good], DIFFERENCE, method="fast")


def test_an_empty_sweep_is_empty():
    assert sweep(core.Model(tiny("gpt2")), RAGGED, [], DIFFERENCE).shape == (0, 3)
