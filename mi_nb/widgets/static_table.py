"""A token grid as an HTML table, for pages where no script runs."""

from __future__ import annotations

import html
import json
import math
from functools import cache
from typing import Any

from mi_nb.widgets.kit import STATIC
from mi_nb.widgets.token_grid_data import TokenGridData
from mi_nb.widgets.tokens import visible

LIMIT = 40
_CELL = "padding:2px 6px;text-align:left;white-space:nowrap;max-width:9em;overflow:hidden;text-overflow:ellipsis;"
_CODE = "font-family:var(--jp-code-font-family,monospace);font-size:12px;"


def token_grid_table(data: TokenGridData, title: str, prompt: int, measure: str) -> str:
    """The table of one prompt, coloured by a measure, at most 40 x 40 cells with the rest counted."""
    name = measure if measure in data.measures else next(iter(data.measures))
    chosen = data.measures[name]
    tokens = data.prompts[prompt]["tokens"]
    columns = min(len(tokens), LIMIT)
    rows = list(reversed(range(len(data.rows))))[:LIMIT]
    body = "".join(_row(data, prompt, row, columns, chosen) for row in rows)
    style = f"{_CELL}{_CODE}font-weight:normal"
    heads = "".join(f'<th scope="col" style="{style}">{_text(token)}</th>' for token in tokens[:columns])
    unit = f" ({html.escape(chosen['unit'])})" if chosen["unit"] and chosen["unit"] != name else ""
    low, high = (plain_number(end) for end in chosen["domain"])
    caption = f"{html.escape(title)}. Colour: {html.escape(name)}{unit}, {low} to {high}."
    hidden = _hidden(data, prompt, columns, len(rows))
    return (
        '<table style="border-collapse:separate;border-spacing:1px;font-size:12px">'
        f'<caption style="text-align:left;padding:4px 0">{caption}{hidden}</caption>'
        f"<tbody>{body}</tbody>"
        f'<tfoot><tr><th scope="row" style="{_CELL}">{html.escape(data.row_axis)}</th>{heads}</tr></tfoot></table>'
    )


def _row(data: TokenGridData, prompt: int, row: int, columns: int, measure: dict[str, Any]) -> str:
    cells = []
    for position in range(columns):
        value = float(measure["values"][prompt, row, position])
        background, ink = colours(value, measure["kind"], measure["domain"])
        best = data.top_tokens(prompt, row, position)[:1]
        label = _text(best[0][1]) if best else plain_number(value)
        cells.append(f'<td style="{_CELL}{_CODE}background:{background};color:{ink}">{label}</td>')
    head = f'<th scope="row" style="{_CELL}font-weight:normal;text-align:right">{html.escape(data.rows[row])}</th>'
    return f"<tr>{head}{''.join(cells)}</tr>"


def _hidden(data: TokenGridData, prompt: int, columns: int, rows: int) -> str:
    left_out = [
        (data.lengths[prompt] - columns, "position"),
        (len(data.rows) - rows, "row"),
        (len(data.prompts) - 1, "prompt"),
    ]
    counted = [f"{count:,} more {what}{'' if count == 1 else 's'}" for count, what in left_out if count > 0]
    return f" Not shown: {', '.join(counted)}." if counted else ""


def _text(token: str) -> str:
    return html.escape(visible(token))


def plain_number(value: float) -> str:
    """Three digits, a true minus and no negative zero; an en dash for what is missing."""
    if not math.isfinite(value):
        return "\u2013" if math.isnan(value) else ("\u221e" if value > 0 else "\u2212\u221e")
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if float(text.replace(",", "")) == 0:
        return "0"
    return text.replace("-", "\u2212")


def colours(value: float, kind: str, domain: list[float]) -> tuple[str, str]:
    """Background and ink of a value on the light colour scale."""
    if math.isnan(value):
        return "transparent", "inherit"
    ramps = _ramps()
    low, high = domain
    if kind == "rank":
        share = 1 - (math.log(max(value, 1.0)) - math.log(low)) / (math.log(high) - math.log(low))
    else:
        share = (value - low) / (high - low)
    ramp = ramps["diverging" if kind == "diverging" else "sequential"]
    background = ramp[round(min(max(share, 0.0), 1.0) * (len(ramp) - 1))]
    return background, ramps["dark_ink"] if luminance(background) > 0.25 else ramps["light_ink"]


def luminance(colour: str) -> float:
    """Relative luminance of a `#rrggbb` colour, as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@cache
def _ramps() -> dict[str, Any]:
    return json.loads((STATIC / "ramps.json").read_text(encoding="utf-8"))
