"""Rows by columns of numbers: sweeps, patching, scores of heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from mi_nb.widgets.acting import Action
from mi_nb.widgets.heatmap_data import HeatmapData, Value
from mi_nb.widgets.heatmap_table import heatmap_table
from mi_nb.widgets.kit import STATIC, Widget
from mi_nb.widgets.static_table import counted

REQUIRED = {"values", "rows", "columns", "row_axis", "column_axis"}
SHOWN = ("title", "facet", "actions", "result")


class Heatmap(Widget):
    """One array as coloured cells: which part matters, and where.

    Attributes:
        facet: index of the facet in view.
        depth: how many steps of detail were taken by actions; the front end offers the way back.
        selection: records with the names of the axes as keys.
    """

    _esm = STATIC / "heatmap.js"
    _css = STATIC / "heatmap.css"

    spec = traitlets.Dict().tag(sync=True)
    arrays = traitlets.List().tag(sync=True)
    facet = traitlets.Int(0).tag(sync=True)
    depth = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        *,
        title: str,
        values: Any,
        rows: Sequence[str],
        columns: Sequence[str] | Sequence[Sequence[str]],
        row_axis: str,
        column_axis: str,
        row_values: Sequence[Value] | None = None,
        column_values: Sequence[Value] | None = None,
        facets: Sequence[str] | None = None,
        facet_axis: str | None = None,
        facet_values: Sequence[Value] | None = None,
        unit: str = "",
        kind: str = "diverging",
        domain: Sequence[float | int] | None = None,
        description: str = "",
        token_rows: bool = False,
        token_columns: bool = False,
        upward: bool | None = None,
        facet: int = 0,
        actions: Mapping[str, Action] | None = None,
        result: Any = None,
    ):
        """Build the picture.

        Args:
            title: what the picture shows.
            values: (row, column), or (facet, row, column) where there are facets; nan where nothing was measured.
            rows: labels of the rows.
            columns: labels of the columns; with facets also one list per facet, such as the tokens of each prompt,
                `values` then being as wide as the longest.
            row_axis: name of the row axis in selection records, such as "layer".
            column_axis: name of the column axis, such as "head" or "position".
            row_values: what a record carries for each row, ints or strings; the row's index by default.
            column_values: the same for the columns.
            facets: labels of further pictures of the same shape, such as sites or prompts.
            facet_axis: name of their axis.
            facet_values: what a record carries for each facet; its index by default.
            unit: unit of the numbers.
            kind: "diverging" (0 has the colour of the background) or "sequential".
            domain: (low, high) of the colours, the same in every facet; by default the range of the values.
            description: what the numbers are, for the legend.
            token_rows: whether row labels are tokens, to be shown with visible white space.
            token_columns: whether column labels are tokens.
            upward: whether the first row is at the bottom; by default where the rows are layers.
            facet: index of the facet in view.
            actions: "cell" gets `{axis: value, ...}` of a cell and returns what to show instead, as `replace` takes it;
                the reader can go back from there. With "actions" among it, the new picture has those.
            result: the object that the picture shows; an action may return a new one under "result".

        Raises:
            ValueError: a shape, a kind or an axis does not fit the others; the message names it.
        """
        self._arguments: dict[str, Any] = {
            "values": values,
            "rows": rows,
            "columns": columns,
            "row_axis": row_axis,
            "column_axis": column_axis,
            "row_values": row_values,
            "column_values": column_values,
            "facets": facets,
            "facet_axis": facet_axis,
            "facet_values": facet_values,
            "unit": unit,
            "kind": kind,
            "domain": domain,
            "description": description,
            "token_rows": token_rows,
            "token_columns": token_columns,
            "upward": upward,
        }
        self._names = frozenset(self._arguments)
        self._data = HeatmapData(**self._arguments)
        self._check_facet(self._data, facet)
        self._before: list[dict[str, Any]] = []
        super().__init__(
            actions=actions,
            result=result,
            title=title,
            spec=self._data.spec() | {"actions": sorted(actions or ())},
            arrays=self._data.slices(facet),
            facet=facet,
        )
        self.observe(self._send_facet, "facet")
        self.observe(self._show_selected_facet, "selection")

    @property
    def axes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the axes, as in selection records."""
        return self._data.axes

    def replace(self, **arguments: Any) -> None:
        """Show something else: the given constructor arguments change, the others stay.

        With all of values, rows, columns and the names of their axes it is a new picture: what is left out of unit,
        kind, facets and so on has its default, and only title, actions and result stay.

        Raises:
            TypeError: an argument that the constructor does not have.
            ValueError: as the constructor; what is shown stays.
        """
        self._replace(arguments, [])

    def back(self) -> None:
        """Show what was there before the last action; nothing happens where no action changed the picture."""
        self.stop()
        if self._before:
            *rest, last = self._before
            selection = last["selection"]
            self._replace({name: given for name, given in last.items() if name != "selection"}, rest)
            self.selection = selection

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Whether a selection record marks something in this widget."""
        return self._data.has(record)

    def static_html(self) -> str:
        """An HTML table of the facet in view, at most 40 x 40 cells, the rest counted."""
        return heatmap_table(self._data, self.title, self.facet)

    def export_state(self) -> dict[str, Any]:
        """The complete synced state of an offline page, all facets included."""
        arrays = self._data.slices(self.facet, budget=float("inf"))
        return super().export_state() | {"arrays": arrays, "depth": 0}

    def _replace(self, arguments: Mapping[str, Any], before: list[dict[str, Any]]) -> None:
        unknown = arguments.keys() - self._names - set(SHOWN)
        if unknown:
            raise TypeError(f"Heatmap has no argument {', '.join(sorted(unknown))}")
        kept = {} if arguments.keys() >= REQUIRED else self._arguments
        merged = kept | {name: arguments[name] for name in arguments.keys() & self._names}
        data = HeatmapData(**merged)
        facet = arguments.get("facet", self.facet if self.facet < len(data.values) else 0)
        self._check_facet(data, facet)
        self._data, self._arguments, self._before = data, merged, before
        self.actions = dict(arguments.get("actions", self.actions))
        self.result = arguments.get("result", self.result)
        # One message, so that the front end never pairs new labels with old numbers.
        with self.hold_sync():
            self.spec = data.spec() | {"actions": sorted(self.actions)}
            self.title = arguments.get("title", self.title)
            self.arrays = data.slices(facet)
            self.live = bool(self.actions or before)
            self.depth = len(before)
            self.selection = [record for record in self.selection if data.has(record)]
            self.facet = facet

    def _show(self, value: Any) -> None:
        shown = {name: getattr(self, name) for name in SHOWN} | {"selection": self.selection}
        before, arguments = self._before, self._arguments
        super()._show(value)
        if self._arguments is not arguments:
            self._before = [*before, arguments | shown]
            self.live, self.depth = True, len(self._before)

    def _on_request(self, change: Any) -> None:
        request = change["new"]
        if request.get("kind") != "back":
            super()._on_request(change)
            return
        self.back()
        self.status = {"id": request.get("id"), "kind": "back", "state": "idle"}

    @traitlets.validate("selection")
    def _validate_selection(self, proposal: Any) -> list[dict[str, Value]]:
        records = []
        for record in proposal["value"]:
            plain = {axis: value if isinstance(value, str) else int(value) for axis, value in record.items()}
            if not self._data.has(plain):
                raise traitlets.TraitError(f"nothing in this heatmap, with the axes {self.axes}, is at {plain}")
            records.append(plain)
        return records

    @traitlets.validate("facet")
    def _validate_facet(self, proposal: Any) -> int:
        self._check_facet(self._data, proposal["value"])
        return proposal["value"]

    @staticmethod
    def _check_facet(data: HeatmapData, facet: int) -> None:
        if not 0 <= facet < len(data.values):
            raise ValueError(f"there is no facet {facet}: the heatmap has {len(data.values)}")

    def _send_facet(self, _: Any) -> None:
        if all(part["facet"] != self.facet for part in self.arrays):
            self.arrays = self._data.slices(self.facet)

    def _show_selected_facet(self, _: Any) -> None:
        axis = self.axes[2] if len(self.axes) > 2 else ""
        named = [self._data.facet_values.index(record[axis]) for record in self.selection if axis in record]
        if named and self.facet not in named:
            self.facet = named[0]

    def __repr__(self) -> str:
        data = self._data
        sizes = (len(data.rows), data.width, len(data.facets))
        shape = [counted(size, axis) for size, axis in zip(sizes, data.axes, strict=False)]
        return f"Heatmap({self.title!r}: {', '.join(shape)})"
