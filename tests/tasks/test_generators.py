"""Every generator, on the bundled model and on byte-level vocabularies: labels, lengths, seeds, words left out."""

from __future__ import annotations

import pytest
import torch
from meanings import MEANINGS, Prompt
from vocabularies import RARE, model

from mi_nb.core.errors import PromptError
from mi_nb.models import models
from mi_nb.tasks import BUILT_IN, Task, closing_bracket, greater_than, induction, ioi, successor
from mi_nb.tasks import factual_recall as facts
from mi_nb.tasks.build import draw
from mi_nb.tasks.pairs import fill

WORLD = {
    "factual_recall": "facts",
    "subject_verb_agreement": "agreement",
    "gendered_pronoun": "pronoun",
    "closing_bracket": "brackets",
}
"""What the bundled model's card calls a behaviour, where it is another name."""


@pytest.fixture(params=["mini", "pairs", "triples", "single"])
def reader(request, mini):
    return mini if request.param == "mini" else model(request.param)


@pytest.fixture(params=BUILT_IN)
def name(request):
    return request.param


def sound(task: Task) -> None:
    """Equal lengths, differences at labels only, one token per answer."""
    assert task.clean.lengths == task.corrupted.lengths
    for i in range(len(task)):
        labelled = set()
        for label, last in task.positions.items():
            labelled.update(range(int(task.starts[label][i]), int(last[i]) + 1))
        clean, corrupted = task.clean.strings[i], task.corrupted.strings[i]
        apart = {p for p, (a, b) in enumerate(zip(clean, corrupted, strict=True)) if a != b}
        assert apart
        assert apart <= labelled
        assert task.positions["end"][i] == len(clean) - 1


def test_labels_point_at_the_right_tokens(reader, name):
    task = BUILT_IN[name](reader, n=24, seed=3)
    assert len(task) == 24
    sound(task)
    for i in range(len(task)):
        MEANINGS[name](Prompt(task, i), Prompt(task, i, corrupted=True))


def test_answers_continue_the_prompt(reader, name):
    task = BUILT_IN[name](reader, n=6)
    for i, text in enumerate(task.clean_texts):
        for ids, strings in ((task.answers, task.answer_strings), (task.distractors, task.distractor_strings)):
            kept = [int(token) for token in ids[i] if token >= 0]
            assert reader.token_strings(kept) == strings[i]
            whole = reader.tokenize([text + string for string in strings[i]]).strings
            assert whole == [task.clean.strings[i] + [string] for string in strings[i]]


def test_the_bundled_model_has_the_behaviour_and_the_corruption_takes_it(mini, name):
    card = models("accuracy").query("name == 'mini'").set_index("behaviour")["accuracy"]
    if card[WORLD.get(name, name)] < 0.9:
        pytest.skip(f"mini is right on {card[WORLD.get(name, name)]:.0%} of {name}")
    task = BUILT_IN[name](mini, n=64, seed=5)
    found = task.check(mini).set_index("prompts")
    assert found["n"].tolist() == [64, 64]
    assert found.loc["clean", "accuracy"] >= 0.9
    assert found.loc["corrupted", "accuracy"] <= found.loc["clean", "accuracy"] - 0.2
    measure = task.metric_name
    assert found.loc["corrupted", measure] < 0.5 * found.loc["clean", measure]


def test_same_seed_same_task(reader, name):
    make = BUILT_IN[name]
    one, again, more, other = make(reader, n=5), make(reader, n=5), make(reader, n=9), make(reader, n=5, seed=1)
    assert one.data.equals(again.data)
    assert more.clean_texts[:5] == one.clean_texts
    assert more.corrupted_texts[:5] == one.corrupted_texts
    assert other.clean_texts != one.clean_texts
    assert one.provenance.arguments["seed"] == 0
    assert one.provenance.technique == f"tasks.{name}"


def test_length(mini):
    task = ioi(mini, n=12, length=16)
    assert task.clean.lengths == [16] * 12
    with pytest.raises(PromptError, match=r"none has 3 tokens; they have \d+ to \d+"):
        ioi(mini, n=2, length=3)


