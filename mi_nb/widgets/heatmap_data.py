"""What a heatmap shows, checked once and packed facet by facet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mi_nb.widgets.arrays import pack, to_numpy
from mi_nb.widgets.domains import colour_domain, given_domain
from mi_nb.widgets.tokens import clean

BUDGET = 5_000_000
"""Bytes of numbers sent at once."""

KINDS = ("sequential", "diverging")
RESERVED = ("kind", "id")
Value = int | str


class HeatmapData:
    """The checked arguments of a heatmap; see `Heatmap` for what they are.

    Raises:
        ValueError: an argument's shape, a kind or an axis does not fit the others; the message names it.
    """

    def __init__(
        self,
        *,
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
    ):
        self.rows = [clean(row) for row in rows]
        self.facets = [clean(facet) for facet in facets or ()]
        count = max(len(self.facets), 1)
        self.columns = _columns(columns, len(self.facets))
        self.width = max(map(len, self.columns), default=0)
        if not self.rows or not all(self.columns) or not self.columns:
            raise ValueError("a heatmap needs at least one row and one column")
        self.axes = _axes(row_axis, column_axis, facet_axis, bool(self.facets))
        self.row_values = _values("row_values", row_values, len(self.rows))
        self.column_values = _values("column_values", column_values, self.width)
        self.facet_values = _values("facet_values", facet_values, count)
        if kind not in KINDS:
            raise ValueError(f"a heatmap has no kind {kind!r}; use one of {', '.join(KINDS)}")
        shape = (count, len(self.rows), self.width)
        self.values = to_numpy("values", values, shape if self.facets else shape[1:]).reshape(shape)
        padding = np.arange(self.width) >= np.array([self.length(facet) for facet in range(count)])[:, None, None]
        self.values = np.where(padding, np.float32(np.nan), self.values)
        if self.values[0].size * 2 > BUDGET:
            raise ValueError(f"a heatmap shows at most {BUDGET // 2:,} cells, not {self.values[0].size:,}")
        self.kind, self.unit, self.description = kind, str(unit), str(description)
        self.domain = colour_domain(self.values, kind, unit) if domain is None else given_domain(domain, kind)
        self.token_rows, self.token_columns = bool(token_rows), bool(token_columns)
        self.upward = row_axis == "layer" if upward is None else bool(upward)

    @property
    def name(self) -> str:
        """What the numbers are, with their unit."""
        if not self.description:
            return self.unit or "value"
        return f"{self.description} ({self.unit})" if self.unit else self.description

    def labels(self, facet: int) -> list[str]:
        """Column labels of a facet."""
        return self.columns[facet if len(self.columns) > 1 else 0]

    def length(self, facet: int) -> int:
        """Columns of a facet."""
        return len(self.labels(facet))

    def spec(self) -> dict[str, Any]:
        """Everything but the numbers."""
        row_axis, column_axis, *facet_axis = self.axes
        return {
            "rows": self.rows,
            "row_axis": row_axis,
            "row_values": self.row_values,
            "columns": self.columns,
            "column_axis": column_axis,
            "column_values": self.column_values,
            "facets": self.facets,
            "facet_axis": facet_axis[0] if facet_axis else "",
            "facet_values": self.facet_values,
            "name": self.name,
            "unit": self.unit,
            "kind": self.kind,
            "domain": self.domain,
            "token_rows": self.token_rows,
            "token_columns": self.token_columns,
            "upward": self.upward,
        }

    def slices(self, facet: int, budget: float | int | None = None) -> list[dict[str, Any]]:
        """The numbers to send: the facet in view, then others as long as they fit the `budget` (`BUDGET` bytes).

        A facet that does not fit goes in half precision.
        """
        budget = BUDGET if budget is None else budget
        cost = self.values[0].size * 4
        dtype = "float32" if cost <= budget else "float16"
        order = [facet, *(other for other in range(len(self.values)) if other != facet)]
        chosen = order[: int(max(1, min(budget / cost, len(order))))]
        return [{"facet": at, "values": pack(self.values[at], self.axes[:2], dtype)} for at in chosen]

    def has(self, record: Mapping[str, Value]) -> bool:
        """Whether a record marks a cell, a row, a column or a facet."""
        known = dict(zip(self.axes, (self.row_values, self.column_values, self.facet_values), strict=False))
        if not record or any(axis not in known or value not in known[axis] for axis, value in record.items()):
            return False
        if self.axes[1] not in record or self.axes[-1] not in record or not self.facets:
            return True
        facet = self.facet_values.index(record[self.axes[2]])
        return self.column_values.index(record[self.axes[1]]) < self.length(facet)


def _columns(columns: Sequence[Any], facets: int) -> list[list[str]]:
    """Column labels: one list for all facets, or one for each."""
    if not columns or isinstance(columns[0], str):
        return [[clean(column) for column in columns]]
    if len(columns) != facets:
        raise ValueError(f"{len(columns)} lists of columns but {facets} facets")
    return [[clean(column) for column in labels] for labels in columns]


def _axes(row_axis: str, column_axis: str, facet_axis: str | None, faceted: bool) -> tuple[str, ...]:
    if faceted and not facet_axis:
        raise ValueError("facets need a facet_axis, the name of their axis")
    axes = (row_axis, column_axis, facet_axis) if faceted and facet_axis else (row_axis, column_axis)
    if len(set(axes)) < len(axes) or set(axes) & set(RESERVED):
        raise ValueError(f"the axes of a heatmap need different names, none of them {RESERVED}; got {axes}")
    return axes


def _values(name: str, values: Sequence[Value] | None, count: int) -> list[Value]:
    given = [value if isinstance(value, str) else int(value) for value in (range(count) if values is None else values)]
    if len(given) != count or len(set(given)) < count:
        raise ValueError(f"{name} has {len(set(given))} different values for {count} places")
    return given
