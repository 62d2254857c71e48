"""`Task`: a behaviour as data, the noun that every circuit technique takes after the model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mi_nb.core import store
from mi_nb.core.errors import LoadError, PromptError
from mi_nb.core.metrics import Metric
from mi_nb.core.result import Provenance
from mi_nb.core.tokens import Tokens
from mi_nb.tasks.metrics import NAMES, summed, task_metric

if TYPE_CHECKING:
    import pandas as pd

    from mi_nb.core.model import Model

ABSENT = -1
"""Position of a label in a prompt that does not have it."""

_CHECKED_AT_A_TIME = 64


@dataclass(frozen=True, repr=False, eq=False)
class Task:
    """A behaviour as data: pairs of clean and corrupted prompts, answers, distractors and labelled positions.

    A prompt and its corruption have the same number of tokens; different prompts may have different numbers. Made by
    the generators of `mi_nb.tasks` or by `Task.from_prompts`.

    Attributes:
        name: The behaviour.
        clean: The prompts that have the answer.
        corrupted: The same prompts without what the answer depends on.
        clean_texts: Text of each clean prompt.
        corrupted_texts: Text of each corrupted prompt.
        answers: (prompt, answer) ids of acceptable next tokens; -1 where a prompt has fewer than others.
        distractors: (prompt, distractor) ids that a wrong mechanism would give, likewise.
        answer_strings: Per prompt, the answers as readable strings.
        distractor_strings: Likewise.
        positions: By label, (prompt,) the position of its last token; -1 in a prompt that does not have the label. The
            built-in tasks label "end", the last token.
        starts: By label, (prompt,) the position of its first token.
        metric_name: `"logit_diff"` or `"prob_diff"`.
        provenance: Model, arguments (the seed among them) and versions that it was made with.
        left_out: Words that this vocabulary cannot use, and why.
    """

    name: str
    clean: Tokens
    corrupted: Tokens
    clean_texts: list[str]
    corrupted_texts: list[str]
    answers: Tensor
    distractors: Tensor
    answer_strings: list[list[str]]
    distractor_strings: list[list[str]]
    positions: dict[str, Tensor]
    starts: dict[str, Tensor]
    metric_name: str
    provenance: Provenance
    left_out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.clean.lengths != self.corrupted.lengths:
            raise PromptError(
                f"clean prompts have {self.clean.lengths} tokens and corrupted ones {self.corrupted.lengths}"
            )
        reserved = {"prompt", "clean", "corrupted", "answer", "distractor"} & set(self.positions)
        if reserved:
            raise PromptError(
                f"{', '.join(map(repr, sorted(reserved)))} cannot be a label: a column of `data` has its name"
            )
        if self.metric_name not in NAMES:
            raise ValueError(f"metric is one of {', '.join(NAMES)}, not {self.metric_name!r}")

    @classmethod
    def from_prompts(
        cls,
        model: Model,
        data: Any,
        *,
        name: str = "prompts",
        labels: Sequence[str] | None = None,
        metric: str = "logit_diff",
    ) -> Task:
        """A task from prompts of your own.

        Args:
            model: Whose tokenizer reads them.
            data: A DataFrame, a list of dicts, or the path of a CSV or JSON file (a list of objects), with columns
                `clean` and `corrupted` (texts of as many tokens), `answer` and `distractor` (a token as it continues
                the prompt, such as `" Mary"`, an id, or a list of them). Every further column is a label: a part of the
                clean prompt that occurs once, a position (negative ones count from the end), or nothing. A column
                `prompt` is ignored, so `task.data` can be edited and read again.
            name: What to call the task.
            labels: Which further columns are labels; all by default.
            metric: `"logit_diff"` or `"prob_diff"`.

        Raises:
            PromptError: a column is missing; two prompts of a row have different numbers of tokens; an answer is
                missing or is several tokens; a label is unknown or not in its prompt. It names the row.

        Example:
            >>> import mi_nb as mi
            >>> from mi_nb.tasks import Task
            >>> clean = "When Mary and John went to the store, John gave a drink to"
            >>> row = {"clean": clean, "corrupted": "When Tom and Anna went to the store, Luke gave a drink to"}
            >>> row |= {"answer": " Mary", "distractor": " John", "IO": "Mary", "S2": 10}
            >>> Task.from_prompts(mi.load("mini"), [row])
            Task(prompts: 1 prompt of 15 tokens; labels IO, S2, end; metric logit_diff; model mini)
        """
        from mi_nb.tasks.reading import read_prompts

        return read_prompts(model, data, name=name, labels=labels, metric=metric)

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, prompts: int | slice | Sequence[int]) -> Task:
        """A part of the task: one prompt, a slice, or a list of prompts."""
        chosen = [prompts] if isinstance(prompts, int) else prompts
        try:
            every = range(len(self))
            rows = list(every[chosen]) if isinstance(chosen, slice) else [every[i] for i in chosen]
        except IndexError:
            raise IndexError(f"prompt {prompts} does not exist: the task has {len(self)}") from None
        lists = ("clean_texts", "corrupted_texts", "answer_strings", "distractor_strings")
        return replace(
            self,
            clean=self.clean[rows],
            corrupted=self.corrupted[rows],
            answers=self.answers[rows],
            distractors=self.distractors[rows],
            positions={label: at[rows] for label, at in self.positions.items()},
            starts={label: at[rows] for label, at in self.starts.items()},
            **{name: [getattr(self, name)[i] for i in rows] for name in lists},
        )

    @property
    def labels(self) -> list[str]:
        """Names of the labelled positions."""
        return list(self.positions)

    @property
    def metric(self) -> Metric:
        """How much better the answers do than the distractors at the last token of each prompt."""
        return task_metric(self.metric_name, self.answers, self.distractors)

    def where(self, label: str, *, whole: bool = False) -> list[dict[str, Any]]:
        """Coordinates of a label: one dict for a `Site` per distinct position.

        One dict without `prompt` if the position is the same in all prompts, counted from the start or from the end;
        else one per position, with the prompts that have the label there. Use them as
        `{Site("resid_post", layer=3, **at): mi.zero() for at in task.where("S2")}`.

        Args:
            label: One of `labels`.
            whole: All tokens of the label as a list of positions, instead of its last one.

        Raises:
            PromptError: the task has no such label; the message lists those that it has.
        """
        if label not in self.positions:
            raise PromptError(f"task {self.name} has no label {label!r}; it has: {', '.join(self.labels) or 'none'}")
        last, first = self.positions[label].tolist(), self.starts[label].tolist()
        spans = [tuple(range(a, b + 1)) if whole else b for a, b in zip(first, last, strict=True)]
        if ABSENT not in last:
            ends = [
                tuple(p - n for p in span) if isinstance(span, tuple) else span - n
                for span, n in zip(spans, self.clean.lengths, strict=True)
            ]
            for same in (spans, ends):
                if len(set(same)) == 1:
                    return [{"position": _plain(same[0])}]
        groups: dict[Any, list[int]] = {}
        for prompt, span in enumerate(spans):
            if last[prompt] != ABSENT:
                groups.setdefault(span, []).append(prompt)
        return [{"prompt": prompts, "position": _plain(span)} for span, prompts in groups.items()]

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per prompt: prompt, clean, corrupted, answer, distractor, and a column per label with its position.

        `answer` and `distractor` are strings, or tuples of strings where a prompt has several.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "prompt": range(len(self)),
            "clean": self.clean_texts,
            "corrupted": self.corrupted_texts,
            "answer": [_one(words) for words in self.answer_strings],
            "distractor": [_one(words) for words in self.distractor_strings],
        }
        for label, at in self.positions.items():
            found = [p if p != ABSENT else None for p in at.tolist()]
            columns[label] = pd.array(found, dtype="Int64") if None in found else found
        return pd.DataFrame(columns)

    def check(self, model: Model) -> pd.DataFrame:
        """Whether a model has the behaviour, and loses it by the corruption.

        Returns:
            A row for the clean and one for the corrupted prompts, both judged by the clean answers: prompts, n,
            accuracy (share of prompts whose answers together are likelier than their distractors together), top_1
            (share whose likeliest token is an answer), logit_diff (mean, in logits), and the task's own metric if it is
            another.
        """
        import pandas as pd

        rows = []
        difference = task_metric("logit_diff", self.answers, self.distractors)
        for which in ("clean", "corrupted"):
            tokens: Tokens = getattr(self, which)
            parts = [
                model.run(tokens[start : start + _CHECKED_AT_A_TIME], logits="last").last_logits.detach()
                for start in range(0, len(self), _CHECKED_AT_A_TIME)
            ]
            logits = torch.cat(parts).cpu()
            log_probs = logits.double().log_softmax(-1)
            right, wrong = (summed(log_probs, ids.cpu()) for ids in (self.answers, self.distractors))
            best = (logits.argmax(-1, keepdim=True) == self.answers.cpu()).any(-1)
            prompts = torch.arange(len(self))
            row = {
                "prompts": which,
                "n": len(self),
                "accuracy": float((right > wrong).double().mean()),
                "top_1": float(best.double().mean()),
                "logit_diff": float(difference.bind(tokens).rows(logits[:, None], prompts).mean()),
            }
            if self.metric_name != "logit_diff":
                row[self.metric_name] = float(self.metric.bind(tokens).rows(logits[:, None], prompts).mean())
            rows.append(row)
        return pd.DataFrame(rows)

    def to(self, device: Any) -> Task:
        """The same task with its token ids on another device, for a model that lives there."""
        clean, corrupted = (
            replace(tokens, ids=tokens.ids.to(device), mask=tokens.mask.to(device))
            for tokens in (self.clean, self.corrupted)
        )
        return replace(self, clean=clean, corrupted=corrupted)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the task to one file, whole or not at all. `.safetensors` is added when the name has no suffix."""
        target = Path(path)
        target = target if target.suffix else target.with_suffix(".safetensors")
        tensors = {"answers": self.answers, "distractors": self.distractors}
        words: dict[str, Any] = {"kind": "mi_nb.tasks.task:Task", "labels": self.labels}
        for which in ("clean", "corrupted"):
            tokens: Tokens = getattr(self, which)
            tensors |= {f"{which}.ids": tokens.ids, f"{which}.mask": tokens.mask}
            words[which] = {"strings": tokens.strings, "bos": tokens.bos}
        for label in self.labels:
            tensors |= {f"positions.{label}": self.positions[label], f"starts.{label}": self.starts[label]}
        for name in _WORDS:
            words[name] = getattr(self, name)
        words["provenance"] = dataclasses.asdict(self.provenance)
        return store.write(target, tensors, words)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Task:
        """Reads a saved task; its token ids are on the CPU.

        Raises:
            LoadError: the file is damaged, or holds something else.
        """
        tensors, words = store.read(path)
        if words.get("kind") != "mi_nb.tasks.task:Task":
            raise LoadError(f"{path} holds {words.get('kind', 'something')!r}, not a task")
        clean, corrupted = (
            Tokens(tensors[f"{which}.ids"], tensors[f"{which}.mask"], words[which]["strings"], words[which]["bos"])
            for which in ("clean", "corrupted")
        )
        return cls(
            clean=clean,
            corrupted=corrupted,
            answers=tensors["answers"],
            distractors=tensors["distractors"],
            positions={label: tensors[f"positions.{label}"] for label in words["labels"]},
            starts={label: tensors[f"starts.{label}"] for label in words["labels"]},
            provenance=Provenance(**words["provenance"]),
            **{name: words[name] for name in _WORDS},
        )

    def __repr__(self) -> str:
        low, high = min(self.clean.lengths, default=0), max(self.clean.lengths, default=0)
        tokens = f"{low}" if low == high else f"{low} to {high}"
        seed = self.provenance.arguments.get("seed")
        parts = [
            f"{len(self)} prompt{'' if len(self) == 1 else 's'} of {tokens} tokens",
            f"labels {', '.join(self.labels) or 'none'}",
            f"metric {self.metric_name}",
            f"model {self.provenance.model}" + ("" if seed is None else f", seed {seed}"),
        ]
        if self.left_out:
            parts.append(f"{len(self.left_out)} word{'' if len(self.left_out) == 1 else 's'} left out")
        return f"Task({self.name}: {'; '.join(parts)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        from mi_nb.tasks.showing import as_table

        return {"text/plain": repr(self), "text/html": as_table(self)}


_WORDS = (
    *("name", "clean_texts", "corrupted_texts", "answer_strings", "distractor_strings", "metric_name"),
    "left_out",
)


def _plain(position: Any) -> int | list[int]:
    return list(position) if isinstance(position, tuple) else position


def _one(words: list[str]) -> str | tuple[str, ...]:
    return words[0] if len(words) == 1 else tuple(words)
