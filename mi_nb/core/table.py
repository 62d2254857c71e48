"""The table of a result: a pandas DataFrame that understands positions counted from a prompt's end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

_FROM_END = re.compile(r"\bposition\s*(==|!=)\s*-\s*(\d+)")


class Table(pd.DataFrame):
    """A DataFrame whose `query` reads `position == -1` as each prompt's last token, as positions are read everywhere
    else.

    Build it with `table`, which tells it how long each prompt is.
    """

    @property
    def _constructor(self) -> type[Table]:
        return Table

    def query(self, expr: str, **kwargs: Any) -> Any:
        """As `DataFrame.query`, with negative positions counted from the end of each row's own prompt."""
        lengths = self.attrs.get("lengths")
        if lengths is not None and {"prompt", "position"} <= set(self.columns) and _FROM_END.search(expr):
            from_end = self["position"] - np.asarray(lengths)[self["prompt"]]
            expr = _FROM_END.sub(r"from_end_of_prompt \1 -\2", expr)
            kwargs["resolvers"] = (*kwargs.get("resolvers", ()), {"from_end_of_prompt": from_end})
        return super().query(expr, **kwargs)


def table(columns: dict[str, Any], lengths: Sequence[int] | None = None) -> Table:
    """A `Table` from columns.

    Args:
        columns: Arrays or lists by column name.
        lengths: Number of tokens of each prompt, when there is a position column.
    """
    made = Table(columns)
    if lengths is not None:
        made.attrs["lengths"] = [int(n) for n in lengths]
    return made


def rows_of(data: pd.DataFrame, selection: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows that a selection marks: those that agree with at least one record in every axis that the record names.

    Raises:
        KeyError: when a record names an axis that the table does not have.
    """
    marked = pd.Series(False, index=data.index)
    for record in selection:
        unknown = set(record) - set(data.columns)
        if unknown:
            raise KeyError(
                f"the selection names {sorted(unknown)}, which this table does not have: {list(data.columns)}"
            )
        hit = pd.Series(True, index=data.index)
        for axis, value in record.items():
            hit &= data[axis] == value
        marked |= hit
    return data.loc[marked]
