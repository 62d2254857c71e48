"""How often a model is right on held-out texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..world import BEHAVIOURS, Behaviour, Document
from .batches import BOS, EOS, IDS


@dataclass(frozen=True)
class Accuracy:
    """The share of right answers among `n`, with its 95% Wilson interval."""

    behaviour: str
    accuracy: float
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        z, p, n = 1.96, self.accuracy, self.n
        centre, spread = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)


def encode(documents: Iterable[Document]) -> Tensor:
    """Ids (document, position) with `<bos>`, padded on the right."""
    rows = [[BOS, *(IDS[token] for token in document.tokens)] for document in documents]
    width = max(map(len, rows))
    return torch.tensor([row + [EOS] * (width - len(row)) for row in rows])


@torch.no_grad()
def accuracy(model: PreTrainedModel, behaviour: Behaviour | str, n: int = 200, *, seed: int = 0) -> Accuracy:
    """The share of held-out questions that a model answers rightly, judged as the behaviour says.

    Of induction every known token counts on its own; of other behaviours with several asked tokens a text counts as
    right if all of them are.
    """
    behaviour = BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour
    documents = list(behaviour.documents(n, seed=seed))
    right: list[float] = []
    for start in range(0, n, 100):
        part = documents[start : start + 100]
        ids = encode(part).to(model.device)
        logits = model(ids).logits.float()
        for row, document in enumerate(part):
            asked = document.asked if behaviour.all_asked else document.asked[-1:]
            at = logits[row, asked]
            if behaviour.score == "mass":
                good, bad = (
                    torch.tensor([IDS[t] for t in tokens]) for tokens in (document.answers, document.distractors)
                )
                right.append(float(at[0, good].logsumexp(0) > at[0, bad].logsumexp(0)))
                continue
            hits = (at.argmax(-1) == ids[row, [i + 1 for i in asked]]).float()
            right.append(float(hits.mean() if behaviour.name == "induction" else hits.min()))
    return Accuracy(behaviour.name, sum(right) / len(right), n)


def accuracies(model: PreTrainedModel, n: int = 200, *, seed: int = 0) -> list[Accuracy]:
    """Accuracy of every behaviour."""
    return [accuracy(model, behaviour, n, seed=seed) for behaviour in BEHAVIOURS.values()]
