"""What a token grid shows, checked once and cut into slices small enough to send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mi_nb.widgets.arrays import pack, to_numpy
from mi_nb.widgets.domains import colour_domain, given_domain
from mi_nb.widgets.tokens import clean

BUDGET = 5_000_000
"""Bytes of arrays sent at once."""

KINDS = ("sequential", "diverging", "rank")
MISSING = 65_535


class TokenGridData:
    """The checked arrays of a token grid; see `TokenGrid` for the arguments.

    Raises:
        ValueError: an argument's shape, a kind or a token id does not fit the others; the message names it.
    """

    def __init__(
        self,
        *,
        prompts: Sequence[Mapping[str, Any]],
        rows: Sequence[str],
        measures: Mapping[str, Mapping[str, Any]],
        row_axis: str = "layer",
        row_values: Sequence[int] | None = None,
        top_ids: Any = None,
        top_values: Any = None,
        vocabulary: Mapping[int, str] | None = None,
        targets: Sequence[Mapping[str, Any]] = (),
        target_measures: Mapping[str, Any] | None = None,
    ):
        if not prompts or not rows or not measures:
            raise ValueError("a token grid needs at least one prompt, one row and one measure")
        self.prompts = [_prompt(index, prompt) for index, prompt in enumerate(prompts)]
        self.lengths = [len(prompt["tokens"]) for prompt in self.prompts]
        self.rows = [str(row) for row in rows]
        self.row_axis = row_axis
        self.row_values = [int(value) for value in (range(len(rows)) if row_values is None else row_values)]
        if len(self.row_values) != len(self.rows):
            raise ValueError(f"{len(self.rows)} rows but {len(self.row_values)} row_values")
        shape = (len(self.prompts), len(self.rows), max(self.lengths))
        self.measures = {name: _measure(name, given, shape) for name, given in measures.items()}
        self.targets = [{"id": int(target["id"]), "token": clean(target["token"])} for target in targets]
        self.target_measures = {
            name: _measure(name, given, (len(self.targets), *shape)) for name, given in (target_measures or {}).items()
        }
        self.vocabulary = {int(key): clean(token) for key, token in (vocabulary or {}).items()}
        self._set_top(top_ids, top_values, shape)

    def _set_top(self, top_ids: Any, top_values: Any, shape: tuple[int, ...]) -> None:
        if (top_ids is None) != (top_values is None):
            raise ValueError("give both top_ids and top_values, or neither")
        given = np.zeros((*shape, 0)) if top_ids is None else top_ids
        ids = to_numpy("top_ids", given, (*shape, None), np.int32)
        self.top_values = to_numpy("top_values", ids if top_values is None else top_values, ids.shape)
        self.top_ids = ids
        self.top = ids.shape[-1]
        known = np.array(sorted(self.vocabulary), np.int64)
        at = np.searchsorted(known, ids) if known.size else np.zeros(ids.shape, np.int64)
        found = known[np.minimum(at, known.size - 1)] == ids if known.size else np.zeros(ids.shape, bool)
        for prompt, length in enumerate(self.lengths):
            real = ids[prompt, :, :length]
            unknown = real[(real >= 0) & ~found[prompt, :, :length]]
            if unknown.size:
                raise ValueError(f"top_ids has {int(unknown[0])}, which the vocabulary does not name")
        self._known = known
        self._wide = known.size >= MISSING
        self._top_index = np.where(found, at, -1 if self._wide else MISSING)

    @property
    def last(self) -> int:
        """The last position of the longest prompt: what a reader sees first."""
        return max(self.lengths) - 1

    def top_tokens(self, prompt: int, row: int, position: int) -> list[tuple[int, str, float]]:
        """Id, string and value of the top tokens of a cell, best first."""
        indices = self._top_index[prompt, row, position]
        values = self.top_values[prompt, row, position]
        ids = [int(self._known[index]) for index in indices if 0 <= index < self._known.size]
        return [(key, self.vocabulary[key], float(value)) for key, value in zip(ids, values, strict=False)]

    def spec(self) -> dict[str, Any]:
        """Everything but the arrays: labels, units, domains."""
        return {
            "prompts": self.prompts,
            "rows": self.rows,
            "row_axis": self.row_axis,
            "row_values": self.row_values,
            "measures": [_describe(name, measure) for name, measure in self.measures.items()],
            "targets": self.targets,
            "target_measures": [_describe(name, measure) for name, measure in self.target_measures.items()],
            "vocabulary": {"ids": self._known.tolist(), "tokens": [self.vocabulary[int(key)] for key in self._known]},
            "top": self.top,
        }

    def slices(
        self, prompt: int, compare: int | None = None, start: int = 0, budget: float | int | None = None
    ) -> list[dict[str, Any]]:
        """The arrays to send: the prompts in view first, then others as long as they fit the `budget` (`BUDGET` bytes).

        Prompts in view that do not fit go in half precision, and if that is still too much, as the window of positions
        around `start`.
        """
        budget = BUDGET if budget is None else budget
        viewed = [prompt] if compare is None or compare == prompt else [prompt, compare]
        half = sum(self._bytes(False) * self.lengths[index] for index in viewed) > budget
        width = max(32, int(budget / len(viewed) / self._bytes(half))) if budget < float("inf") else max(self.lengths)
        chosen: list[dict[str, Any]] = []
        left = budget
        for index in viewed:
            length = self.lengths[index]
            size = min(length, width)
            first = min(max(start - size // 4, 0), length - size)
            chosen.append(self._slice(index, first, first + size, half))
            left -= size * self._bytes(half)
        for index in range(len(self.prompts)):
            cost = self.lengths[index] * self._bytes(False)
            if index not in viewed and cost <= left:
                chosen.append(self._slice(index, 0, self.lengths[index], False))
                left -= cost
        return chosen

    def _bytes(self, half: bool) -> int:
        """Bytes of one position over all rows."""
        number = 2 if half else 4
        index = 4 if self._wide else 2
        measures = sum(4 if measure["kind"] == "rank" else number for measure in self.measures.values())
        targets = sum(4 if measure["kind"] == "rank" else number for measure in self.target_measures.values())
        return len(self.rows) * (measures + targets * len(self.targets) + self.top * (index + number))

    def _slice(self, prompt: int, start: int, stop: int, half: bool) -> dict[str, Any]:
        cut = (prompt, slice(None), slice(start, stop))
        axes = (self.row_axis, "position")

        def numbers(measure: Mapping[str, Any]) -> str:
            # Half precision ends at 65,504; ranks go as far as the vocabulary.
            return "float16" if half and measure["kind"] != "rank" else "float32"

        return {
            "prompt": prompt,
            "start": start,
            "stop": stop,
            "measures": {name: pack(m["values"][cut], axes, numbers(m)) for name, m in self.measures.items()},
            "top_index": pack(self._top_index[cut], (*axes, "rank"), "int32" if self._wide else "uint16"),
            "top_values": pack(self.top_values[cut], (*axes, "rank"), "float16" if half else "float32"),
            "targets": {
                name: pack(m["values"][(slice(None), *cut)], ("target", *axes), numbers(m))
                for name, m in self.target_measures.items()
            },
        }

    def cells(self, prompt: int) -> Iterator[tuple[int, int]]:
        """Row and position of every cell of a prompt."""
        return ((row, position) for row in range(len(self.rows)) for position in range(self.lengths[prompt]))


def _prompt(index: int, prompt: Mapping[str, Any]) -> dict[str, Any]:
    tokens = [clean(token) for token in prompt["tokens"]]
    ids = [int(key) for key in prompt.get("ids", ())]
    if not tokens:
        raise ValueError(f"prompt {index} has no tokens")
    if ids and len(ids) != len(tokens):
        raise ValueError(f"prompt {index} has {len(tokens)} tokens but {len(ids)} ids")
    return {"tokens": tokens, "ids": ids}


def _measure(name: str, given: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        unit = "probability" if name == "probability" else ""
        given = {"values": given, "kind": "rank" if name == "rank" else "sequential", "unit": unit}
    kind = given.get("kind", "sequential")
    if kind not in KINDS:
        raise ValueError(f"measure {name!r} has kind {kind!r}; use one of {', '.join(KINDS)}")
    values = to_numpy(name, given["values"], shape)
    unit = str(given.get("unit", ""))
    domain = given.get("domain")
    return {
        "values": values,
        "kind": kind,
        "unit": unit,
        "domain": colour_domain(values, kind, unit) if domain is None else given_domain(domain, kind),
        "description": str(given.get("description", "")),
    }


def _describe(name: str, measure: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name} | {key: measure[key] for key in ("kind", "unit", "domain", "description")}
