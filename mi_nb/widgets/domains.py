"""The ends of colour scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def colour_domain(values: np.ndarray, kind: str, unit: str = "") -> list[float]:
    """The range of a scale for some values.

    [0, 1] for probabilities, symmetric around 0 for "diverging", from 1 for "rank"; else 0 is an end unless numbers lie
    on both sides of it.
    """
    if kind == "sequential" and unit == "probability":
        return [0.0, 1.0]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if kind == "diverging":
        reach = max(abs(low), abs(high)) or 1.0
        return [-reach, reach]
    if kind == "rank":
        return [1.0, max(high, 2.0)]
    low, high = min(low, 0.0), max(high, 0.0)
    return [low, high if high > low else low + 1.0]


def given_domain(domain: Sequence[float | int], kind: str) -> list[float]:
    """A range that was asked for; a diverging one is widened until 0 is its middle.

    Raises:
        ValueError: the second end is not above the first.
    """
    low, high = (float(end) for end in domain)
    if not low < high:
        raise ValueError(f"a domain goes from low to high, got ({low}, {high})")
    reach = max(abs(low), abs(high))
    return [-reach, reach] if kind == "diverging" else [low, high]
