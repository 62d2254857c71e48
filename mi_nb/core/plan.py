"""Which rows of a sweep share a forward pass, so that the whole takes least time and fits into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from mi_nb.core.model import Model

LOOK_BACK = 64
"""Passes at earlier layers that a pass is compared with before it stays alone."""


@dataclass(frozen=True)
class Rows:
    """Rows of a sweep: one prompt under one intervention each. All arrays are (row,).

    Attributes:
        intervention: Index of the intervention.
        prompt: Index of the prompt.
        layer: First block that the intervention changes.
        first: First position column that it changes.
        stop: Column after the last one that matters.
        together: True where all rows of the intervention must share a pass.
    """

    intervention: np.ndarray
    prompt: np.ndarray
    layer: np.ndarray
    first: np.ndarray
    stop: np.ndarray
    together: np.ndarray

    def __len__(self) -> int:
        return len(self.prompt)

    def __getitem__(self, index: np.ndarray | slice) -> Rows:
        return Rows(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Pass:
    """Rows that run together, from the first layer and column that any of them changes."""

    rows: Rows

    @property
    def layer(self) -> int:
        """First block that is computed."""
        return int(self.rows.layer.min())

    @property
    def first(self) -> int:
        """First column that is computed."""
        return int(self.rows.first.min())

    @property
    def stop(self) -> int:
        """Column after the last one that is computed."""
        return int(self.rows.stop.max())

    def parts(self, limit: int) -> list[Pass]:
        """Passes of nearly equal size and at most `limit` rows, interventions that stay together apart."""
        if len(self.rows) <= limit:
            return [self]
        cuts, count = [0], -(-len(self.rows) // limit)
        size = -(-len(self.rows) // count)
        for row in range(1, len(self.rows)):
            new = self.rows.intervention[row] != self.rows.intervention[row - 1] or not self.rows.together[row]
            if new and row - cuts[-1] >= size:
                cuts.append(row)
        return [Pass(self.rows[a:b]) for a, b in zip(cuts, [*cuts[1:], len(self.rows)], strict=True)]

    def halves(self) -> list[Pass] | None:
        """Two smaller passes, or None where the rows cannot be parted."""
        parts = self.parts(max(1, len(self.rows) // 2))
        return parts if len(parts) > 1 else None


@dataclass(frozen=True)
class Cost:
    """How long a pass takes, in units of one token in one block.

    Attributes:
        n_layers: Blocks of the model.
        per_block: What a block costs however few tokens it gets: launching its kernels, reading its weights.
        per_pass: What a pass costs besides, in blocks.
    """

    n_layers: int
    per_block: float
    per_pass: float = 2.0

    def of(self, layer: int, first: int, stop: int, rows: int) -> float:
        """The cost of a pass."""
        return (self.n_layers - layer + self.per_pass) * self.per_block + (self.n_layers - layer) * rows * (
            stop - first
        )


def model_cost(model: Model) -> Cost:
    """An estimate from the size of a block and the kind of device; it decides speed only, never a number."""
    block = sum(p.numel() for p in model.blocks[0].parameters()) or 1
    if model.device.type == "cpu":
        rate, bandwidth, launch = 4e10 * torch.get_num_threads(), 1e10, 3e-4
    else:
        rate, bandwidth, launch = 5e13, 1e12, 5e-4
    token = 2 * block / rate
    return Cost(model.n_layers, (launch + block * 4 / bandwidth) / token)


@dataclass
class _Group:
    layer: int
    first: int
    stop: int
    index: np.ndarray

    def joined(self, other: _Group) -> _Group:
        layer, first = min(self.layer, other.layer), min(self.first, other.first)
        return _Group(layer, first, max(self.stop, other.stop), np.concatenate([self.index, other.index]))


def planned(rows: Rows, cost: Cost, limit: int) -> Iterator[Pass]:
    """Passes for all rows: rows that start at one layer and column first, then what is cheaper together."""
    if not len(rows):
        return

    def saving(a: _Group, b: _Group) -> float:
        if len(a.index) + len(b.index) > limit:
            return -1.0
        first, stop = min(a.first, b.first), max(a.stop, b.stop)
        whole = cost.of(min(a.layer, b.layer), first, stop, len(a.index) + len(b.index))
        return sum(cost.of(g.layer, g.first, g.stop, len(g.index)) for g in (a, b)) - whole

    order = np.lexsort((rows.prompt, rows.intervention, rows.stop, rows.first, rows.layer))
    keys = np.stack([rows.layer, rows.first, rows.stop])[:, order]
    cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(0)) + 1
    groups = [
        _Group(int(rows.layer[i[0]]), int(rows.first[i[0]]), int(rows.stop[i[0]]), i) for i in np.split(order, cuts)
    ]
    columns: list[_Group] = []
    for group in groups:
        if columns and columns[-1].layer == group.layer and saving(columns[-1], group) > 0:
            columns[-1] = columns[-1].joined(group)
        else:
            columns.append(group)
    passes: list[_Group] = []
    for group in columns:
        near = range(max(0, len(passes) - LOOK_BACK), len(passes))
        best = max(near, key=lambda i: saving(passes[i], group), default=None)
        if best is not None and saving(passes[best], group) > 0:
            passes[best] = passes[best].joined(group)
        else:
            passes.append(group)
    for group in passes:
        order = np.lexsort((rows.prompt[group.index], rows.intervention[group.index]))
        yield from Pass(rows[group.index[order]]).parts(limit)


def free_bytes(device: torch.device) -> int:
    """Memory that can be had now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + reserved
    found = [8 << 30]
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = [int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) << 10]
    with suppress(OSError, ValueError, KeyError):
        group = Path("/sys/fs/cgroup")
        used = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        kept = int((group / "memory.current").read_text()) - int(used["inactive_file"]) - int(used["active_file"])
        found.append(int((group / "memory.max").read_text()) - kept)
    with suppress(OSError, ValueError, AttributeError):
        if len(found) == 1 and not Path("/proc/meminfo").exists():
            found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2]
    return max(0, min(found))


def rows_at_hand(model: Model, width: int, wanted: int) -> int:
    """How many rows of `width` tokens a pass may have: half of the free memory, and no more than pays on a CPU."""
    size = torch.finfo(model.dtype).bits // 8
    heads = max(1, model.n_heads)
    token = (
        size * (12 * model.d_model + 4 * model.d_mlp + heads * width * 3) + 4 * size * model.d_model * model.n_layers
    )
    row = width * token + wanted * model.vocabulary_size * (3 * max(4, size) + size)
    most = free_bytes(model.device) // 2 // row
    if model.device.type == "cpu":
        most = min(most, 8192 // width + 1)
    return int(max(1, most))
