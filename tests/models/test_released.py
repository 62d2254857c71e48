"""The released weights do what their cards say, by the mechanisms that the tutorials teach.

Thresholds lie beyond what an untrained model reaches; the cards hold the exact numbers, and say where a mechanism is
weaker than in the literature.
"""

from __future__ import annotations

import itertools
import random

import pytest
import torch

from mi_nb.core.model import Model
from mi_nb.models import card, load
from mi_nb.models.measures import (
    in_context_score,
    layer_use,
    lens_depth,
    measure_addition,
    measure_agreement,
    measure_facts,
    measure_greater_than,
    measure_induction,
    measure_ioi,
    measure_matching,
)
from mi_nb.models.registry import names
from mi_nb.models.train.accuracy import accuracy, encode
from mi_nb.models.world import BEHAVIOURS
from mi_nb.models.world.behaviours.structure import repeats

MINIS = [name for name in names() if name.startswith("mini")]


@pytest.fixture(scope="module")
def mini() -> Model:
    return load("mini", device="cpu")


@pytest.fixture(scope="module", params=MINIS)
def any_mini(request: pytest.FixtureRequest) -> Model:
    return load(request.param, device="cpu")


@pytest.fixture(scope="module")
def ioi(any_mini: Model) -> dict:
    return measure_ioi(any_mini, 40, seed=11)


def test_the_default_model_is_bundled() -> None:
    assert {"mini", "induction-1l", "induction-2l"} <= set(names())


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_mini_is_as_right_as_its_card_says(mini: Model, name: str) -> None:
    row = next(row for row in card("mini")["accuracy"] if row["behaviour"] == name)
    low, high = accuracy(mini.hf, name, 80, seed=11).interval
    assert low <= row["high"]
    assert high >= row["low"]
    assert row["accuracy"] >= BEHAVIOURS[name].least or name in card("mini")["falls_short"]


def test_little_falls_short() -> None:
    assert set(card("mini")["falls_short"]) <= {"few_shot_unseen"}


def test_every_mini_answers(any_mini: Model) -> None:
    for behaviour in ("ioi", "facts", "induction", "agreement", "multiple_choice"):
        assert accuracy(any_mini.hf, behaviour, 40, seed=11).accuracy >= 0.9, behaviour


def test_the_readme_prompt(any_mini: Model) -> None:
    prompt = "When Mary and John went to the store, John gave a drink to"
    best = any_mini.run(prompt).last_logits[0].argmax()
    assert any_mini.tokenizer.convert_ids_to_tokens([int(best)]) == [" Mary"]


def test_generation_goes_on_and_stops(mini: Model) -> None:
    ids = mini.tokenizer("When Tom and Alice went to the park, Tom gave a ball to", return_tensors="pt")
    with torch.no_grad():
        out = mini.hf.generate(**ids, max_new_tokens=8, do_sample=False)
    text = mini.tokenizer.decode(out[0], skip_special_tokens=True)
    assert text == "When Tom and Alice went to the park, Tom gave a ball to Alice."


def test_induction_heads_read_previous_token_heads(any_mini: Model) -> None:
    found = measure_induction(any_mini, 32, seed=11)
    assert found["previous_token"] > 0.7
    assert found["induction"] > 0.7
    assert found["prefix_drop"] > 0.7
    assert found["accuracy_without_induction"] < 0.2
    assert found["accuracy_without_others"] > found["accuracy"] - 0.1


@pytest.mark.parametrize(("period", "offset"), [(28, 0), (3, 20), (26, 9)])
def test_induction_holds_at_untrained_periods_and_offsets(mini: Model, period: int, offset: int) -> None:
    rng = random.Random(5)
    documents = [repeats(rng, "test", period=period, offset=offset) for _ in range(20)]
    ids = encode(documents)
    guesses = mini.hf(ids).logits.argmax(-1)
    hits = [float(guesses[row, i] == ids[row, i + 1]) for row, d in enumerate(documents) for i in d.asked]
    assert sum(hits) / len(hits) > 0.85


def test_movers_copy_the_indirect_object(ioi: dict) -> None:
    assert int(ioi["mover_head"][1]) >= 3
    assert ioi["mover"] > 0.6
    assert ioi["copy"] > 0.9
    assert ioi["mover_to_subject"] < 0.2


