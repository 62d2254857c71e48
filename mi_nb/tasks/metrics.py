"""How a task scores: answers against distractors, of which prompts may have different numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from mi_nb.core.metrics import Metric, logit_diff

PADDING = -1
"""Fills up the rows of prompts with fewer answers than others."""

NAMES = ("logit_diff", "prob_diff")


def padded(rows: list[list[int]]) -> Tensor:
    """(prompt, answer) ids, filled up with `PADDING`."""
    width = max(map(len, rows))
    return torch.tensor([row + [PADDING] * (width - len(row)) for row in rows], dtype=torch.long)


def task_metric(name: str, answers: Tensor, distractors: Tensor) -> Metric:
    """The metric of a task.

    Args:
        name: `"logit_diff"`, the mean logit of the answers minus that of the distractors, or `"prob_diff"`, the
            probability of all answers together minus that of all distractors (Hanna et al. 2023).
        answers: (prompt, answer) ids, filled up with `PADDING`.
        distractors: Likewise.
    """
    ids = {"answers": answers, "distractors": distractors}
    if name == "prob_diff":
        return Metric("prob_diff", "probability", _prob_diff, -1, ids)
    if bool((answers == PADDING).any() or (distractors == PADDING).any()):
        return Metric("logit_diff", "logits", _logit_diff, -1, ids)
    return logit_diff(answers, distractors)


def summed(log_probs: Tensor, ids: Tensor) -> Tensor:
    """(row,) probability of all answers of each row together.

    Args:
        log_probs: (row, vocabulary).
        ids: (row, answer), filled up with `PADDING`.
    """
    got = log_probs.gather(-1, ids.clamp(min=0))
    return got.masked_fill(ids == PADDING, -torch.inf).logsumexp(-1).exp()


def _rows(metric: Metric, name: str, logits: Tensor, prompts: Tensor) -> Tensor:
    return metric.answers[name].to(logits.device)[prompts]


def _prob_diff(metric: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
    log_probs = logits[:, -1].log_softmax(-1)
    right, wrong = (summed(log_probs, _rows(metric, name, logits, prompts)) for name in ("answers", "distractors"))
    return right - wrong


def _logit_diff(metric: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
    means = []
    for name in ("answers", "distractors"):
        ids = _rows(metric, name, logits, prompts)
        kept = (ids != PADDING).to(logits)
        means.append((logits[:, -1].gather(-1, ids.clamp(min=0)) * kept).sum(-1) / kept.sum(-1))
    return means[0] - means[1]
