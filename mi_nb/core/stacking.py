"""Many interventions as few tensors: edits of one kind at one place are stacked, and a pass writes them in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mi_nb.core.edits import Edit, settled
from mi_nb.core.errors import EditError, explain
from mi_nb.core.instrument import Geometry, Instrument, Place
from mi_nb.core.ports import Selection
from mi_nb.core.run import edit_list
from mi_nb.core.sites import NEURONS, Site, layers_of, resolve

if TYPE_CHECKING:
    from mi_nb.core.model import Model

READ_LATER = frozenset({"embed", "pos_embed", "resid_pre", "ln1", "k", "v", "rot_k"})
"""Sites that later positions of the same block read; what others hold stays at its position until the next block."""

STACKED_BYTES = 1 << 28
"""Most that is compared with the clean values at a time."""


@dataclass(frozen=True)
class Entry:
    """One edit of one intervention at one layer.

    Attributes:
        intervention: Index of the intervention.
        site: Where it is made.
        edit: What is done.
        layer: At which layer.
        order: Counts the edits of that intervention at the same place.
        asked: The site as the caller named it.
    """

    intervention: int
    site: Site
    edit: Edit
    layer: int | None
    order: int
    asked: str

    @property
    def place(self) -> Place:
        """Site name and layer."""
        return self.site.name, self.layer


@dataclass
class Block:
    """Edits of one kind at one place, with values of one shape, by several interventions.

    Attributes:
        place: Site name and layer.
        kind: `"set"`, `"add"` or `"scale"`.
        order: Blocks and calls at a place are applied in this order.
        interventions: (edit,) which intervention each belongs to.
        prompts: (edit, prompt) the prompts it changes.
        columns: (edit, prompt, position) the positions it changes.
        sub: (head or neuron,) the heads or neurons it changes; None for all.
        values: (value, prompt or 1, position or 1, ...) distinct values.
        which: (edit,) the value of each.
        changed: (edit, prompt, position) whether the new value differs from the clean one.
        alive: (edit, prompt, position) whether the metric can notice.
    """

    place: Place
    kind: str
    order: int
    interventions: np.ndarray
    prompts: np.ndarray
    columns: np.ndarray
    sub: Tensor | None
    values: Tensor
    which: np.ndarray
    changed: np.ndarray
    alive: np.ndarray


@dataclass(frozen=True)
class Call:
    """An edit by a function, which sees its prompts together: their rows share a pass."""

    entry: Entry
    prompts: list[int]
    columns: Tensor | None


def entries_of(model: Model, interventions: Sequence[Mapping[Any, Any]]) -> list[Entry]:
    """The edits of all interventions, layer by layer."""
    found = []
    for i, intervention in enumerate(interventions):
        seen: dict[Place, int] = defaultdict(int)
        try:
            edits = edit_list(intervention)
            names = {site.name for site, _ in edits}
            moves = names.isdisjoint({"resid_pre"}) and "resid_pre" not in model.unsupported
            for site, edit in edits:
                for layer in layers_of(model.supported(site), model.n_layers):
                    change, here, at = settled(edit, site, layer), site, layer
                    if site.name == "resid_post" and moves and layer is not None and layer < model.n_layers - 1:
                        here, at = replace(site, name="resid_pre"), layer + 1  # the same stream, one block less to run
                    found.append(Entry(i, here, change, at, seen[here.name, at], str(site)))
                    seen[here.name, at] += 1
        except Exception as error:
            raise explain(error, f"in intervention {i}") from None
    return found


def canonical(site_is_square: bool, value: Tensor) -> Tensor:
    """A value with its position (or query) axis second."""
    return value.transpose(1, 2) if site_is_square else value


class Stacker:
    """Turns entries into blocks and calls.

    Args:
        geometry: The batch of prompts.
        clean: Clean values by place, for shapes, types and comparison.
    """

    def __init__(self, geometry: Geometry, clean: Mapping[Place, Tensor]) -> None:
        self.geometry, self.clean = geometry, clean
        self._meshes: dict[Any, tuple[list[int], Tensor | None]] = {}

    def mesh(self, site: Site) -> tuple[list[int], Tensor | None]:
        """Prompts, and their (prompt, position) columns or None for all, that a site's coordinates pick."""
        key = (str(site.prompt), str(site.position))
        if key not in self._meshes:
            rows, columns = self.geometry.groups(site)[0]
            self._meshes[key] = (list(range(self.geometry.batch)) if rows is None else rows, columns)
        return self._meshes[key]

    def stack(self, entries: Sequence[Entry]) -> tuple[list[Block], list[Call]]:
        """Blocks and calls for the entries."""
        calls, groups = [], defaultdict(list)
        for entry in entries:
            try:
                prompts, columns = self.mesh(entry.site)
                if entry.edit.kind == "function":
                    calls.append(Call(entry, prompts, columns))
                    continue
                kind, value, sub = self._value(entry, prompts, columns)
            except Exception as error:
                raise explain(error, f"in the edit of {entry.asked}, intervention {entry.intervention}") from None
            n = self.clean[entry.place].shape[entry.site.position_axis] if columns is None else columns.shape[1]
            key = (entry.place, entry.order, kind, tuple(value.shape[1:]), sub, len(prompts), value.shape[0], n)
            groups[key].append((entry, prompts, columns, value))
        return [self._block(key, members) for key, members in groups.items()], calls

    def _value(
        self, entry: Entry, prompts: list[int], columns: Tensor | None
    ) -> tuple[str, Tensor, tuple[int, ...] | None]:
        """Kind, value with canonical axes (1 where it broadcasts), and heads or neurons."""
        site, edit, clean = entry.site, entry.edit, self.clean[entry.place]
        square, shape = "query" in site.axes, list(clean.shape)
        shape[0] = len(prompts)
        if columns is not None:
            shape[site.position_axis] = columns.shape[1]
        dropped = {0: site.prompt, site.position_axis: site.position}
        sub = None
        for axis, (name, index) in enumerate(zip(site.axes, _coordinates(site), strict=True)):
            if name in ("head", "neuron") and index is not None:
                dropped[axis] = index
                sub = tuple(resolve(index, shape[axis], name))
                shape[axis] = len(sub)
        gone = sorted(axis for axis, index in dropped.items() if isinstance(index, int))
        kept = [size for axis, size in enumerate(shape) if axis not in gone]
        given = edit.value if isinstance(edit.value, Tensor) else torch.tensor(edit.value or 0.0, dtype=clean.dtype)
        if given.ndim > len(kept) or any(
            s not in (1, k) for s, k in zip(reversed(given.shape), reversed(kept), strict=False)
        ):
            raise EditError(f"the value has shape {tuple(given.shape)} but the site holds {tuple(kept)}")
        value = given.reshape([1] * (len(kept) - given.ndim) + list(given.shape))
        for axis in gone:
            value = value.unsqueeze(axis)
        return "set" if edit.kind == "zero" else edit.kind, canonical(square, value), sub

    def _block(self, key: tuple, members: list[tuple[Entry, list[int], Tensor | None, Tensor]]) -> Block:
        place, order, kind, _, sub, _, _, n = key
        clean, square = self.clean[place], "query" in members[0][0].site.axes
        slots: dict[int, int] = {}
        distinct = []
        which = []
        for entry, _, _, value in members:
            source = id(entry.edit.value)
            if source not in slots:
                slots[source] = len(distinct)
                distinct.append(value)
            which.append(slots[source])
        every = np.arange(n)
        prompts = np.array([p for _, p, _, _ in members])
        columns = np.stack([np.broadcast_to(every, (len(p), n)) if c is None else c.numpy() for _, p, c, _ in members])
        index = None if sub is None else torch.tensor(sub, device=clean.device)
        values = torch.stack(distinct).to(device=clean.device, dtype=clean.dtype)
        block = Block(
            place=place,
            kind=kind,
            order=order,
            interventions=np.array([e.intervention for e, _, _, _ in members]),
            prompts=prompts,
            columns=columns,
            sub=index,
            values=values,
            which=np.array(which),
            changed=np.ones_like(columns, dtype=bool),
            alive=np.ones_like(columns, dtype=bool),
        )
        self._compare(block, canonical(square, clean))
        return block

    def _compare(self, block: Block, clean: Tensor) -> None:
        """Marks the positions where the new value is the clean one, bit for bit."""
        each = max(1, block.columns[0].size * clean[0, 0].numel() * clean.element_size())
        step = max(1, STACKED_BYTES // each)
        for start in range(0, len(block.interventions), step):
            part = slice(start, start + step)
            prompts = torch.from_numpy(block.prompts[part]).to(clean.device)[..., None]
            columns = torch.from_numpy(block.columns[part]).to(clean.device)
            old = (
                clean[prompts, columns]
                if block.sub is None
                else clean[prompts[..., None], columns[..., None], block.sub]
            )
            new = applied(block.kind, old, block.values[torch.from_numpy(block.which[part]).to(clean.device)])
            block.changed[part] = (new != old).flatten(3).any(-1).cpu().numpy()


def _coordinates(site: Site) -> list[Any]:
    """The site's coordinate for each of its axes."""
    by_axis = {"prompt": site.prompt, "position": site.position, "query": site.position, "head": site.head}
    by_axis["neuron"] = site.neuron if site.axes == NEURONS else None
    return [by_axis.get(axis) for axis in site.axes]


def applied(kind: str, old: Tensor, value: Tensor) -> Tensor:
    """The new value."""
    return value.expand_as(old) if kind == "set" else old + value if kind == "add" else old * value


@dataclass(frozen=True)
class Write:
    """What one pass writes from one block: `index` (row, column[, sub]) of the canonical value."""

    kind: str
    rows: Tensor
    columns: Tensor
    sub: Tensor | None
    values: Tensor

    def __call__(self, value: Tensor, first: int, positions: int) -> Tensor:
        """The value with the writes done, in place; a value of a single position holds the wanted one only."""
        columns = self.columns - first if value.shape[1] == positions else torch.zeros_like(self.columns)
        index: tuple[Tensor, ...] = (self.rows, columns)
        if self.sub is not None:
            index = (self.rows[:, None], columns[:, None], self.sub)
        new = self.values[..., : value.shape[-1]] if self.values.shape[-1] > value.shape[-1] else self.values
        value[index] = new if self.kind == "set" else applied(self.kind, value[index], new)
        return value


class StackedEdits(Instrument):
    """The edits of one pass whose rows belong to different interventions.

    Args:
        model: The model.
        writes: Writes and calls by place, in the order in which they are applied; a call comes with its pass rows.
        rows: Rows of the pass.
        first: First column that the pass computes.
        stop: Column after the last.
    """

    def __init__(self, model: Model, writes: Mapping[Place, list[Any]], rows: int, first: int, stop: int) -> None:
        length = stop - first
        super().__init__(model, geometry=Geometry(rows, length, 0, [0] * rows, [length] * rows, strict=True))
        self.first, self.positions = first, length
        self.writes = writes
        for place in writes:
            self.edits[place] = []  # where to install; `visit` below does the work

    def visit(self, name: str, layer: int | None, value: Tensor) -> Tensor:
        """Applies this place's writes and calls."""
        square = name in ("pattern", "attn_scores")
        whole = name == "rot_k"  # keys of earlier positions come from the cache
        new = value.clone()
        for write in self.writes.get((name, layer), ()):
            if isinstance(write, Write):
                positions = new.shape[1] if whole else self.positions
                write(canonical(square, new), 0 if whole else self.first, positions)
            else:
                call, rows = write
                columns = None if call.columns is None else call.columns - (0 if whole else self.first)
                part = Selection(call.entry.site, new, rows, columns)
                try:
                    new = part.put(new, call.entry.edit(part.take(new)))
                except Exception as error:
                    where = f"in the edit of {call.entry.asked}, intervention {call.entry.intervention}"
                    raise explain(error, where) from None
        return new


def writes_of(
    blocks: Sequence[Block],
    calls: Sequence[Call],
    row_of: np.ndarray,
    *,
    layer: int,
    first: int,
) -> dict[Place, list[Any]]:
    """What a pass writes at each place.

    Args:
        blocks: All blocks.
        calls: All calls.
        row_of: (intervention, prompt) row in this pass, -1 for those not in it.
        layer: First block that the pass computes; edits before it change nothing.
        first: First column that it computes.
    """
    found: dict[Place, list[tuple[int, Any]]] = defaultdict(list)
    for block in blocks:
        depth = depth_of(block.place, layer)
        if depth < layer:
            continue
        rows = row_of[block.interventions[:, None], block.prompts]
        here = (rows >= 0)[..., None] & block.alive & (block.columns >= first)
        if not here.any():
            continue
        g, p, c = here.nonzero()
        slot, size = block.which[g], block.values.shape
        at = (slot, p if size[1] > 1 else 0 * p, c if size[2] > 1 else 0 * c)
        values = block.values[tuple(torch.from_numpy(i).to(block.values.device) for i in at)]
        row, column = (torch.from_numpy(i).to(block.values.device) for i in (rows[g, p], block.columns[g, p, c]))
        found[block.place].append((block.order, Write(block.kind, row, column, block.sub, values)))
    for call in calls:
        rows = row_of[call.entry.intervention, call.prompts]
        if (rows >= 0).all() and depth_of(call.entry.place, layer) >= layer:
            found[call.entry.place].append((call.entry.order, (call, rows.tolist())))
    return {place: [w for _, w in sorted(here, key=lambda w: w[0])] for place, here in found.items()}


def depth_of(place: Place, n_layers: int) -> int:
    """The layer of a place; embeddings come before all, the final norm and the logits after all."""
    name, layer = place
    return layer if layer is not None else 0 if name in ("embed", "pos_embed") else n_layers