def test_words_of_several_tokens_are_left_out():
    task = ioi(model(), n=60)
    assert {"Patricia", "Rebecca", "restaurant", "camera"} <= set(task.left_out)
    assert "tokens: ' " in task.left_out["Patricia"]
    assert not [text for text in task.clean_texts + task.corrupted_texts if any(word in text for word in RARE)]
    assert "words left out" in repr(task)
    assert "Nairobi" in facts(model(), n=4).left_out


def test_nothing_of_the_world_is_left_out(mini, name):
    assert BUILT_IN[name](mini, n=4).left_out == {}


@pytest.mark.parametrize(("digits", "shown"), [("pairs", " 17"), ("triples", " '"), ("single", "7")])
def test_years_as_the_vocabulary_cuts_them(digits, shown):
    task = greater_than(model(digits), n=40)
    ends = {strings[-1] for strings in task.clean.strings}
    assert shown in ends
    assert task.metric_name == "prob_diff"


def test_numbers_that_are_not_tokens_are_left_out():
    assert "17" in successor(model("triples"), n=4).left_out
    with pytest.raises(PromptError, match="too few items"):
        successor(model("triples"), n=4, orders=["number"])


def test_orders_and_flip(reader):
    abba, baba = (ioi(reader, n=10, orders=order, corruption="flip") for order in ("ABBA", "BABA"))
    assert bool((abba.positions["IO"] < abba.positions["S1"]).all())
    assert bool((baba.positions["IO"] > baba.positions["S1"]).all())
    for i in range(10):
        assert Prompt(abba, i, corrupted=True).at("S2") == abba.answer_strings[i][0]
        assert Prompt(abba, i, corrupted=True).at("S1") == Prompt(abba, i).at("S1")


def test_arguments(reader):
    assert BUILT_IN["multiple_choice"](reader, n=4, by="category").positions["query"].shape == (4,)
    assert bool(
        (
            induction(reader, n=4, period=6).positions["end"] - 6
            == induction(reader, n=4, period=6).positions["previous"]
        ).all()
    )
    task = BUILT_IN["docstring"](reader, n=4, corruption="signature")
    sound(task)
    assert BUILT_IN["subject_verb_agreement"](reader, n=20, attractor=False).provenance.arguments["attractor"] is False


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (ioi, {"corruption": "swap"}, "abc, flip"),
        (ioi, {"orders": ["AABB"]}, "ABBA, BABA"),
        (ioi, {"n": 0}, "at least one"),
        (facts, {"relations": "height"}, "unknown relations height; known are"),
        (successor, {"orders": "planet"}, "unknown orders planet"),
        (induction, {"period": 2}, "at least 3"),
        (closing_bracket, {"depth": 0}, "at least one bracket"),
    ],
)
def test_arguments_that_do_not_exist(mini, make, arguments, message):
    with pytest.raises(PromptError, match=message):
        make(mini, **arguments)


def test_a_model_without_tokenizer_is_refused(mini):
    from mi_nb.core.model import Model

    with pytest.raises(PromptError, match="no tokenizer"):
        ioi(Model(mini.hf))


def test_a_vocabulary_without_the_words_is_refused():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    from mi_nb.core.model import Model

    core = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "b": 2}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=3, n_embd=8, n_layer=1, n_head=1, n_positions=32, bos_token_id=0, eos_token_id=0)
    poor = Model(GPT2LMHeadModel(config).eval(), PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>"))
    for make in BUILT_IN.values():
        with pytest.raises(PromptError, match=r"single tokens|needed|neither|too few"):
            make(poor, n=2)


def test_a_pair_that_differs_where_nothing_is_labelled_is_not_used(mini):
    slots = {"a": "Tom", "b": "Mary", "c": "pen"}

    def make(rng):
        return fill("{a:name} and {b} had a {c}", slots, {"a": "Sam", "b": "Anna"}, [" and"], [" near"])

    with pytest.raises(PromptError, match=r"only 0 of 2 prompts of made .* unlabelled positions \[3\]"):
        draw(mini, "made", make, n=2, seed=0)
