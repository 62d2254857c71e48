"""Texts packed into rows, with the weight of each token in the loss."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..world import TEXTS, Document, lexicon

IDS = {token: index for index, token in enumerate(lexicon.vocabulary())}
BOS, EOS = IDS["<bos>"], IDS["<eos>"]


@dataclass
class Placed:
    """A text in a batch: its row, the position of its `<bos>`, and what it is about."""

    row: int
    start: int
    kind: str
    document: Document

    def positions(self, label: str) -> list[int]:
        """Positions in the row of a label's tokens."""
        return [self.start + 1 + index for index in self.document.labels.get(label, ())]

    @property
    def end(self) -> int:
        """Position in the row of the token from which the last answer is predicted."""
        return self.start + self.document.asked[-1]


@dataclass
class Batch:
    """Rows of packed texts. `text` numbers the texts of a row from 1; 0 is padding."""

    ids: Tensor
    weight: Tensor
    text: Tensor
    placed: list[Placed] = field(default_factory=list)


def make_batch(rng: random.Random, mix: Mapping[str, float], *, rows: int, width: int, other_weight: float) -> Batch:
    """Draw texts by their weights in `mix` until the rows are full.

    A text's answers weigh 1 / sqrt(number of answers) each, and those that nobody can know nothing. Of its other
    tokens every fourth counts, at random, with four times `other_weight`: the same on average for less work.
    A text ends with `<eos>`, unless it is random and might as well go on.
    """
    names = list(mix)
    cumulative = list(itertools.accumulate(mix.values()))
    ids, weight, text = ([[fill] * width for _ in range(rows)] for fill in (EOS, 0.0, 0))
    placed = []
    pending: tuple[str, Document] | None = None
    for row in range(rows):
        at, number = 0, 1
        while at <= width - 6:
            if pending is None:
                kind = rng.choices(names, cum_weights=cumulative)[0]
                pending = kind, TEXTS[kind](rng)
            kind, document = pending
            ending = [] if document.unknowable else [EOS]
            length = len(document.tokens) + 1 + len(ending)
            if length > width:
                pending = None
                continue
            if at + length > width:
                break
            pending = None
            ids[row][at : at + length] = [BOS, *(IDS[token] for token in document.tokens), *ending]
            text[row][at : at + length] = [number] * length
            weights = [0.0] * len(document.tokens)
            for index in range(int(rng.random() * 4), len(weights), 4):
                weights[index] = 4 * other_weight
            for index in document.unknowable:
                weights[index] = 0.0
            for index in document.asked:
                weights[index] = 1 / math.sqrt(len(document.asked))
            weight[row][at + 1 : at + length] = weights + [other_weight] * len(ending)
            placed.append(Placed(row, at, kind, document))
            at += length
            number += 1
    return Batch(torch.tensor(ids), torch.tensor(weight), torch.tensor(text), placed)
