"""A heatmap as an HTML table, for pages where no script runs."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence

from mi_nb.widgets.heatmap_data import HeatmapData
from mi_nb.widgets.static_table import LIMIT, Cell, left_out, legend, plain_number, table
from mi_nb.widgets.tokens import visible


def heatmap_table(data: HeatmapData, title: str, facet: int) -> str:
    """The table of a facet, at most 40 x 40 cells with the rest counted."""
    row_axis, column_axis, *facet_axis = data.axes
    labels, count = data.labels(facet), len(data.rows)
    order = [*reversed(range(count))] if data.upward else [*range(count)]
    columns = range(min(len(labels), LIMIT))
    write = writer(data.domain)

    def cell(row: int, column: int) -> Cell:
        value = float(data.values[facet, row, column])
        return Cell(write(value), value, data.kind, data.domain)

    hidden = left_out(
        [
            (count - LIMIT, row_axis),
            (len(labels) - LIMIT, column_axis),
            *((len(data.facets) - 1, axis) for axis in facet_axis),
        ]
    )
    shown = "".join(f"{axis}: {visible(data.facets[facet])}. " for axis in facet_axis)
    return table(
        caption=f"{html.escape(f'{title}. {shown}')}{legend(data.name, data.kind, data.domain)}{hidden}",
        corner=f"{column_axis} \u2192\n{row_axis} \u2191",
        heads=[_label(labels[column], data.token_columns) for column in columns],
        rows=[
            (_label(data.rows[row], data.token_rows), [cell(row, column) for column in columns])
            for row in order[:LIMIT]
        ],
    )


def writer(domain: Sequence[float | int]) -> Callable[[float | int], str]:
    """How the numbers of a picture are written in its cells: three digits of the largest, or two below 1."""
    reach = max(abs(end) for end in domain)
    exponent = math.floor(math.log10(reach))
    decimals = min(max((1 if exponent < 0 else 2) - exponent, 0), 4)

    def write(value: float | int) -> str:
        if not math.isfinite(value) or reach < 1e-3:
            return plain_number(value)
        text = f"{value:,.{decimals}f}"
        if float(text.replace(",", "")) == 0:
            return "0"
        return text.replace("-", "\u2212").replace("0.", ".", 1) if abs(value) < 1 else text.replace("-", "\u2212")

    return write


def _label(label: str, token: bool) -> str:
    return visible(label) if token else label
