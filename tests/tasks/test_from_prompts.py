"""Tasks from a user's own prompts: every way to hand them in, and what each mistake says."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vocabularies import model

from mi_nb.core.errors import PromptError
from mi_nb.models.world import lexicon
from mi_nb.tasks import BUILT_IN, Task

ROWS = [
    {
        "clean": "When Mary and John went to the store, John gave a drink to",
        "corrupted": "When Mary and John went to the store, Luke gave a drink to",
        "answer": " Mary",
        "distractor": " John",
        "IO": "Mary",
        "S2": 10,
        "place": None,
    },
    {
        "clean": "Then Tom and Anna met at the park. Tom talked to",
        "corrupted": "Then Tom and Anna met at the park. Vera talked to",
        "answer": " Anna",
        "distractor": " Tom",
        "IO": "Anna",
        "S2": -3,
        "place": "the park",
    },
]


def one(**changes):
    return [{key: value for key, value in (ROWS[0] | changes).items() if value is not ...}]


def expected(task):
    assert task.clean_texts == [row["clean"] for row in ROWS]
    assert task.answer_strings == [[" Mary"], [" Anna"]]
    assert task.distractor_strings == [[" John"], [" Tom"]]
    assert task.positions["IO"].tolist() == [2, 4]
    assert task.positions["S2"].tolist() == [10, 10]
    assert task.positions["place"].tolist() == [-1, 8]
    assert task.starts["place"].tolist() == [-1, 7]
    assert task.positions["end"].tolist() == [14, 12]


def test_dicts_frames_csv_and_json(mini, tmp_path):
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "prompts.csv", index=False)
    (tmp_path / "prompts.json").write_text(json.dumps(ROWS))
    for data in (ROWS, frame, tmp_path / "prompts.csv", str(tmp_path / "prompts.json")):
        expected(Task.from_prompts(mini, data))


def test_csv_keeps_words_and_digits_as_text(mini, tmp_path):
    path = tmp_path / "sums.csv"
    path.write_text('clean,corrupted,answer,distractor,a,b\n1 7 + 2 5 = 0 4,1 6 + 2 5 = 0 4," 2"," 1",2,\n')
    task = Task.from_prompts(mini, path)
    assert task.answer_strings == [[" 2"]]
    assert task.positions["a"].tolist() == [2]
    assert task.positions["b"].tolist() == [-1]


def test_ids_and_several_answers(mini):
    mary, anna, tom = (mini.tokenizer.convert_tokens_to_ids(f" {name}") for name in ("Mary", "Anna", "Tom"))
    rows = one(answer=[" Mary", anna], distractor=np.int64(tom)) + one(answer=mary, distractor=(" John",))
    task = Task.from_prompts(mini, rows)
    assert task.answers.tolist() == [[mary, anna], [mary, -1]]
    assert task.answer_strings == [[" Mary", " Anna"], [" Mary"]]
    assert task.distractors[0].tolist() == [tom]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_table_of_a_task_can_be_read_again(mini, name):
    task = BUILT_IN[name](mini, n=5)
    back = Task.from_prompts(mini, task.data, name=name, metric=task.metric_name)
    assert back.clean.strings == task.clean.strings
    assert back.corrupted.strings == task.corrupted.strings
    assert back.answers.tolist() == task.answers.tolist()
    assert {label: at.tolist() for label, at in back.positions.items()} == {
        label: at.tolist() for label, at in task.positions.items()
    }
    pd.testing.assert_frame_equal(back.check(mini), task.check(mini))


def test_chosen_labels(mini):
    assert Task.from_prompts(mini, ROWS, labels=["S2"]).labels == ["S2", "end"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "table is empty"),
        (one(answer=...), r"no column 'answer'; their columns: clean, corrupted, distractor, IO"),
        (ROWS + one(answer=None), "row 2: the answer is missing"),
        (one(answer=float("nan")), "row 0: the answer is missing"),
        (one(answer=[]), "row 0: the answer is missing"),
        (one(distractor=""), "row 0: the distractor is missing"),
        (one(answer=True), "row 0: the answer is a token's text or its id, not True"),
        (one(answer=99_999), r"row 0: answer 99999 is no id of this vocabulary \(0 to \d+\)"),
        (one(answer=" Mary Tom"), r"row 0: the answer ' Mary Tom' is 2 tokens \(' Mary' \+ ' Tom'\), not one"),
        (one(answer=" Zanzibar"), "row 0: the answer ' Zanzibar' is not in this vocabulary"),
        (one(distractor=" Mary"), "row 0: ' Mary' is an answer and a distractor"),
        (one(clean=None), "row 0: the clean prompt is missing"),
        (one(corrupted=7), "row 0: the corrupted prompt is not a text: 7"),
        (
            ROWS + one(corrupted="When Mary and John went to the old store, Luke gave a drink to"),
            r"row 2: the clean prompt has 15 tokens and the corrupted one 16: they differ from position 8 on, \[' st",
        ),
        (
            one(clean="When Mary and Zanzibar went to the store, John gave a drink to"),
            "row 0: the clean prompt has what this vocabulary does not know: .*Zanzibar",
        ),
        (one(IO="Vera"), "row 0: label 'IO': 'Vera' does not occur in the clean prompt 'When Mary"),
        (one(IO="John"), "row 0: label 'IO': 'John' occurs 2 times: give the position"),
        (one(S2=15), "row 0: label 'S2': position 15 does not exist; the prompt has 15 tokens"),
        (one(S2=1.5), r"row 0: label 'S2' is a part of the prompt or a position, not 1\.5"),
        (one(S2=True), "row 0: label 'S2' is a part of the prompt or a position, not True"),
        ("prompts.txt", "neither .csv nor .json"),
        (7, "got int"),
        ([7], "got list"),
    ],
)
def test_mistakes(mini, rows, message):
    with pytest.raises(PromptError, match=message):
        Task.from_prompts(mini, rows)


def test_mistakes_in_arguments(mini, tmp_path):
    with pytest.raises(PromptError, match="no label column 'verb'; label columns: IO, S2, place"):
        Task.from_prompts(mini, ROWS, labels=["verb"])
    with pytest.raises(PromptError, match="logit_diff, prob_diff"):
        Task.from_prompts(mini, ROWS, metric="f1")
    (tmp_path / "broken.json").write_text("[{")
    with pytest.raises(PromptError, match=r"broken\.json is not JSON"):
        Task.from_prompts(mini, tmp_path / "broken.json")
    with pytest.raises(FileNotFoundError):
        Task.from_prompts(mini, tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(PromptError, match=r"empty\.csv is not a CSV table"):
        Task.from_prompts(mini, tmp_path / "empty.csv")


def test_answers_behind_a_space(mini):
    rows = [{"clean": "We saw a ", "corrupted": "We saw a ", "answer": "dog", "distractor": "cat"}]
    with pytest.raises(PromptError, match=r"row 0: .*end the prompt without the space"):
        Task.from_prompts(model(), rows)


WORDS = [*lexicon.NAMES, *lexicon.THINGS, *lexicon.NUMBERS, *lexicon.JOBS]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prompt=st.lists(st.sampled_from(WORDS), min_size=2, max_size=20, unique=True),
    data=st.data(),
    spaces=st.booleans(),
)
def test_parts_of_any_prompt_are_found_where_they_are(prompt, data, spaces):
    first = data.draw(st.integers(0, len(prompt) - 1))
    last = data.draw(st.integers(first, len(prompt) - 1))
    part = " ".join(prompt[first : last + 1])
    text = " ".join(prompt)
    rows = [{"clean": text, "corrupted": text, "answer": 5, "distractor": 6, "part": f" {part}" if spaces else part}]
    occurs = text.count(rows[0]["part"])
    reader = model()
    if occurs != 1:  # "1" also occurs in "10", and nothing stands before the first word
        with pytest.raises(PromptError, match="label 'part'"):
            Task.from_prompts(reader, rows)
        return
    task = Task.from_prompts(reader, rows)
    covered = task.clean.strings[0][int(task.starts["part"][0]) : int(task.positions["part"][0]) + 1]
    start = text.index(rows[0]["part"])
    before = "".join(task.clean.strings[0][: int(task.starts["part"][0])])
    assert len(before) <= start < len(before) + len(covered[0])
    end = start + len(rows[0]["part"])
    assert len(before + "".join(covered[:-1])) < end <= len(before + "".join(covered))
