"""Training: the forward pass is Hugging Face's, resuming changes nothing, knock-outs cut what they say."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mi_nb.models.train.batches import BOS, EOS, IDS, make_batch
from mi_nb.models.train.forward import BLOCKED, Active, Pressure, base_masks, stream, windows_of
from mi_nb.models.train.knockouts import Knockouts, apply_knockouts
from mi_nb.models.train.loop import Trainer, build
from mi_nb.models.train.recipe import Phase, Recipe, spaced
from mi_nb.models.train.recipes import RECIPES

TINY = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "num_key_value_heads": 2}


def tiny(name: str = "mini", **changes) -> Recipe:
    recipe = RECIPES[name]
    config = {**recipe.config, **TINY}
    phases = tuple(
        replace(phase, steps=3, active=phase.active and replace(phase.active, heads={})) for phase in recipe.phases
    )
    return replace(recipe, config=config, phases=phases, rows=2, checkpoints=(0, 4), **changes)


@pytest.mark.parametrize("name", RECIPES)
def test_forward_is_that_of_transformers(name: str) -> None:
    recipe = tiny(name)
    model = build(recipe, 0).eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, 1.0, 0.2)
    batch = make_batch(random.Random(0), {"facts": 1.0}, rows=3, width=64, other_weight=0.02)
    masks = base_masks(torch.ones_like(batch.text), windows_of(model))
    active = Active(model.config.num_hidden_layers, 99)
    with torch.no_grad():
        ours = model.lm_head(stream(model, batch.ids, Pressure(masks), active)[0])
        theirs = model(batch.ids, attention_mask=torch.ones_like(batch.ids)).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_packed_texts_do_not_see_each_other() -> None:
    recipe = tiny()
    model = build(recipe, 0).eval()
    batch = make_batch(random.Random(0), {"addition": 1.0}, rows=1, width=64, other_weight=0.02)
    second = batch.placed[1]
    length = len(second.document.tokens) + 1
    alone = batch.ids[:, second.start : second.start + length]
    with torch.no_grad():
        packed = stream(model, batch.ids, Pressure(base_masks(batch.text, windows_of(model))))[0]
        single = model.model(alone).last_hidden_state
    torch.testing.assert_close(packed[:, second.start : second.start + length], single, atol=1e-5, rtol=1e-5)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    recipe = tiny()
    whole = Trainer(recipe, 0, tmp_path / "whole", half=False)
    whole.run()
    first = Trainer(recipe, 0, tmp_path / "parts", half=False)
    first.run(until=7)
    second = Trainer(recipe, 0, tmp_path / "parts", half=False)
    assert second.resume()
    assert second.step == 7
    second.run()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, second.model.state_dict()[name]), name
    assert (tmp_path / "parts" / "step4.pt").exists()


def test_another_seed_is_another_model(tmp_path: Path) -> None:
    one, two = (build(tiny(), seed).model.embed_tokens.weight for seed in (0, 1))
    assert not torch.equal(one, two)


def test_plain_recipes_use_no_pressure_and_write_nothing_with_mlps(tmp_path: Path) -> None:
    for layers in (1, 2):
        recipe = RECIPES[f"induction-{layers}l"]
        assert recipe.plain
        assert len(recipe.phases) == 1
        assert recipe.phases[0].knockouts == Knockouts()
        assert recipe.phases[0].windows is None
        assert recipe.phases[0].early_exit == 0
        assert recipe.phases[0].naming == 0
        trainer = Trainer(tiny(recipe.name), 0, tmp_path / recipe.name, half=False)
        trainer.run()
        for layer in trainer.model.model.layers:
            assert not layer.mlp.down_proj.weight.any()


def test_knockouts_hide_the_answer_from_the_end_and_fade() -> None:
    batch = make_batch(random.Random(3), {"ioi": 1.0}, rows=4, width=64, other_weight=0.02)
    windows: list[int | None] = [6, None, 6, None, None]
    masks = base_masks(batch.text, windows)
    rates = Knockouts(no_early_names=1.0, no_carrying=1.0, layer_one_only=1.0)
    pressure = apply_knockouts(random.Random(0), batch, masks, windows, rates)
    for placed in batch.placed:
        io, end = placed.positions("IO")[0], placed.end
        subject = min(placed.positions("S2") + placed.positions("T2"))
        for layer in (0, 1):
            assert pressure.masks[layer][placed.row, 0, end, io] == BLOCKED
        assert pressure.masks[4][placed.row, 0, end, io] == masks[4][placed.row, 0, end, io] == 0
        assert pressure.masks[4][placed.row, 0, subject, io] == BLOCKED
        assert pressure.lone_layer_one is not None
        assert pressure.lone_layer_one[placed.row, subject] == 1
    free = apply_knockouts(random.Random(0), batch, masks, windows, Knockouts())
    assert all(torch.equal(a, b) for a, b in zip(free.masks, masks, strict=True))
    assert free.lone_layer_one is None
    assert free.mlps_only is None
    phase = Phase("x", 10, 1e-3, {"ioi": 1.0}, knockouts=rates, fade=(0.2, 0.6))
    assert phase.knockouts_at(0.2) == rates
    assert phase.knockouts_at(0.4).no_carrying == pytest.approx(0.5)
    assert phase.knockouts_at(0.6) == Knockouts()
    for recipe in RECIPES.values():
        left = recipe.phases[-1].knockouts_at(1.0)
        assert left in (Knockouts(), Knockouts(no_direct_years=0.9)), "all but the one for years fade"


def test_weights_of_a_batch() -> None:
    batch = make_batch(random.Random(0), {"repeats": 1.0, "facts": 1.0}, rows=8, width=64, other_weight=0.02)
    for placed in batch.placed:
        document, start = placed.document, placed.start + 1
        assert batch.ids[placed.row, placed.start] == BOS
        for index, token in enumerate(document.tokens):
            assert batch.ids[placed.row, start + index] == IDS[token]
            weight = float(batch.weight[placed.row, start + index])
            if index in document.unknowable:
                assert weight == 0
            elif index in document.asked:
                assert weight == pytest.approx(len(document.asked) ** -0.5)
            else:
                assert weight in (0.0, pytest.approx(0.08))
    assert (batch.ids[batch.text == 0] == EOS).all()


def test_checkpoints_are_spaced_geometrically() -> None:
    steps = spaced(12500)
    assert steps[0] == 0
    assert steps[-1] == 12500
    assert 18 <= len(steps) <= 21
    assert list(steps) == sorted(set(steps))
