"""Held-out questions as a batch: prompts, the ids of their answers, and labelled positions."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mi_nb.core.edits import Edit, set_to
from mi_nb.core.model import Model
from mi_nb.core.run import EditMap, Run
from mi_nb.core.sites import Site

from ..world import BEHAVIOURS, Case
from ..world.document import Document

Keep = Callable[[Case], bool]


@dataclass(frozen=True)
class Questions:
    """Prompts (right-padded inside), one answer and one wrong answer each, and positions by label."""

    prompts: list[str]
    answer: Tensor
    wrong: Tensor
    positions: dict[str, Tensor]
    cases: list[Case]

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def end(self) -> Tensor:
        """Position of each prompt's last token."""
        return self.positions["end"]

    def logits(self, model: Model, edit: EditMap | None = None, prompts: list[str] | None = None) -> Tensor:
        """(question, vocabulary) at the end."""
        return model.run(prompts or self.prompts, edit=edit, logits="last").last_logits.float()

    def difference(self, logits: Tensor) -> Tensor:
        """(question,) logit of the answer minus that of the wrong answer."""
        rows = torch.arange(len(self))
        return logits[rows, self.answer] - logits[rows, self.wrong]

    def right(self, logits: Tensor) -> float:
        """Share of questions whose most likely token is the answer."""
        return float((logits.argmax(-1) == self.answer).float().mean())


def questions(model: Model, behaviour: str, n: int = 100, *, seed: int = 0, keep: Keep | None = None) -> Questions:
    """`n` held-out questions of a behaviour that satisfy `keep` and have a distractor."""
    rng = random.Random(f"measure-{behaviour}-{seed}")
    cases: list[Case] = []
    for _ in range(100 * n):
        document: Document = BEHAVIOURS[behaviour].generate(rng, "test")
        case = document.case(behaviour)
        if keep is None or keep(case):
            cases.append(case)
        if len(cases) == n:
            break
    return from_cases(model, cases)


def from_cases(model: Model, cases: list[Case]) -> Questions:
    """A batch of cases; positions that not all of them have are left out."""
    vocabulary = model.tokenizer.get_vocab()
    shared = set.intersection(*(set(case.positions) for case in cases))
    return Questions(
        [case.prompt for case in cases],
        torch.tensor([vocabulary[case.answer] for case in cases]),
        torch.tensor([vocabulary[(case.distractors or (case.answer,))[0]] for case in cases]),
        {label: torch.tensor([case.positions[label] for case in cases]) for label in sorted(shared)},
        cases,
    )


def with_words(model: Model, asked: Questions, label: str, words: list[str]) -> list[str]:
    """The prompts with the token at a label replaced, question by question."""
    changed = []
    for prompt, position, word in zip(asked.prompts, asked.positions[label].tolist(), words, strict=True):
        tokens = model.tokenizer.convert_ids_to_tokens(model.tokenizer(prompt)["input_ids"])
        tokens[position] = word
        changed.append("".join(tokens[1:])[1:])
    return changed


def at(value: Tensor, positions: Tensor) -> Tensor:
    """Rows of a (..., question, position, d) tensor at one position per question."""
    rows = torch.arange(len(positions))
    return value[..., rows, positions, :]


def replace_at(site: str, layer: int, positions: Tensor, value: Tensor, head: int | None = None) -> tuple[Site, Edit]:
    """An edit that puts (question, ...) values at one position per question, of one head if given."""

    def function(old: Tensor) -> Tensor:
        new = old.clone()
        rows = torch.arange(len(positions))
        if head is None:
            new[rows, positions] = value.to(old.dtype)
        else:
            new[rows, positions, head] = value.to(old.dtype)
        return new

    return Site(site, layer=layer), Edit("function", function=function)


def mean_over_tokens(run: Run, site: str, layer: int) -> Tensor:
    """Mean of a site's value over all real tokens."""
    return run[site, layer][run.tokens.mask].mean(0)


def ablated_heads(reference: Run, heads: list[tuple[int, int]]) -> EditMap:
    """Edits that replace heads by their mean over the reference run's tokens."""
    return {
        Site("z", layer=layer, head=head): set_to(mean_over_tokens(reference, "z", layer)[head])
        for layer, head in heads
    }


def attention(run: Run, queries: Tensor, keys: Tensor) -> Tensor:
    """(layer, head) mean attention from one position per question to another."""
    pattern = run["pattern"]
    rows = torch.arange(len(queries))
    return pattern[:, rows, :, queries, keys].float().mean(0)


def strongest(table: Tensor, count: int = 1) -> list[tuple[int, int]]:
    """(layer, head) of the largest entries."""
    return [divmod(int(i), table.shape[1]) for i in table.flatten().topk(count).indices]


def above(table: Tensor, least: float) -> list[tuple[int, int]]:
    """(layer, head) of the entries above a threshold."""
    return [(layer, head) for layer, head in (table > least).nonzero().tolist()]
