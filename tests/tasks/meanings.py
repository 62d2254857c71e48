"""What the labels of every behaviour must point at, in any vocabulary."""

from __future__ import annotations

from mi_nb.models.world import lexicon, world
from mi_nb.tasks import Task, words
from mi_nb.tasks.closing_bracket import BRACKETS
from mi_nb.tasks.successor import _WORLD_ORDERS, ORDERS

MALE = {*lexicon.MALE_NAMES, *words.MALE_NAMES}
SINGULAR = {*lexicon.SINGULAR_NOUNS, *words.SINGULAR_NOUNS}


class Prompt:
    """One prompt of a task: `at` gives the token under a label, `between` all of its tokens as one string."""

    def __init__(self, task: Task, i: int, corrupted: bool = False) -> None:
        self.task, self.i = task, i
        self.strings = (task.corrupted if corrupted else task.clean).strings[i]
        self.answers, self.distractors = task.answer_strings[i], task.distractor_strings[i]
        self.answer, self.distractor = self.answers[0], self.distractors[0]

    def where(self, label: str) -> int:
        return int(self.task.positions[label][self.i])

    def at(self, label: str, shift: int = 0) -> str:
        return self.strings[self.where(label) + shift]

    def between(self, label: str) -> str:
        return "".join(self.strings[int(self.task.starts[label][self.i]) : self.where(label) + 1])


def ioi(clean: Prompt, corrupted: Prompt) -> None:
    assert clean.at("IO") == clean.answer
    assert clean.at("S1") == clean.at("S2") == clean.distractor
    assert clean.where("S1") < clean.where("S2")
    three = {corrupted.at(label) for label in ("IO", "S1", "S2")}
    assert len(three | {clean.answer, clean.distractor}) == 5


def induction(clean: Prompt, corrupted: Prompt) -> None:
    assert clean.at("previous") == clean.at("end")
    assert clean.where("first") == clean.where("previous") + 1
    assert clean.at("first") == clean.answer
    assert corrupted.at("first") == clean.distractor


def greater_than(clean: Prompt, corrupted: Prompt) -> None:
    start = clean.at("start")
    assert min(clean.answers) > start
    assert max(clean.distractors) <= start
    assert clean.where("century") == clean.where("end")
    assert clean.at("start", -1).strip() == clean.at("century").strip() or len(start) == 1
    assert corrupted.at("start") in ("01", "0")


def factual_recall(clean: Prompt, corrupted: Prompt) -> None:
    known = {(subject, answer) for subject, answer in world().facts[["subject", "object"]].itertuples(index=False)}
    for table in (words.CAPITALS, words.LANGUAGES, words.LANDMARKS):
        known |= set(table.items())
    assert (clean.between("subject").strip(), clean.answer.strip()) in known
    assert (corrupted.between("subject").strip(), clean.distractor.strip()) in known


def successor(clean: Prompt, corrupted: Prompt) -> None:
    for prompt, right in ((clean, clean.answer), (corrupted, clean.distractor)):
        item = prompt.at("item").strip()
        orders = [row for row in (*ORDERS.values(), *_WORLD_ORDERS.values()) if item in row[0]]
        follow = {items[(list(items).index(item) + 1) % len(items)] for items, _ in orders}
        assert right.strip() in follow


def subject_verb_agreement(clean: Prompt, corrupted: Prompt) -> None:
    assert (" is" in clean.answers) == (clean.at("subject").strip() in SINGULAR)
    assert (" is" in clean.distractors) == (corrupted.at("subject").strip() in SINGULAR)
    assert (clean.at("attractor").strip() in SINGULAR) == (" is" in clean.distractors)


def gendered_pronoun(clean: Prompt, corrupted: Prompt) -> None:
    assert (clean.at("name").strip() in MALE) == (clean.answer in (" he", " him"))
    assert (corrupted.at("name").strip() in MALE) == (clean.distractor in (" he", " him"))


def closing_bracket(clean: Prompt, corrupted: Prompt) -> None:
    assert BRACKETS[clean.at("open")] == clean.answer
    assert BRACKETS[corrupted.at("open")] == clean.distractor
    inside = clean.strings[clean.where("open") + 1 :]
    assert sum(map(inside.count, BRACKETS)) == sum(map(inside.count, BRACKETS.values()))


def docstring(clean: Prompt, corrupted: Prompt) -> None:
    assert clean.at("definition") == clean.answer
    assert clean.at("last_param") == clean.at("previous")
    assert clean.where("definition") == clean.where("previous") + 2
    assert clean.between("signature").count(",") + 1 == len(clean.distractors) + 1
    assert clean.answer not in corrupted.strings


def coloured_objects(clean: Prompt, corrupted: Prompt) -> None:
    assert clean.at("color") == clean.answer
    assert clean.at("thing") == clean.at("query") == clean.at("color", 1)
    asked = corrupted.strings.index(corrupted.at("query"))
    assert corrupted.strings[asked - 1] == clean.distractor


def multiple_choice(clean: Prompt, corrupted: Prompt) -> None:
    assert clean.at("letter") == clean.answer
    assert clean.at("option") == clean.at("query") == clean.at("letter", 2)
    asked = corrupted.strings.index(corrupted.at("query"))
    assert corrupted.strings[asked - 2] == clean.distractor


MEANINGS = {
    check.__name__: check
    for check in (
        *(ioi, induction, greater_than, factual_recall, successor, subject_verb_agreement),
        *(gendered_pronoun, closing_bracket, docstring, coloured_objects, multiple_choice),
    )
}
