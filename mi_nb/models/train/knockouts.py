"""Paths knocked out while training, so that the circuits known from the literature are the ones that form.

A knock-out hits a text with a probability of its own and fades to nothing before training ends: the released weights
are trained and measured without them. This is design pressure, and the model cards say so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .batches import Batch, Placed
from .forward import BLOCKED, Pressure


@dataclass(frozen=True)
class Knockouts:
    """Probabilities per text.

    IOI, for END the last token, S2 the second mention of an acting person, IO the answer:
    `no_early_names`: END sees no name in layers 0 and 1, and S2 ... END-1 never see IO (`no_carrying`);
    `no_copies`: nor what stands between IO and S2, from which IO could be read second-hand;
    `only_subject`: END sees nothing between S2 and itself in layer 2;
    `no_late_subject`: END does not see a near S2 from layer 3 on;
    `layer_one_only`: at S2 the layers from 2 on see only what layer 1 wrote;
    `silent_mlps`: the MLPs above the first are silent at END.
    Facts: `late_name`: END does not see the name in layers 0 to 2; `silent_fact_mlps`: as above.
    Greater-than: `no_direct_years`: at END the final norm sees only what MLPs wrote. This one does not fade.
    """

    no_early_names: float = 0.0
    no_carrying: float = 0.0
    no_copies: float = 0.0
    only_subject: float = 0.0
    no_late_subject: float = 0.0
    layer_one_only: float = 0.0
    silent_mlps: float = 0.0
    late_name: float = 0.0
    silent_fact_mlps: float = 0.0
    no_direct_years: float = 0.0

    def scaled(self, factor: float) -> Knockouts:
        """All probabilities that fade, times a factor."""
        fading = {name: value * factor for name, value in vars(self).items() if name != "no_direct_years"}
        return replace(self, **fading)


def apply_knockouts(
    rng: random.Random, batch: Batch, masks: list[Tensor], windows: list[int | None], rates: Knockouts
) -> Pressure:
    """Masks and switches for a batch, drawn text by text."""
    rows, width = batch.ids.shape
    blocked: list[list[int]] = [[] for _ in masks]
    kept = torch.ones(rows, width, 1)
    lone = torch.zeros(rows, width, 1)
    mlps_only = torch.zeros(rows, width, 1)
    for placed in batch.placed:
        if placed.kind == "ioi":
            _ioi(rng, placed, blocked, windows, width, rates)
            if rng.random() < rates.silent_mlps:
                kept[placed.row, placed.end] = 0
            if rng.random() < rates.layer_one_only:
                for position in _second_mentions(placed):
                    lone[placed.row, position] = 1
        elif placed.kind == "facts":
            _facts(rng, placed, blocked, kept, width, rates)
        elif placed.kind == "greater_than" and rng.random() < rates.no_direct_years:
            mlps_only[placed.row, placed.end] = 1
    device = batch.ids.device
    cut = []
    for mask, entries in zip(masks, blocked, strict=True):
        if entries:
            mask = mask.clone()
            mask.view(-1)[torch.tensor(entries, device=device)] = BLOCKED
        cut.append(mask)
    switches = (switch.to(device) if switch.any() else None for switch in (lone, mlps_only))
    return Pressure(cut, kept.to(device), *switches)


def _second_mentions(placed: Placed) -> list[int]:
    return placed.positions("S2") + placed.positions("T2")


def _ioi(
    rng: random.Random,
    placed: Placed,
    blocked: list[list[int]],
    windows: list[int | None],
    width: int,
    rates: Knockouts,
) -> None:
    if rng.random() >= rates.no_early_names:
        return
    io, seconds, end = placed.positions("IO")[0], _second_mentions(placed), placed.end
    firsts = placed.positions("S1") + placed.positions("T1")
    names = [io, *firsts, *seconds]
    subject = min(seconds)
    carriers = [p for p in range(io + 1, subject) if p not in names and p - 1 not in firsts]
    copies_hidden = rng.random() < rates.no_copies
    near_end = [p for p in (io + 1, io + 2) if p < subject and p not in names]
    answer = [io, *(carriers if copies_hidden else near_end)]

    def block(layers: range, queries: range | list[int], keys: list[int]) -> None:
        for layer in layers:
            for query in queries:
                base = (placed.row * width + query) * width
                blocked[layer] += [base + key for key in keys if key < query]

    every = range(len(blocked))
    if rng.random() < rates.no_carrying:
        block(every, range(subject, end), answer)
    after_names = sorted({p + step for p in names for step in (0, 1, 2) if p + step < end})
    block(range(2), [end], sorted({*answer, *after_names}))
    if copies_hidden:
        block(range(3, len(blocked)), [end], carriers)
    reach = windows[2] if len(windows) > 2 and windows[2] else 6
    if end - max(seconds) < reach:
        if rng.random() < rates.only_subject and len(blocked) > 2:
            block(range(2, 3), [end], list(range(max(seconds) + 1, end)))
        if rng.random() < rates.no_late_subject:
            near = sorted({p + step for p in seconds for step in (0, 1, 2) if p + step < end})
            block(range(3, len(blocked)), [end], near)


def _facts(
    rng: random.Random, placed: Placed, blocked: list[list[int]], kept: Tensor, width: int, rates: Knockouts
) -> None:
    subjects = placed.positions("subject")
    hide, silence = rng.random() < rates.late_name, rng.random() < rates.silent_fact_mlps
    for asked in placed.document.asked:
        end = placed.start + asked
        if silence:
            kept[placed.row, end] = 0
        if hide:
            base = (placed.row * width + end) * width
            names = [p - step for p in subjects if p < end for step in (0, 1)]
            for layer in range(min(3, len(blocked))):
                blocked[layer] += [base + p for p in names]
