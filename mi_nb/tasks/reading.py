"""A task from a user's own prompts: a table in, errors that name the row out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mi_nb.core.errors import PromptError
from mi_nb.core.result import provenance
from mi_nb.tasks.build import assembled
from mi_nb.tasks.metrics import NAMES
from mi_nb.tasks.pairs import Encoded, Pair, encode
from mi_nb.tasks.task import Task

if TYPE_CHECKING:
    from mi_nb.core.model import Model

TEXTS = ("clean", "corrupted")
TOKENS = ("answer", "distractor")
COLUMNS = (*TEXTS, *TOKENS)
IGNORED = "prompt"
"""The column of `Task.data` that only counts the rows."""

_INTEGER = re.compile(r"[-+]?\d+")


def read_prompts(model: Model, data: Any, *, name: str, labels: Sequence[str] | None, metric: str) -> Task:
    """See `Task.from_prompts`."""
    if metric not in NAMES:
        raise PromptError(f"metric is one of {', '.join(NAMES)}, not {metric!r}")
    rows = _rows(data)
    have = list(dict.fromkeys(column for row in rows for column in row))
    absent = [column for column in COLUMNS if column not in have]
    if absent:
        raise PromptError(
            f"the prompts have no column {', '.join(map(repr, absent))}; their columns: {', '.join(have)}"
        )
    chosen = [column for column in have if column not in (*COLUMNS, IGNORED)] if labels is None else list(labels)
    unknown = [label for label in chosen if label not in have or label in (*COLUMNS, IGNORED)]
    if unknown:
        others = ", ".join(column for column in have if column not in (*COLUMNS, IGNORED)) or "none"
        raise PromptError(f"there is no label column {', '.join(map(repr, unknown))}; label columns: {others}")
    pairs = [_located(i, _pair, row, chosen) for i, row in enumerate(rows)]
    encoded = []
    for i, (row, found) in enumerate(zip(rows, encode(model, pairs), strict=True)):
        if isinstance(found, PromptError):
            raise PromptError(f"row {i}: {found}")
        _located(i, _place, found, row, chosen)
        encoded.append(found)
    source = str(data) if isinstance(data, (str, os.PathLike)) else None
    made = provenance(model, "Task.from_prompts", name=name, metric=metric, labels=chosen, source=source)
    return assembled(model, encoded, name=name, metric=metric, made=made, left_out={}, labels=chosen)


def _located(row: int, function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except PromptError as error:
        raise PromptError(f"row {row}: {error}") from None


def _rows(data: Any) -> list[dict[str, Any]]:
    if isinstance(data, (str, os.PathLike)):
        data = _table(Path(data))
    if isinstance(data, pd.DataFrame):
        data = data.to_dict("records")
    if not isinstance(data, (list, tuple)) or not all(isinstance(row, dict) for row in data):
        raise PromptError(
            f"prompts are a DataFrame, a list of dicts, or the path of a CSV or JSON file; got {type(data).__name__}"
        )
    if not data:
        raise PromptError("there are no prompts: the table is empty")
    return [{str(column): value for column, value in row.items()} for row in data]


def _table(path: Path) -> pd.DataFrame | list[Any]:
    import json

    kind = path.suffix.lower()
    if kind not in (".csv", ".json"):
        raise PromptError(f"{path} is neither .csv nor .json")
    if kind == ".json":
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise PromptError(f"{path} is not JSON: {error}") from None
    try:  # all as text: " 7" is a token and no number, and "None" may be a name
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise PromptError(f"{path} is not a CSV table: {error}") from None
    for column in table.columns.difference(COLUMNS):
        values = [value for value in table[column] if value]
        if values and all(map(_INTEGER.fullmatch, values)):
            table[column] = pd.Series([int(value) if value else None for value in table[column]], dtype=object)
    return table


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value == "" or (isinstance(value, float) and math.isnan(value))


def _pair(row: dict[str, Any], labels: list[str]) -> Pair:
    clean, corrupted = (_text(row.get(column), column) for column in TEXTS)
    answers, distractors = (_choices(row.get(column), column) for column in TOKENS)
    parts = {label: part for label in labels if isinstance(part := row.get(label), str) and part}
    return Pair(clean, corrupted, answers, distractors, {label: _span(clean, label, parts[label]) for label in parts})


def _text(value: Any, what: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise PromptError(f"the {what} prompt is {'missing' if _missing(value) else f'not a text: {value!r:.40}'}")


def _choices(value: Any, what: str) -> list[str | int]:
    several = list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
    if not several or any(map(_missing, several)):
        raise PromptError(f"the {what} is missing")
    for choice in several:
        if isinstance(choice, bool) or not isinstance(choice, (str, int, np.integer)):
            raise PromptError(f"the {what} is a token's text or its id, not {choice!r:.40}")
    return [choice if isinstance(choice, str) else int(choice) for choice in several]


def _span(text: str, label: str, part: str) -> tuple[int, int]:
    starts = [match.start() for match in re.finditer(f"(?={re.escape(part)})", text)]
    if not starts:
        raise PromptError(f"label {label!r}: {part!r} does not occur in the clean prompt {text!r:.80}")
    if len(starts) > 1:
        raise PromptError(f"label {label!r}: {part!r} occurs {len(starts)} times: give the position of its token")
    return starts[0], starts[0] + len(part)


def _place(found: Encoded, row: dict[str, Any], labels: list[str]) -> None:
    """Adds the labels that are given as positions."""
    for label in labels:
        value = row.get(label)
        if isinstance(value, str) or _missing(value):
            continue
        position = int(value) if isinstance(value, (int, float, np.number)) and not isinstance(value, bool) else None
        if position is None or position != value:
            raise PromptError(f"label {label!r} is a part of the prompt or a position, not {value!r:.40}")
        size = len(found.clean)
        if not -size <= position < size:
            raise PromptError(f"label {label!r}: position {position} does not exist; the prompt has {size} tokens")
        found.positions[label] = (position % size, position % size)
