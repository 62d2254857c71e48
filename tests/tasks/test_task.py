"""A task as an object: parts, tables, positions, metrics, pictures, files."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import torch

from mi_nb.core.edits import zero
from mi_nb.core.errors import LoadError, PromptError
from mi_nb.core.metrics import logit_diff
from mi_nb.core.sites import Site
from mi_nb.core.store import write
from mi_nb.core.sweep import sweep
from mi_nb.tasks import BUILT_IN, Task, docstring, gendered_pronoun, greater_than, ioi, successor


@pytest.fixture(scope="module")
def task(mini):
    return ioi(mini, n=12, seed=2)


def test_data(task):
    data = task.data
    assert list(data.columns) == "prompt clean corrupted answer distractor IO S1 S2 end".split()
    assert len(data) == len(task) == 12
    for i, row in data.iterrows():
        strings = task.clean.strings[i]
        assert "".join(strings[1:])[1:] == row["clean"]
        assert strings[row["IO"]] == row["answer"]
        assert strings[row["S2"]] == row["distractor"]


def test_data_says_which_prompts_lack_a_label(mini):
    many = successor(mini, n=20)
    column = many.data["item_2"]
    assert column.isna().tolist() == (many.positions["item_2"] == -1).tolist()
    assert 0 < int(column.isna().sum()) < 20


@pytest.mark.parametrize("chosen", [slice(0, 8), slice(None, None, -3), [3, 1], 5, -1])
def test_a_part(task, chosen):
    part = task[chosen]
    rows = [chosen] if isinstance(chosen, int) else chosen
    wanted = task.data.iloc[rows].reset_index(drop=True).drop(columns="prompt")
    pd.testing.assert_frame_equal(part.data.drop(columns="prompt"), wanted)
    assert part.clean.ids.shape == (len(part), task.clean.ids.shape[1])
    assert len(part.answers) == len(part.distractors) == len(part)
    assert part.provenance == task.provenance


def test_a_part_that_does_not_exist(task):
    with pytest.raises(IndexError, match="12"):
        task[12]


def test_a_part_has_the_same_numbers(mini, task):
    whole = task.metric(mini.run(task.clean))
    part = task[4:9]
    torch.testing.assert_close(part.metric(mini.run(part.clean)), whole[4:9])


def test_where_is_one_place_when_prompts_agree(mini, task):
    assert task.where("end") == [{"position": -1}]
    assert gendered_pronoun(mini, n=1).where("name")[0]["position"] >= -20
    one = task[0]
    assert one.where("IO") == [{"position": int(one.positions["IO"][0])}]


def test_where_edits_each_prompt_at_its_own_position(mini, task):
    edits = {Site("resid_post", layer=1, **at): zero() for at in task.where("S2")}
    assert len(edits) == len(set(task.positions["S2"].tolist())) > 1
    found = mini.run(task.clean, ["resid_post"], edit=edits)["resid_post"][1]
    gone = (found == 0).all(-1) & task.clean.mask
    expected = torch.zeros_like(gone)
    expected[torch.arange(len(task)), task.positions["S2"]] = True
    assert torch.equal(gone, expected)


def test_where_of_a_whole_label(mini):
    listed = docstring(mini, n=10)
    covered = {(i, p) for at in listed.where("signature", whole=True) for i in at["prompt"] for p in at["position"]}
    first, last = listed.starts["signature"].tolist(), listed.positions["signature"].tolist()
    assert covered == {(i, p) for i in range(10) for p in range(first[i], last[i] + 1)}


def test_where_leaves_out_prompts_without_the_label(mini):
    many = successor(mini, n=20)
    found = sorted(prompt for at in many.where("item_2") for prompt in at["prompt"])
    assert found == (many.positions["item_2"] >= 0).nonzero()[:, 0].tolist()


def test_where_of_an_unknown_label(task):
    with pytest.raises(PromptError, match="no label 'verb'; it has: IO, S1, S2, end"):
        task.where("verb")


def test_metric_is_the_logit_difference(mini, task):
    run = mini.run(task.clean)
    expected = logit_diff(task.data["answer"].tolist(), task.data["distractor"].tolist(), model=mini)(run)
    assert torch.equal(task.metric(run), expected)
    swept = sweep(mini, task.clean, [{Site("z", layer=0, head=0): zero()}], task.metric, progress=False)
    edited = task.metric(mini.run(task.clean, edit={Site("z", layer=0, head=0): zero()}))
    torch.testing.assert_close(swept[0], edited, rtol=1e-4, atol=1e-4)


def test_metric_of_several_answers_counts_each_once(mini):
    listed = docstring(mini, n=16)
    logits = mini.run(listed.clean).last_logits
    numbers = {len(words) for words in listed.distractor_strings}
    assert len(numbers) > 1
    for i, found in enumerate(listed.metric(mini.run(listed.clean))):
        right, wrong = (ids[i][ids[i] >= 0] for ids in (listed.answers, listed.distractors))
        torch.testing.assert_close(found, logits[i, right].mean() - logits[i, wrong].mean())


def test_probability_difference(mini):
    years = greater_than(mini, n=8)
    found = years.metric(mini.run(years.clean))
    probs = mini.run(years.clean).last_logits.softmax(-1)
    for i, row in years.data.iterrows():
        later, earlier = (
            sum(probs[i, mini.tokenizer.convert_tokens_to_ids(year)] for year in row[name])
            if isinstance(row[name], tuple)
            else probs[i, mini.tokenizer.convert_tokens_to_ids(row[name])]
            for name in ("answer", "distractor")
        )
        torch.testing.assert_close(found[i], later - earlier, rtol=1e-4, atol=1e-6)
    assert years.check(mini)["prob_diff"][0] == pytest.approx(float(found.mean()), abs=1e-5)


def test_gradient_of_the_metric(mini, task):
    run = mini.run(task.clean, ["resid_post"], grad=task.metric)
    assert run.grad["resid_post"].abs().sum() > 0


def test_check_in_parts_is_check_of_the_whole(mini):
    many = ioi(mini, n=70)
    found = many.check(mini)
    assert found["prompts"].tolist() == ["clean", "corrupted"]
    parts = pd.concat([many[:64].check(mini), many[64:].check(mini)])
    for name in ("accuracy", "top_1", "logit_diff"):
        clean = parts[parts["prompts"] == "clean"]
        assert found[name][0] == pytest.approx((clean[name] * clean["n"]).sum() / 70)


def test_repr(task):
    assert repr(task) == repr(task[:])
    assert re.fullmatch(
        r"Task\(ioi: 12 prompts of \d+ to \d+ tokens; labels IO, S1, S2, end; metric logit_diff; model mini, seed 2\)",
        repr(task),
    )
    assert "1 prompt of" in repr(task[0])


def test_html_marks_every_labelled_token(task):
    html = task._repr_mimebundle_()["text/html"]
    rows = re.findall(r"<tr>.*?</tr>", html.split("<tbody>")[1], re.DOTALL)
    assert len(rows) == 12
    for i, row in enumerate(rows):
        clean, corrupted = re.findall(r"<td.*?</td>", row, re.DOTALL)[:2]
        for cell, tokens in ((clean, task.clean), (corrupted, task.corrupted)):
            marked = re.findall(r'<span style="background:#\w{6}[^>]*>([^<]*)<sup[^>]*>([^<]*)</sup></span>', cell)
            expected = {label: tokens.strings[i][at[i]].strip() for label, at in task.positions.items()}
            assert {label: word for word, names in marked for label in names.split(", ")} == expected
            assert re.sub(r"<sup.*?</sup>|<.*?>", "", cell) == "".join(tokens.strings[i]).replace("<", "&lt;").replace(
                ">", "&gt;"
            )
    assert task._repr_mimebundle_()["text/plain"] == repr(task)


def test_html_shows_where_a_long_label_begins(mini):
    html = BUILT_IN["factual_recall"](mini, n=3)._repr_mimebundle_()["text/html"]
    assert html.count(">subject\u2026</sup>") == html.count(">subject</sup>") == 6


def test_html_shows_forty_rows_and_counts_the_others(mini):
    html = ioi(mini, n=43)._repr_mimebundle_()["text/html"]
    assert html.split("<tbody>")[1].count("<tr>") == 40
    assert "3 more prompts" in html
    assert "Not shown" not in ioi(mini, n=40)._repr_mimebundle_()["text/html"]


def test_html_escapes_text():
    from vocabularies import model

    row = {"clean": "<script>a</script> &b", "corrupted": "<script>c</script> &b", "answer": 5, "distractor": 6}
    html = Task.from_prompts(model(), [row | {"<b>": "script>a"}], name="<i>")._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;i&gt;" in html


@pytest.mark.parametrize("name", BUILT_IN)
def test_save_and_load(mini, tmp_path, name):
    made = BUILT_IN[name](mini, n=6)
    for part in (made, made[2:5]):
        back = Task.load(part.save(tmp_path / "task"))
        pd.testing.assert_frame_equal(back.data, part.data)
        assert repr(back) == repr(part)
        assert torch.equal(back.clean.ids, part.clean.ids)
        assert torch.equal(back.corrupted.mask, part.corrupted.mask)
        assert torch.equal(back.answers, part.answers)
        assert all(torch.equal(back.starts[label], part.starts[label]) for label in part.labels)
        assert back.provenance == part.provenance
        assert back.left_out == part.left_out
        pd.testing.assert_frame_equal(back.check(mini), part.check(mini))


def test_load_refuses_other_files(tmp_path):
    other = write(tmp_path / "other.safetensors", {"x": torch.zeros(2)}, {"kind": "mi_nb.techniques:Lens"})
    with pytest.raises(LoadError, match="not a task"):
        Task.load(other)


def test_to_another_device(task):
    moved = task.to("meta")
    assert moved.clean.ids.device.type == moved.corrupted.mask.device.type == "meta"
    assert task.clean.ids.device.type == "cpu"
