"""Metrics: one number per prompt from the logits, the same for a plain run, a gradient and a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mi_nb.core.answers import token_ids
from mi_nb.core.errors import PromptError, SiteError
from mi_nb.core.ports import position_columns
from mi_nb.core.run import Run
from mi_nb.core.sites import Index
from mi_nb.core.tokens import Tokens

if TYPE_CHECKING:
    from mi_nb.core.model import Model

Answers = int | str | Sequence[Any] | Tensor
"""One token for all prompts, one per prompt, or several per prompt: ids, or strings that are one token each."""

RowFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Metric:
    """One number per row of logits. Made by `logit_diff`, `prob`, `log_prob`, `rank`, `kl`, `loss` or `custom`.

    A metric is called on a `Run` and gives one number per prompt, so `model.run(..., grad=metric)` works. A sweep calls
    `rows` on many rows that belong to few prompts. Everything is computed in float32 or better; several positions are
    averaged.

    Attributes:
        name: What it measures.
        unit: In which unit.
        position: Positions whose logits it needs, in each prompt's own tokens; -1 is the last token, None are all.
    """

    name: str
    unit: str
    compute: Callable[[Metric, Tensor, Tensor], Tensor] = field(repr=False)
    position: Index = -1
    answers: dict[str, Any] = field(default_factory=dict, repr=False)
    tensors: dict[str, Tensor] = field(default_factory=dict, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)

    def bind(self, tokens: Tokens, model: Model | None = None) -> Metric:
        """The metric for these prompts: strings turned into ids, one entry per prompt checked.

        Args:
            tokens: The prompts.
            model: Whose tokenizer reads the answers that are strings; not needed for ids.

        Raises:
            PromptError: an answer is not one token, or there are not as many as prompts; it names the prompt.
        """
        found = {name: _ids(given, name, len(tokens), model) for name, given in self.answers.items()}
        for name, value in self.tensors.items():
            if len(value) != len(tokens):
                raise PromptError(f"{name} of {self.name} is for {len(value)} prompts; there are {len(tokens)}")
        return replace(self, answers=found, tokens=tokens)

    def columns(self, tokens: Tokens) -> Tensor:
        """(prompt, position) columns of the padded batch whose logits `rows` wants."""
        if self.position is None:
            return torch.arange(tokens.ids.shape[1]).expand(len(tokens), -1)
        try:
            found = position_columns(self.position, tokens.lengths, [0] * len(tokens))
        except ValueError as error:
            raise SiteError(f"metric {self.name}: {error}") from None
        assert found is not None
        return found

    def rows(self, logits: Tensor, prompts: Tensor) -> Tensor:
        """One number per row.

        Args:
            logits: (row, position, vocabulary) at the columns of each row's prompt.
            prompts: (row,) index of the prompt that each row belongs to.

        Returns:
            (row,), in float32 or float64.
        """
        wide = logits if logits.dtype == torch.float64 else logits.float()
        values = self.compute(self, wide, prompts.to(logits.device))
        if values.shape != (len(logits),):
            raise ValueError(f"metric {self.name} returned shape {tuple(values.shape)} for {len(logits)} rows")
        return values

    def __call__(self, run: Run) -> Tensor:
        """(prompt,) the metric of a run."""
        if run.logits is None:
            raise SiteError(f"metric {self.name} needs logits: run with logits='all' or 'last'")
        bound = self.bind(run.tokens)
        columns = bound.columns(run.tokens)
        if run.last_only:
            if columns.tolist() != [[n - 1] for n in run.tokens.lengths]:
                raise SiteError(f"metric {self.name} needs position {self.position}: run with logits='all'")
            columns = torch.zeros_like(columns)
        rows = torch.arange(len(run.tokens))
        device = run.logits.device
        return bound.rows(run.logits[rows[:, None].to(device), columns.to(device)], rows)


def as_metric(metric: Any) -> Metric:
    """A `Metric` from a metric or a plain function; see `custom`."""
    if isinstance(metric, Metric):
        return metric
    if not callable(metric):
        raise TypeError(
            f"a metric is mi_nb.metrics.logit_diff(...) or its like, or a function of logits; got {metric!r:.60}"
        )
    function: Any = metric
    return custom(function)


def custom(function: RowFunction, *, name: str | None = None, unit: str = "", position: int = -1) -> Metric:
    """A metric from a function of the logits at one position.

    Args:
        function: From logits (row, vocabulary) and prompts (row,), the index of each row's prompt, to (row,).
        name: Its name; the function's by default.
        unit: In which unit it measures.
        position: Whose logits it wants; by default each prompt's last token's.
    """
    shown = name or getattr(function, "__name__", "metric")
    return Metric(shown, unit, lambda _, logits, prompts: function(logits[:, 0], prompts), position)


def logit_diff(answers: Answers, distractors: Answers, *, position: Index = -1, model: Model | None = None) -> Metric:
    """How much higher the answer's logit is than the distractor's: `logit(answer) - logit(distractor)`, in logits.

    Args:
        answers: Ids or one-token strings, for all prompts or per prompt; of several per prompt the mean logit is taken.
        distractors: Likewise.
        position: Where; each prompt's last token by default. Several positions are averaged.
        model: Whose tokenizer reads strings, where the metric is used outside of a sweep.

    References:
        Wang et al. 2022, Interpretability in the Wild.
    """

    def compute(self: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
        right, wrong = (_logits_of(self, name, logits, prompts).mean(-1) for name in ("answers", "distractors"))
        return (right - wrong).mean(-1)

    return Metric("logit_diff", "logits", compute, position, _read(model, answers=answers, distractors=distractors))


def prob(answers: Answers, *, position: Index = -1, model: Model | None = None) -> Metric:
    """The probability of the answer, or of any of several answers together."""

    def compute(self: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
        return _log_prob(self, logits, prompts).exp().mean(-1)

    return Metric("prob", "probability", compute, position, _read(model, answers=answers))


def log_prob(answers: Answers, *, position: Index = -1, model: Model | None = None) -> Metric:
    """The natural logarithm of the probability of the answer, or of any of several answers together, in nats."""

    def compute(self: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
        return _log_prob(self, logits, prompts).mean(-1)

    return Metric("log_prob", "nats", compute, position, _read(model, answers=answers))


def rank(answers: Answers, *, position: Index = -1, model: Model | None = None) -> Metric:
    """How many tokens have a higher logit than the answer; 0 is the best. Of several answers the best one counts."""

    def compute(self: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
        best = _logits_of(self, "answers", logits, prompts).amax(-1, keepdim=True)
        return (logits > best).sum(-1).to(logits.dtype).mean(-1)

    return Metric("rank", "tokens", compute, position, _read(model, answers=answers))


def kl(reference: Run | Tensor, *, position: Index = -1) -> Metric:
    """How far the prediction is from a reference: `KL(reference || prediction)` in nats, averaged over positions.

    Args:
        reference: A `Run` on the same prompts, or logits (or log-probabilities) at the positions: (prompt, vocabulary)
            or (prompt, position, vocabulary).
        position: Where; each prompt's last token by default.
    """
    if isinstance(reference, Run):
        keep = Metric("kl", "nats", lambda *_: torch.empty(0), position)
        columns = keep.columns(reference.tokens)
        if position == -1:
            logits = reference.last_logits[:, None]
        elif reference.logits is None or reference.last_only:
            raise SiteError(f"kl at position {position} needs a reference run with logits='all'")
        else:
            logits = reference.logits[torch.arange(len(columns))[:, None], columns.to(reference.logits.device)]
    else:
        logits = reference if reference.ndim == 3 else reference[:, None]
    logits = logits.detach()
    expected = (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(-1)

    def compute(self: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
        target = self.tensors["reference"].to(logits.device, logits.dtype)[prompts]
        if self.position is None and self.tokens is not None:
            weight = self.tokens.mask.to(logits)[prompts]
            each = (target.exp() * (target - logits.log_softmax(-1))).nansum(-1)
            return (each * weight).sum(-1) / weight.sum(-1)
        return (target.exp() * (target - logits.log_softmax(-1))).nansum(-1).mean(-1)

    return Metric("kl", "nats", compute, position, tensors={"reference": expected})


def loss() -> Metric:
    """The mean cross-entropy of each prompt's own next tokens, in nats per token; NaN for a prompt of one token."""

    def compute(self: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
        assert self.tokens is not None
        ids, mask = self.tokens.ids.to(logits.device)[prompts], self.tokens.mask.to(logits)[prompts]
        found = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
        return -(found * mask[:, 1:]).sum(-1) / mask[:, 1:].sum(-1)

    return Metric("loss", "nats per token", compute, None)


def _read(model: Model | None, **answers: Answers) -> dict[str, Any]:
    return answers if model is None else {name: _named(a, name, model) for name, a in answers.items()}


def _named(given: Any, name: str, model: Model | None, where: str = "") -> Any:
    """The same nesting with every string replaced by its one token's id."""
    if isinstance(given, (list, tuple)):
        return [_named(g, name, model, where or f" of prompt {i}") for i, g in enumerate(given)]
    if isinstance(given, str) and model is None:
        raise PromptError(f"{name} {given!r}{where} is text, and no tokenizer is known: pass ids, or model=")
    if model is None or not isinstance(given, (str, int)):
        return given
    return token_ids(model, given, f"{name}{where}")[0]


def _ids(given: Any, name: str, prompts: int, model: Model | None) -> Tensor:
    """(prompt, answer) ids."""
    try:
        ids = torch.as_tensor(_named(given, name, model))
    except (ValueError, TypeError) as error:
        if isinstance(error, PromptError):
            raise
        raise PromptError(f"{name} must be as many tokens for every prompt: pad by repeating one, or use ids") from None
    ids = ids.reshape(1, 1).expand(prompts, 1) if ids.ndim == 0 else ids
    ids = ids[:, None] if ids.ndim == 1 else ids
    if ids.ndim != 2 or len(ids) != prompts or ids.is_floating_point():
        raise PromptError(f"{name} of shape {tuple(ids.shape)} do not give one entry to each of {prompts} prompts")
    if model is not None and ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < model.vocabulary_size:
        raise PromptError(f"{name} hold ids outside of the vocabulary (0 to {model.vocabulary_size - 1})")
    return ids.long()


def _logits_of(metric: Metric, name: str, logits: Tensor, prompts: Tensor) -> Tensor:
    """(row, position, answer) logits of the answers."""
    ids = metric.answers[name].to(logits.device)[prompts]
    return logits.gather(-1, ids[:, None].expand(-1, logits.shape[1], -1))


def _log_prob(metric: Metric, logits: Tensor, prompts: Tensor) -> Tensor:
    return _logits_of(metric, "answers", logits, prompts).logsumexp(-1) - logits.logsumexp(-1)
