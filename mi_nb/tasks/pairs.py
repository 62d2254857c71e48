"""Pairs of clean and corrupted texts, and what a tokenizer makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mi_nb.core.errors import PromptError

if TYPE_CHECKING:
    from mi_nb.core.model import Model

_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True)
class Pair:
    """One question twice.

    Attributes:
        clean: The text that has the answer.
        corrupted: The text that lacks what the answer depends on.
        answers: What may come next: texts of one token, or ids.
        distractors: What a wrong mechanism would say.
        spans: By label, first and last + 1 character in the clean text.
    """

    clean: str
    corrupted: str
    answers: Sequence[str | int]
    distractors: Sequence[str | int]
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Encoded:
    """A pair as token ids; `positions` holds the first and last token of every label."""

    pair: Pair
    clean: list[int]
    corrupted: list[int]
    answers: list[int]
    distractors: list[int]
    positions: dict[str, tuple[int, int]]


def fill(
    template: str,
    slots: Mapping[str, str],
    changes: Mapping[str, str],
    answers: Sequence[str],
    distractors: Sequence[str],
) -> Pair:
    """A pair from a template.

    Args:
        template: Text in which `{name}` stands for a slot and `{name:label}` for one whose value is labelled.
        slots: Clean values.
        changes: Values that are others in the corrupted text.
        answers: What may come next.
        distractors: What a wrong mechanism would say.
    """
    clean, corrupted, at = "", "", 0
    spans: dict[str, tuple[int, int]] = {}
    for match in _SLOT.finditer(template):
        literal = template[at : match.start()]
        name, label, at = match[1], match[2], match.end()
        clean, corrupted = clean + literal, corrupted + literal
        if label:
            spans[label] = (len(clean), len(clean) + len(slots[name]))
        clean += slots[name]
        corrupted += changes.get(name, slots[name])
    return Pair(clean + template[at:], corrupted + template[at:], answers, distractors, spans)


def from_tokens(
    tokens: Sequence[str],
    changes: Mapping[int, str],
    answers: Sequence[str],
    distractors: Sequence[str],
    labels: Mapping[str, int | tuple[int, int]],
) -> Pair:
    """A pair from a text whose tokens are known.

    Args:
        tokens: The prompt; the space that sets off the first token is not part of the text.
        changes: By index, the tokens that are others in the corrupted text.
        answers: What may come next.
        distractors: What a wrong mechanism would say.
        labels: By label the index of its token, or the first and last index.
    """
    starts = [-1]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    spans = {}
    for label, where in labels.items():
        first, last = (where, where) if isinstance(where, int) else where
        spans[label] = (max(starts[first], 0), starts[last + 1])
    other = [changes.get(i, token) for i, token in enumerate(tokens)]
    return Pair("".join(tokens)[1:], "".join(other)[1:], answers, distractors, spans)


def encode(model: Model, pairs: Sequence[Pair]) -> list[Encoded | PromptError]:
    """Token ids and positions of every pair, or why it cannot be used."""
    if model.tokenizer is None:
        raise PromptError("a task is made of text, and this model has no tokenizer: load it with tokenizer=")
    if not pairs:
        return []
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.clean, pair.corrupted)))
    wanted = dict.fromkeys(
        pair.clean + answer
        for pair in pairs
        for answer in (*pair.answers, *pair.distractors)
        if isinstance(answer, str)
    )
    ids, offsets = _tokenized(model, texts)
    continued, _ = _tokenized(model, list(wanted))
    found: list[Encoded | PromptError] = []
    for pair in pairs:
        try:
            found.append(_encoded(model, pair, ids, offsets, continued))
        except PromptError as error:
            found.append(error)
    return found


def _tokenized(model: Model, texts: list[str]) -> tuple[dict[str, list[int]], dict[str, list[tuple[int, int]]]]:
    if not texts:
        return {}, {}
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        ids = {text: tokenizer(text)["input_ids"] for text in texts}
        return ids, {text: [] for text in texts}
    batch = tokenizer(texts, return_offsets_mapping=True)
    return (
        dict(zip(texts, batch["input_ids"], strict=True)),
        dict(zip(texts, batch["offset_mapping"], strict=True)),
    )


def _encoded(
    model: Model,
    pair: Pair,
    ids: dict[str, list[int]],
    offsets: dict[str, list[tuple[int, int]]],
    continued: dict[str, list[int]],
) -> Encoded:
    clean, corrupted = ids[pair.clean], ids[pair.corrupted]
    if not clean:
        raise PromptError("the clean prompt is empty")
    if len(clean) != len(corrupted):
        raise PromptError(
            f"the clean prompt has {len(clean)} tokens and the corrupted one {len(corrupted)}: "
            f"{_apart(model, pair, ids)}"
        )
    for which, text in (("clean", pair.clean), ("corrupted", pair.corrupted)):
        if unknown := _unknown(model, text, ids[text], offsets[text]):
            raise PromptError(f"the {which} prompt has what this vocabulary does not know: {', '.join(unknown)}")
    if model.max_length is not None and len(clean) > model.max_length:
        raise PromptError(f"it has {len(clean)} tokens and the model reads {model.max_length}")
    answers, distractors = (
        [_next(model, pair.clean, clean, what, answer, continued) for answer in given]
        for what, given in (("answer", pair.answers), ("distractor", pair.distractors))
    )
    if not answers or not distractors:
        raise PromptError(f"it has no {'distractor' if answers else 'answer'}")
    both = set(answers) & set(distractors)
    if both:
        raise PromptError(f"{model.token_strings[min(both)]!r} is an answer and a distractor")
    positions = {label: _tokens_of(span, offsets[pair.clean], label) for label, span in pair.spans.items()}
    return Encoded(pair, clean, corrupted, answers, distractors, positions)


def _unknown(model: Model, text: str, ids: list[int], offsets: list[tuple[int, int]]) -> list[str]:
    unknown = getattr(model.tokenizer, "unk_token_id", None)
    if unknown is None or unknown not in ids:
        return []
    found = [text[start:end] for i, (start, end) in zip(ids, offsets, strict=False) if i == unknown and end > start]
    shares = unknown in (getattr(model.tokenizer, f"{name}_token_id", None) for name in ("bos", "eos"))
    return list(dict.fromkeys(map(repr, found))) or ([] if shares else ["some words"])


def _apart(model: Model, pair: Pair, ids: dict[str, list[int]]) -> str:
    clean, corrupted = (model.token_strings(ids[text]) for text in (pair.clean, pair.corrupted))
    same = next((i for i, (a, b) in enumerate(zip(clean, corrupted, strict=False)) if a != b), 0)
    part = slice(same, same + 4)
    return (
        f"they differ from position {same} on, {clean[part]} against {corrupted[part]}; words of as many tokens "
        "keep the positions comparable"
    )


def _next(
    model: Model, prompt: str, ids: list[int], what: str, answer: str | int, continued: dict[str, list[int]]
) -> int:
    """The id of the one token that an answer adds to its prompt."""
    if isinstance(answer, int):
        if not 0 <= answer < model.vocabulary_size:
            raise PromptError(f"{what} {answer} is no id of this vocabulary (0 to {model.vocabulary_size - 1})")
        return answer
    whole = continued[prompt + answer]
    if whole[: len(ids)] != ids or len(whole) == len(ids):
        hint = "" if not prompt.endswith(" ") else ": end the prompt without the space and begin the answer with it"
        raise PromptError(f"the {what} {answer!r} does not follow the prompt as a token of its own{hint}")
    added = whole[len(ids) :]
    if len(added) > 1:
        parts = " + ".join(map(repr, model.token_strings(added)))
        raise PromptError(f"the {what} {answer!r} is {len(added)} tokens ({parts}), not one")
    if added[0] == getattr(model.tokenizer, "unk_token_id", None):
        hint = "" if answer.startswith(" ") else f"; with its space it would be {' ' + answer!r}"
        raise PromptError(f"the {what} {answer!r} is not in this vocabulary{hint}")
    return added[0]


def _tokens_of(span: tuple[int, int], offsets: list[tuple[int, int]], label: str) -> tuple[int, int]:
    if not offsets:
        raise PromptError(f"this tokenizer does not say where its tokens lie: give label {label!r} as a position")
    inside = [i for i, (start, end) in enumerate(offsets) if start < end and start < span[1] and end > span[0]]
    if not inside:
        raise PromptError(f"no token lies where label {label!r} is")
    return inside[0], inside[-1]


def unlabelled_changes(encoded: Encoded) -> list[int]:
    """Positions outside of every label at which clean and corrupted differ."""
    labelled: set[Any] = set()
    for first, last in encoded.positions.values():
        labelled.update(range(first, last + 1))
    pairs = enumerate(zip(encoded.clean, encoded.corrupted, strict=True))
    return [i for i, (a, b) in pairs if a != b and i not in labelled]
