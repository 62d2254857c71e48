"""Paired timing: every round times all contestants, in alternating order, so that a busy machine slows them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        what: What was timed.
        ours: Median seconds of mi_nb.
        peer: The peer's name.
        ratios: Per round, the peer's time over ours.
        note: Why there is no number, or a remark.
        goal: The ratio that was aimed at, or None.
    """

    what: str
    ours: float
    peer: str
    ratios: tuple[float, ...] = ()
    note: str = ""
    goal: float | None = None

    def __str__(self) -> str:
        shown = self.note or "missing"
        if self.ratios:
            low, high, median = min(self.ratios), max(self.ratios), statistics.median(self.ratios)
            shown = f"{median:6.2f}x  ({low:.2f} to {high:.2f}, {len(self.ratios)} rounds)"
            if self.goal is not None:
                shown += f"  goal {self.goal:g}x: {'met' if median >= self.goal else 'missed'}"
            shown += f"  {self.note}" if self.note else ""
        return f"{self.what:<44} {_seconds(self.ours):>9}  against {self.peer:<20} {shown}"


def _seconds(value: float) -> str:
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def timed(function: Callable[[], object]) -> float:
    """Processor seconds that one call takes, in all threads: what else runs on the machine does not count."""
    start = time.process_time()
    function()
    return time.process_time() - start


def compare(
    what: str,
    ours: Callable[[], object],
    peers: Mapping[str, Callable[[], object] | str],
    *,
    rounds: int,
    goals: Mapping[str, float] | None = None,
    every: int = 1,
) -> list[Line]:
    """Times mi_nb and its peers in rounds.

    Args:
        what: Name of the job.
        ours: mi_nb's way.
        peers: The peers' ways by name; a string says why a peer is missing.
        rounds: How often each is timed.
        goals: Ratios aimed at, by peer.
        every: The peers do every so-manieth part of the job, each part alone; their time is multiplied by it.
    """
    runnable = {name: way for name, way in peers.items() if not isinstance(way, str)}
    ways = {"mi_nb": ours, **runnable}
    for way in ways.values():
        way()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        order = list(ways) if number % 2 == 0 else list(ways)[::-1]
        for name in order:
            times[name].append(timed(ways[name]))
    median = statistics.median(times["mi_nb"])
    lines = []
    for name, way in peers.items():
        if isinstance(way, str):
            lines.append(Line(what, median, name, note=f"missing: {way}"))
            continue
        ratios = tuple(every * theirs / own for theirs, own in zip(times[name], times["mi_nb"], strict=True))
        note = "" if every == 1 else f"(its loop timed on one patch in {every})"
        lines.append(Line(what, median, name, ratios, note, (goals or {}).get(name)))
    return lines
