"""Coloured HTML tables, for pages where no script runs."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from mi_nb.widgets.kit import STATIC
from mi_nb.widgets.tokens import visible

LIMIT = 40
"""Most rows, and most columns, of a table."""

_CELL = "padding:2px 6px;text-align:left;white-space:nowrap;max-width:9em;overflow:hidden;text-overflow:ellipsis;"
_CODE = "font-family:var(--jp-code-font-family,monospace);font-size:12px;"


class Cell:
    """One coloured cell.

    Args:
        text: what it says, inserted as text.
        value: the number behind its colour.
        kind: "sequential", "diverging" or "rank".
        domain: the ends of the colour scale.
    """

    def __init__(self, text: str, value: float | int, kind: str, domain: Sequence[float | int]):
        self.text = text
        self.background, self.ink = colours(value, kind, domain)


def table(*, caption: str, corner: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]]) -> str:
    """Rows from the top with the column labels below.

    Args:
        caption: HTML; everything else is text. A line end in a label starts a new line.
        corner: the name of the row axis.
        heads: labels of the columns.
        rows: label and cells of each row.
    """
    style = f"{_CELL}{_CODE}font-weight:normal;vertical-align:top"
    labels = "".join(f'<th scope="col" style="{style}">{_lines(head)}</th>' for head in heads)
    return (
        '<table style="border-collapse:separate;border-spacing:1px;font-size:12px">'
        f'<caption style="text-align:left;padding:4px 0">{caption}</caption>'
        f"<tbody>{''.join(_row(label, cells) for label, cells in rows)}</tbody>"
        f'<tfoot><tr><th scope="row" style="{_CELL}">{_lines(corner)}</th>{labels}</tr></tfoot></table>'
    )


def legend(name: str, kind: str, domain: Sequence[float | int]) -> str:
    """The colour scale in words, its ends (and 0 between them) in their colours, as HTML."""
    low, high = domain
    values = [low, 0.0, high] if low < 0 < high else [low, high]
    swatches = " ".join(_swatch(Cell(plain_number(value), value, kind, domain)) for value in values)
    return f"Colour: {html.escape(name)} {swatches}."


def left_out(counts: Sequence[tuple[int, str]]) -> str:
    """What a table does not show, counted; empty where it shows everything."""
    listed = [counted(count, f"more {what}") for count, what in counts if count > 0]
    return f" Not shown: {', '.join(listed)}." if listed else ""


def counted(count: int, what: str) -> str:
    """A number with its noun, plural where it is not one."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def plain_number(value: float | int) -> str:
    """Three digits, a true minus and no negative zero; an en dash for what is missing."""
    if not math.isfinite(value):
        return "\u2013" if math.isnan(value) else ("\u221e" if value > 0 else "\u2212\u221e")
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "\u2212")
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "\u2212")


def colours(value: float | int, kind: str, domain: Sequence[float | int]) -> tuple[str, str]:
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


def _row(label: str, cells: Sequence[Cell]) -> str:
    head = f'<th scope="row" style="{_CELL}font-weight:normal;text-align:right">{_lines(label)}</th>'
    shown = (
        f'<td style="{_CELL}{_CODE}background:{cell.background};color:{cell.ink}">{html.escape(cell.text)}</td>'
        for cell in cells
    )
    return f"<tr>{head}{''.join(shown)}</tr>"


def _swatch(cell: Cell) -> str:
    return (
        f'<span style="padding:1px 6px;background:{cell.background};color:{cell.ink}">{html.escape(cell.text)}</span>'
    )


def _lines(label: str) -> str:
    return "<br>".join(html.escape(line) for line in label.split("\n"))


def token_label(*tokens: str) -> str:
    """Tokens one above the other; one that repeats the first is left out."""
    shown = [visible(token) for token in tokens]
    return "\n".join([shown[0], *(token for token in shown[1:] if token != shown[0])])


@cache
def _ramps() -> dict[str, Any]:
    return json.loads((STATIC / "ramps.json").read_text(encoding="utf-8"))
