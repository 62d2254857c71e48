"""Keep the selections of several widgets together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mi_nb.widgets.kit import Widget

Record = dict[str, Any]


def link(*widgets: Widget) -> Callable[[], None]:
    """Share the selection of several widgets along the axes that they have in common.

    Picking head 2.1 in a heatmap shows 2.1 in an attention view: the other widget gets records with the shared axes
    only, and an axis left out of a record stands for all its values. Widgets that share no axis do not disturb each
    other. Synced by the kernel, so an exported page does not keep its widgets together.

    Args:
        *widgets: two or more.

    Returns:
        A function that undoes the link.

    Raises:
        ValueError: fewer than two widgets.
    """
    if len(widgets) < 2:
        raise ValueError(f"link needs at least two widgets, got {len(widgets)}")
    following = False

    def follow(change: Any) -> None:
        nonlocal following
        if following:
            return
        following = True
        try:
            source = change["owner"]
            for widget in widgets:
                if widget is not source:
                    _copy_selection(source, widget)
        finally:
            following = False

    for widget in widgets:
        widget.observe(follow, "selection")

    def unlink() -> None:
        for widget in widgets:
            widget.unobserve(follow, "selection")

    return unlink


def project(selection: Sequence[Record], axes: Sequence[str]) -> list[Record]:
    """The distinct records of a selection along some axes, in order; records without any of them are left out."""
    projected: list[Record] = []
    for record in selection:
        kept = {axis: record[axis] for axis in axes if axis in record}
        if kept and kept not in projected:
            projected.append(kept)
    return projected


def _copy_selection(source: Widget, target: Widget) -> None:
    shared = [axis for axis in target.axes if axis in source.axes]
    if not shared:
        return
    wanted = [record for record in project(source.selection, shared) if target.accepts(record)]
    if source.selection and not wanted:
        return
    if wanted != project(target.selection, shared):
        target.selection = wanted