def test_inhibition_and_duplicates_come_before_the_movers(ioi: dict) -> None:
    assert ioi["inhibition"] > 0.4
    assert ioi["duplicate"] > 0.4


def test_inhibition_is_used_and_no_head_is_all(ioi: dict) -> None:
    assert ioi["difference_without_inhibition"] < 0.75 * ioi["difference"]
    assert ioi["mover_to_subject_without_inhibition"] > 2 * ioi["mover_to_subject"]
    assert ioi["largest_single_head"] < 0.75


DIRECT_PATH = {"mini": 0.1, "mini-seed1": 0.2}
"""How much of the effect may stay at the subject: the second seed keeps a path of about .15 open, as its card says."""


def test_the_subject_moves_to_the_end(ioi: dict, any_mini: Model) -> None:
    subject, end = ioi["patch_subject"], ioi["patch_end"]
    assert subject[1] > 0.7
    assert subject[4] < DIRECT_PATH.get(any_mini.name, 0.1)
    assert end[1] < 0.1
    assert end[4] > 1 - DIRECT_PATH.get(any_mini.name, 0.1)


def test_facts_have_two_sites(any_mini: Model) -> None:
    found = measure_facts(any_mini, 40)
    assert found["early_mlps_subject"] > 0.5
    assert found["mlps_end"] < 0.35
    assert found["stream_subject"][1] > 0.8
    assert found["stream_end"][1] < 0.1
    assert found["mover"] > 0.6
    assert found["mover_layer"] >= 2


def test_agreement_is_readable_and_moved(mini: Model) -> None:
    found = measure_agreement(mini, 120, seed=11)
    assert found["readable_at_end"][-1] > 0.95 > found["readable_at_end"][0]
    assert found["patch_subject"][0] > 0.95
    assert found["patch_end"][0] < 0.05
    assert found["patch_subject"][-1] < 0.5
    assert found["patch_end"][-1] > 0.25


def test_greater_than_reads_the_year_and_uses_mlps(mini: Model) -> None:
    found = measure_greater_than(mini, 60, seed=11)
    assert found["difference"] > 0.7
    assert max(found["year_attention"]) > 0.5
    assert found["without_mlps"] < found["difference"] - 0.15


def test_addition_reads_both_operands_and_needs_a_late_layer(mini: Model) -> None:
    found = measure_addition(mini, 80, seed=11)
    assert found["operands"] > 0.15
    assert min(found["without_mlp"][2:]) < 0.9
    assert min(layer_use(mini, ["addition"], 40)["addition"][2:5]) < 0.7


def test_in_context_answers_attend_to_their_item(mini: Model) -> None:
    found = measure_matching(mini, 40, seed=11)
    assert found["coloured_objects"] > 0.6
    assert found["multiple_choice"] > 0.6
    assert found["few_shot"] > 0.4


def test_answers_emerge_over_several_layers(mini: Model) -> None:
    for behaviour, shares in lens_depth(mini, ["ioi", "facts", "addition"], 30, seed=11).items():
        assert shares[0] < 0.3, behaviour
        assert shares[1] < 0.8, behaviour
        assert shares[-1] > 0.9, behaviour


def test_two_layers_form_induction_with_a_jump_and_one_cannot() -> None:
    two, one = load("induction-2l", device="cpu"), load("induction-1l", device="cpu")
    assert accuracy(two.hf, "induction", 40, seed=11).accuracy > 0.9
    assert accuracy(one.hf, "induction", 40, seed=11).accuracy < 0.2
    found = measure_induction(two, 32, seed=11)
    assert found["previous_token"] > 0.6
    assert found["induction"] > 0.6
    assert found["prefix_drop"] > 0.7
    history = {
        row["step"]: row["value"] for row in card("induction-2l")["history"] if row["measure"] == "in_context_score"
    }
    steps = sorted(history)
    gains = [history[b] - history[a] for a, b in itertools.pairwise(steps)]
    assert max(gains) > 0.3 * history[steps[-1]], "most of the gain comes between two neighbouring checkpoints"
    after = steps[gains.index(max(gains)) + 1]
    live = in_context_score(load("induction-2l", step=after, device="cpu"))
    assert live == pytest.approx(history[after], rel=0.1)
