"""What the colour of a token grid stands for: a measure, a followed token, or the difference of two prompts.

The front end has the same rules (`widgets/src/token_grid/lens.ts`).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from mi_nb.widgets.static_table import LIMIT, Cell, left_out, legend, plain_number, table, token_label
from mi_nb.widgets.token_grid_data import TokenGridData
from mi_nb.widgets.tokens import visible


@dataclass(frozen=True)
class Lens:
    """The colours of one prompt.

    Attributes:
        caption: what the colour is, with its unit.
        values: (row, position), nan where nothing is known.
        written: whether cells say the value instead of their top token.
    """

    caption: str
    kind: str
    domain: list[float]
    values: np.ndarray
    written: bool


def lens_of(data: TokenGridData, prompt: int, compare: int | None, measure: str, follow: int | None) -> Lens:
    """The colours that the view asks for."""
    if follow is None:
        chosen = _choose(data.measures, measure)
        name, values, more = chosen["name"], chosen["values"], chosen["description"]
    else:
        chosen, values, exact = _followed(data, measure, follow)
        name = f"{chosen['name']} of {visible(token_string(data, follow))}"
        more = "" if exact else f"where it is among the top {data.top}"
    unit = f" ({chosen['unit']})" if chosen["unit"] and not name.startswith(chosen["unit"]) else ""
    described = (f"{name} {more}" if more else name) + unit
    length = data.lengths[prompt]
    if compare is None or compare == prompt:
        return Lens(described, chosen["kind"], chosen["domain"], values[prompt, :, :length], follow is not None)
    ranks = chosen["kind"] == "rank"
    scaled = np.log10(values) if ranks else values
    both = min(length, data.lengths[compare])
    difference = np.full((len(data.rows), length), np.nan)
    difference[:, :both] = scaled[prompt, :, :both] - scaled[compare, :, :both]
    finite = np.abs(difference[np.isfinite(difference)])
    reach = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    logarithm = "log\u2081\u2080 " if ranks else ""
    caption = f"difference of {logarithm}{described}, prompt {prompt + 1} minus prompt {compare + 1}"
    return Lens(caption, "diverging", [-reach, reach], difference, False)


def token_grid_table(
    data: TokenGridData, *, title: str, prompt: int, compare: int | None, measure: str, follow: int | None
) -> str:
    """The table of what a token grid shows, at most 40 x 40 cells with the rest counted."""
    lens = lens_of(data, prompt, compare, measure, follow)
    compared = [] if compare is None or compare == prompt else [data.prompts[compare]["tokens"]]
    tokens = data.prompts[prompt]["tokens"]
    positions = range(min(len(tokens), LIMIT))
    shown = list(reversed(range(len(data.rows))))[:LIMIT]
    rows = [(data.rows[row], [_cell(data, lens, prompt, row, position) for position in positions]) for row in shown]
    heads = [token_label(tokens[at], *(other[at] for other in compared if at < len(other))) for at in positions]
    hidden = left_out(
        [
            (len(tokens) - len(positions), "position"),
            (len(data.rows) - len(shown), "row"),
            (len(data.prompts) - 1 - len(compared), "prompt"),
        ]
    )
    caption = f"{html.escape(title)}. {legend(lens.caption, lens.kind, lens.domain)}{hidden}"
    return table(caption=caption, corner=data.row_axis, heads=heads, rows=rows)


def token_string(data: TokenGridData, token_id: int) -> str:
    """The string of a token id, as far as any list has it."""
    for target in data.targets:
        if target["id"] == token_id:
            return target["token"]
    return data.vocabulary.get(token_id, f"id {token_id}")


def _cell(data: TokenGridData, lens: Lens, prompt: int, row: int, position: int) -> Cell:
    value = float(lens.values[row, position])
    best = data.top_tokens(prompt, row, position)[:1]
    if lens.written:
        text = "" if np.isnan(value) else plain_number(value)
    else:
        text = visible(best[0][1]) if best else plain_number(value)
    return Cell(text, value, lens.kind, lens.domain)


def _choose(measures: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    chosen = name if name in measures else next(iter(measures))
    return {**measures[chosen], "name": chosen}


def _followed(data: TokenGridData, measure: str, token_id: int) -> tuple[dict[str, Any], np.ndarray, bool]:
    """Measure and values (prompt, row, position) of a token, and whether they are known everywhere."""
    ids = [target["id"] for target in data.targets]
    if token_id in ids and data.target_measures:
        chosen = _choose(data.target_measures, measure)
        return chosen, chosen["values"][ids.index(token_id)], True
    hits = data.top_ids == token_id
    ranks = np.broadcast_to(np.arange(1, data.top + 1), hits.shape)
    shared = {"description": ""}
    top = {
        "probability": shared | {"kind": "sequential", "unit": "probability", "domain": [0.0, 1.0]},
        "rank": shared | {"kind": "rank", "unit": "", "domain": [1.0, float(max(data.top, 2))]},
    }
    chosen = _choose(top, measure)
    source = data.top_values if chosen["name"] == "probability" else ranks
    values = np.where(hits, source, 0).sum(-1, dtype=float)
    return chosen, np.where(hits.any(-1), values, np.nan), False
