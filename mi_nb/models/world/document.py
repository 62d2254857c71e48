"""Texts with a truth attached: which tokens are answers, and where the parts of a text that matter are."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import lexicon

_SLOT = re.compile(r"\{(\w+)(?::(\w+))?(!|~)?\}")


@dataclass(frozen=True)
class Case:
    """One held-out question to a model: what to continue, and with what.

    `answers` are all acceptable next tokens, `distractors` the ones that a wrong mechanism would choose. `positions`
    label the tokens that matter; they count from the `<bos>` token, which is position 0, so "end" is the last one.
    """

    behaviour: str
    prompt: str
    answers: tuple[str, ...]
    distractors: tuple[str, ...]
    positions: dict[str, int] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """The first acceptable answer."""
        return self.answers[0]


@dataclass
class Document:
    """A text as tokens (without `<bos>`), with the tokens to be predicted and labelled positions.

    `asked` holds the indices into `tokens` that a model can know, `unknowable` those that nobody can (random words),
    which training leaves out. `labels` maps a label to indices.
    """

    tokens: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    unknowable: list[int] = field(default_factory=list)
    labels: dict[str, list[int]] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    distractors: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(self.tokens)[1:]

    def add(self, template: str, *, space: bool = True, **slots: str) -> Document:
        """Append a filled template; see `compile_template` for its language."""
        gap = space and bool(template)
        for literal, name, label, mark, spaced in compile_template(template, gap):
            if name is None:
                self.tokens += literal
                continue
            value = slots[name]
            if not value:
                continue
            start = len(self.tokens)
            self.tokens += pieces(value, spaced)
            last = len(self.tokens) - 1
            if label:
                self.labels.setdefault(label, []).append(last)
            if mark == "!":
                self.asked += range(start, last + 1)
            elif mark == "~":
                self.unknowable += range(start, last + 1)
        return self

    def extend(self, other: Document) -> Document:
        """Append another document's tokens, answers and labels."""
        offset = len(self.tokens)
        self.tokens += other.tokens
        self.asked += [i + offset for i in other.asked]
        self.unknowable += [i + offset for i in other.unknowable]
        for label, indices in other.labels.items():
            self.labels.setdefault(label, []).extend(i + offset for i in indices)
        self.answers, self.distractors = other.answers, other.distractors
        return self

    def case(self, behaviour: str, which: int = -1) -> Case:
        """The question that ends right before one of the asked tokens (the last one by default)."""
        asked = self.asked[which]
        answer = self.tokens[asked]
        others = tuple(token for token in self.answers if token != answer)
        positions = {
            label: indices[-1] + 1 for label, indices in self.labels.items() if indices and indices[-1] < asked
        }
        for label, indices in self.labels.items():
            earlier = [i for i in indices if i < asked]
            for number, index in enumerate(earlier if len(earlier) > 1 else []):
                positions[f"{label}_{number + 1}"] = index + 1
        positions["end"] = asked
        return Case(behaviour, "".join(self.tokens[:asked])[1:], (answer, *others), self.distractors, positions)


@functools.cache
def compile_template(
    template: str, space: bool
) -> tuple[tuple[list[str], str | None, str | None, str | None, bool], ...]:
    """Parts of a template: literal tokens, or a slot.

    `{name}` is filled from the keyword of that name; `{name:label}` labels the last token of the value; a trailing
    `!` marks the value as asked, `~` as unknowable. With `space` the text is set off from what came before.
    """
    parts, at = [], 0
    for match in _SLOT.finditer(template):
        literal = template[at : match.start()]
        spaced = literal.endswith(" ") or (not literal and at == 0 and space)
        literal = literal[:-1] if literal.endswith(" ") else literal
        if literal:
            parts.append((pieces(literal, space and at == 0), None, None, None, False))
        parts.append(([], match[1], match[2], match[3], spaced))
        at = match.end()
    if template[at:]:
        parts.append((pieces(template[at:], space and at == 0), None, None, None, False))
    return tuple(parts)


@functools.lru_cache(maxsize=100_000)
def _pieces(text: str, spaced: bool) -> tuple[str, ...]:
    spaced = spaced and not text.startswith((" ", ",", ".", "?", ";", "'"))
    return tuple(lexicon.split(" " + text if spaced else text))


def pieces(text: str, spaced: bool) -> list[str]:
    """Tokens of a piece of text, set off by a space unless it begins with one or with a mark."""
    return list(_pieces(text, spaced))


def join(documents: Iterable[Document]) -> Document:
    """One document out of several."""
    whole = Document()
    for document in documents:
        whole.extend(document)
    return whole
