"""Layers by positions: what a model would say next at every point of its stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from mi_nb.widgets.acting import Action
from mi_nb.widgets.kit import STATIC, Widget
from mi_nb.widgets.static_table import counted
from mi_nb.widgets.token_grid_data import TokenGridData
from mi_nb.widgets.token_grid_lens import token_grid_table

VIEW = ("prompt", "compare", "measure", "follow")


class TokenGrid(Widget):
    """One row per layer (or component), one column per position; a cell shows its top token and a number as colour.

    The list beside the grid has the top tokens of the cell under the pointer. A click on one follows that token through
    all rows and positions: exactly where it is a target, else as far as the top tokens show it.

    Attributes:
        prompt: index of the prompt in view.
        compare: index of a prompt that is subtracted, or None. Positions are paired from the left.
        measure: name of the measure that is the colour.
        follow: id of the followed token, or None.
        selection: records with the keys `prompt`, `position` and the row axis.
    """

    _esm = STATIC / "token_grid.js"
    _css = STATIC / "token_grid.css"

    spec = traitlets.Dict().tag(sync=True)
    arrays = traitlets.List().tag(sync=True)
    prompt = traitlets.Int(0).tag(sync=True)
    compare = traitlets.Int(None, allow_none=True).tag(sync=True)
    measure = traitlets.Unicode().tag(sync=True)
    follow = traitlets.Int(None, allow_none=True).tag(sync=True)
    start = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        *,
        title: str,
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
        actions: Mapping[str, Action] | None = None,
        result: Any = None,
        prompt: int = 0,
        compare: int | None = None,
        measure: str | None = None,
        follow: int | None = None,
    ):
        """Build the picture.

        Args:
            title: what the numbers are.
            prompts: `{"tokens": list of str, "ids": list of int}` each.
            rows: labels, bottom row first, such as `["embed", "0", "1"]`.
            measures: by name, `{"values", "unit", "kind", "domain", "description"}`. `values` is (prompt, row,
                position), anything behind a prompt's end; `kind` is "sequential", "diverging" (centred at 0) or "rank"
                (1 is best, logarithmic); `domain` is (low, high) or None for the range of the values; `description`
                continues the name in the legend, as "of the most probable token" does.
            row_axis: the name of the row axis in selection records.
            row_values: what a selection record carries for each row; the row's index by default.
            top_ids: (prompt, row, position, k) token ids, best first; -1 for none.
            top_values: (prompt, row, position, k) their probabilities.
            vocabulary: the string of every id in `top_ids`.
            targets: tokens with known numbers everywhere, `{"id": int, "token": str}` each.
            target_measures: by name ("probability", "rank"), an array (target, prompt, row, position), or a dict as in
                `measures` around it.
            actions: callables that make the picture live. "prompt" gets `{"text": str}` and returns the arguments to
                show instead; "follow" gets `{"token_id": int}` and returns `targets` and `target_measures` with that
                token.
            result: the object that the picture shows; an action may return a new one under "result".
            prompt: index of the prompt in view.
            compare: index of a prompt to subtract.
            measure: name of the measure that is the colour; the first by default.
            follow: id of the token to follow.

        Raises:
            ValueError: a shape, a kind or a token id does not fit the others; the message names it.
        """
        self._arguments: dict[str, Any] = {
            "prompts": prompts,
            "rows": rows,
            "measures": measures,
            "row_axis": row_axis,
            "row_values": row_values,
            "top_ids": top_ids,
            "top_values": top_values,
            "vocabulary": vocabulary,
            "targets": targets,
            "target_measures": target_measures,
        }
        self._data = TokenGridData(**self._arguments)
        self._check_view(prompt, compare, measure)
        super().__init__(
            actions=actions,
            result=result,
            title=title,
            spec=self._spec(actions),
            arrays=self._data.slices(prompt, compare, self._data.last),
            start=self._data.last,
            prompt=prompt,
            compare=compare,
            measure=measure or next(iter(self._data.measures)),
            follow=follow,
        )
        self.observe(self._send_slices, ["prompt", "compare", "start"])
        self.observe(self._show_selected_prompt, "selection")

    @property
    def axes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the axes, as in selection records."""
        return ("prompt", self._data.row_axis, "position")

    def replace(self, **arguments: Any) -> None:
        """Show something else: the given constructor arguments change, the others stay.

        Raises:
            TypeError: an argument that the constructor does not have.
            ValueError: as the constructor; what is shown stays.
        """
        unknown = arguments.keys() - self._arguments.keys() - {"title", "actions", "result", *VIEW}
        if unknown:
            raise TypeError(f"TokenGrid has no argument {', '.join(sorted(unknown))}")
        merged = self._arguments | {name: arguments[name] for name in arguments.keys() & self._arguments.keys()}
        data = TokenGridData(**merged)
        view = {name: getattr(self, name) for name in VIEW}
        if "prompts" in arguments:
            view |= {"prompt": 0, "compare": None}
        if view["measure"] not in {*data.measures, *data.target_measures}:
            view["measure"] = next(iter(data.measures))
        view |= {name: arguments[name] for name in VIEW if name in arguments}
        previous, self._data = self._data, data
        try:
            self._check_view(view["prompt"], view["compare"], view["measure"])
        except ValueError:
            self._data = previous
            raise
        self._arguments = merged
        self.actions = dict(arguments.get("actions", self.actions))
        self.result = arguments.get("result", self.result)
        # One message, so that the front end never pairs new labels with old arrays.
        with self.hold_sync():
            self.spec = self._spec(self.actions)
            self.title = arguments.get("title", self.title)
            self.arrays = data.slices(view["prompt"], view["compare"], data.last)
            self.live = bool(self.actions)
            self.selection = [record for record in self.selection if self._exists(record)]
            self.start = data.last
            self.compare = None
            for name, value in view.items():
                setattr(self, name, value)

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Whether a selection record marks something in this widget."""
        return super().accepts(record) and self._exists(record)

    def static_html(self) -> str:
        """An HTML table of the colours in view (also differences), at most 40 x 40 cells, the rest counted."""
        return token_grid_table(self._data, title=self.title, **{name: getattr(self, name) for name in VIEW})

    def export_state(self) -> dict[str, Any]:
        """The complete synced state of an offline page, all prompts' arrays included."""
        return super().export_state() | {"arrays": self._data.slices(self.prompt, budget=float("inf")), "start": 0}

    @traitlets.validate("selection")
    def _validate_selection(self, proposal: Any) -> list[dict[str, int]]:
        records = []
        for record in proposal["value"]:
            unknown = record.keys() - set(self.axes)
            if unknown or not record:
                raise traitlets.TraitError(f"a selection record has keys among {self.axes}, got {dict(record)}")
            plain = {axis: int(value) for axis, value in record.items()}
            if not self._exists(plain):
                raise traitlets.TraitError(f"nothing in this token grid is at {plain}")
            records.append(plain)
        return records

    @traitlets.validate("prompt", "compare")
    def _validate_prompt(self, proposal: Any) -> int | None:
        self._check_view(proposal["value"], None, None)
        return proposal["value"]

    @traitlets.validate("measure")
    def _validate_measure(self, proposal: Any) -> str:
        self._check_view(None, None, proposal["value"])
        return proposal["value"]

    def _exists(self, record: Mapping[str, Any]) -> bool:
        data = self._data
        row = record.get(data.row_axis)
        prompt = record.get("prompt")
        if prompt is not None and not 0 <= prompt < len(data.prompts):
            return False
        length = max(data.lengths) if prompt is None else data.lengths[prompt]
        return (row is None or row in data.row_values) and 0 <= record.get("position", 0) < length

    def _check_view(self, prompt: int | None, compare: int | None, measure: str | None) -> None:
        count = len(self._data.prompts)
        for index in (prompt, compare):
            if index is not None and not 0 <= index < count:
                raise ValueError(f"there is no prompt {index}: the token grid has {count}")
        names = [*self._data.measures, *self._data.target_measures]
        if measure is not None and measure not in names:
            raise ValueError(f"there is no measure {measure!r}; the token grid has {', '.join(dict.fromkeys(names))}")

    def _spec(self, actions: Mapping[str, Action] | None) -> dict[str, Any]:
        return self._data.spec() | {"actions": sorted(actions or ())}

    def _send_slices(self, _: Any) -> None:
        wanted = self._data.slices(self.prompt, self.compare, self.start)
        have = {(part["prompt"], part["start"], part["stop"]) for part in self.arrays}
        viewed = wanted[: 1 if self.compare in (None, self.prompt) else 2]
        if any((part["prompt"], part["start"], part["stop"]) not in have for part in viewed):
            self.arrays = wanted

    def _show_selected_prompt(self, _: Any) -> None:
        named = [record["prompt"] for record in self.selection if "prompt" in record]
        if named and not {self.prompt, self.compare} & set(named):
            self.prompt = named[0]

    def __repr__(self) -> str:
        data = self._data
        sizes = [(len(data.prompts), "prompt"), (len(data.rows), "row"), (max(data.lengths), "position")]
        return f"TokenGrid({self.title!r}: {', '.join(counted(*size) for size in sizes)}, top {data.top})"
