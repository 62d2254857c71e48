"""From the tensors that flow through a module to the values of sites, and back.

A port is one side of one module. Several sites may share a port (q, k and v of a fused projection), and a few are
computed at a port from what passes there (`result`, `resid_mid`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mi_nb.core.architectures import INTERFACE, Architecture, submodule
from mi_nb.core.sites import ATTENTION_INTERNAL, NEURONS, Index, Site, resolve

FUSED = {"q": "qkv", "k": "qkv", "v": "qkv", "mlp_pre": "gate_up", "mlp_linear": "gate_up"}
MODEL_LEVEL = ("embed", "pos_embed", "ln_final", "logits")


@dataclass(frozen=True)
class Dims:
    """Sizes that the layout of fused projections depends on."""

    n_heads: int
    n_key_value_heads: int


def port_name(row: Architecture, site: str) -> str | None:
    """Which port of a block serves a site: a key of `row.ports`, `"pattern"`, or None when the row has none."""
    if site in ATTENTION_INTERNAL:
        if row.pattern == INTERFACE:
            return INTERFACE
        return "pattern" if site == "pattern" and row.pattern.endswith(":out") else None
    if site == "result":
        return "result" if "z" in row.ports else None
    if site == "resid_mid":
        return "attn_out" if row.stream == "serial" and "attn_out" in row.ports else None
    if site in row.ports:
        return site
    fused = FUSED.get(site)
    return fused if fused in row.ports else None


def place_of(row: Architecture, block: nn.Module, site: str) -> tuple[nn.Module, str] | None:
    """The module and side (`"in"` or `"out"`) where a block's site passes; None when it passes nowhere."""
    name = port_name(row, site)
    if name is None or name == INTERFACE:
        return None
    port = row.pattern if name == "pattern" else row.ports["z" if name == "result" else name]
    path, _, side = port.rpartition(":")
    module = submodule(block, path)
    return None if module is None else (module, "out" if name == "result" else side)


def first_tensor(value: Any) -> Tensor:
    """The stream in what a module returns: itself, the first of a tuple, or a model output's logits."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "logits"):
        return value.logits
    return first_tensor(value[0])


def with_first(value: Any, new: Tensor) -> Any:
    """The same output with its first tensor replaced."""
    if isinstance(value, Tensor):
        return new
    if hasattr(value, "logits"):
        value.logits = new
        return value
    if isinstance(value, tuple):
        return (with_first(value[0], new), *value[1:])
    value[0] = with_first(value[0], new)
    return value


def _fused_view(raw: Tensor, part: str, split: str, dims: Dims) -> Tensor:
    """One part of a fused query-key-value output, as a view: (prompt, position, ..., d_head)."""
    batch, length, width = raw.shape
    heads, shared = dims.n_heads, dims.n_key_value_heads
    if split == "heads":
        return raw.view(batch, length, heads, 3, -1)[..., "qkv".index(part), :]
    if split == "groups":
        grouped = raw.view(batch, length, shared, heads // shared + 2, -1)
        return grouped[..., :-2, :] if part == "q" else grouped[..., -2 if part == "k" else -1, :]
    d_head = width // (heads + 2 * shared)
    start = {"q": 0, "k": heads, "v": heads + shared}[part] * d_head
    return raw[..., start : start + (heads if part == "q" else shared) * d_head].unflatten(-1, (-1, d_head))


class Codec:
    """Decodes and encodes the sites of one model.

    Args:
        row: The model's architecture.
        dims: Its head counts.
    """

    def __init__(self, row: Architecture, dims: Dims) -> None:
        self.row, self.dims = row, dims

    def decode(self, site: str, raw: Tensor, batch: int) -> Tensor:
        """The site's value, with the axes of the site table, as a view where possible."""
        if raw.ndim == 2 and not site.startswith("module:"):  # some MLPs flatten prompts and positions
            raw = (
                raw.view(batch, -1, raw.shape[-1])
                if raw.shape[0] % batch == 0 and site != "pos_embed"
                else raw.unsqueeze(0)
            )
        if site == "pos_embed":
            return raw.expand(batch, -1, -1)
        if site == "z":
            return raw.unflatten(-1, (self.dims.n_heads, -1))
        if site in ("q", "k", "v"):
            if "qkv" in self.row.ports:
                view = _fused_view(raw, site, self.row.split, self.dims)
                return view.flatten(2, 3) if view.ndim == 5 else view
            return raw.unflatten(-1, (self.dims.n_heads if site == "q" else self.dims.n_key_value_heads, -1))
        if site in ("mlp_pre", "mlp_linear") and "gate_up" in self.row.ports:
            return raw.chunk(2, -1)[0 if site == "mlp_pre" else 1]
        return raw

    def encode(self, site: str, value: Tensor, raw: Tensor) -> Tensor:
        """The module's tensor with the site's value put in; the given one is not changed."""
        if site in ("q", "k", "v") and "qkv" in self.row.ports:
            new = raw.clone()
            view = _fused_view(new, site, self.row.split, self.dims)
            view.copy_(value.view(view.shape) if view.ndim == 5 else value)
            return new
        if site in ("mlp_pre", "mlp_linear") and "gate_up" in self.row.ports:
            parts = list(raw.chunk(2, -1))
            parts[0 if site == "mlp_pre" else 1] = value
            return torch.cat(parts, -1)
        if site == "pos_embed":
            return value
        return value.reshape(raw.shape)


def head_results(output: nn.Module, z: Tensor) -> Tensor:
    """Each head's write through the output projection, (prompt, position, head, d_model), bias left out.

    Plain linear maps multiply head by head; anything else (quantised, adapted) is asked one head at a time.
    """
    heads, d_head = z.shape[2:]
    weight: Any = getattr(output, "weight", None)
    plain = type(output) is nn.Linear or type(output).__name__ in ("Conv1D", "FalconLinear")
    if plain and weight.is_floating_point() and not weight.is_meta:
        matrix = weight if type(output).__name__ == "Conv1D" else weight.T
        return torch.einsum("bshd,hdm->bshm", z, matrix.view(heads, d_head, -1))
    ask = output.forward  # not a call, which would run the hooks again
    nothing = ask(torch.zeros_like(z).flatten(2))
    alone = torch.eye(heads, dtype=z.dtype, device=z.device)[:, :, None]
    return torch.stack([ask((z * alone[h]).flatten(2)) - nothing for h in range(heads)], 2)


def _sub_index(site: Site, axes: tuple[str, ...], shape: torch.Size) -> list[int] | None:
    if site.head is not None:
        return resolve(site.head, shape[axes.index("head")], "head")
    if site.neuron is not None and axes == NEURONS:
        return resolve(site.neuron, shape[-1], "neuron")
    return None


class Selection:
    """The part of a value that a site's coordinates pick: `take` it, and `put` a new one back.

    Args:
        site: The site, whose int coordinates drop their axis.
        value: The whole value.
        rows: Prompts to pick, or None for all.
        columns: (row, n) position columns, or None for all.
    """

    def __init__(self, site: Site, value: Tensor, rows: list[int] | None, columns: Tensor | None) -> None:
        self.square = "query" in site.axes
        sub = _sub_index(site, site.axes, value.shape)
        dropped = (site.prompt, site.position, site.head if site.head is not None else site.neuron)
        self.dropped = [axis for axis, index in enumerate(dropped) if isinstance(index, int)]
        self.index = self._mesh(rows, columns, sub, value)

    def _mesh(
        self, rows: list[int] | None, columns: Tensor | None, sub: list[int] | None, value: Tensor
    ) -> tuple[Any, ...] | None:
        if rows is None and columns is None and sub is None:
            return None
        device = value.device
        if columns is None:
            parts: list[Any] = [slice(None) if rows is None else torch.tensor(rows, device=device), slice(None)]
            if sub is None:
                return tuple(parts[:1])
            if rows is not None:  # two index arrays around a slice would move axes
                columns = torch.arange(value.shape[2 if self.square else 1]).expand(len(rows), -1)
            else:
                return (*parts, torch.tensor(sub, device=device))
        wanted = torch.arange(value.shape[0]) if rows is None else torch.tensor(rows)
        r, c = wanted[:, None].to(device), columns.to(device)
        if sub is None:
            return (r, c)
        return (r[..., None], c[..., None], torch.tensor(sub, device=device)[None, None])

    def _canonical(self, value: Tensor) -> Tensor:
        return value.transpose(1, 2) if self.square else value

    def take(self, value: Tensor) -> Tensor:
        """The selected part."""
        part = self._canonical(value)
        part = part if self.index is None else part[self.index]
        axes = [{1: 2, 2: 1}.get(a, a) if self.square else a for a in self.dropped]
        part = part.transpose(1, 2) if self.square else part
        for axis in sorted(axes, reverse=True):
            part = part.squeeze(axis)
        return part

    def put(self, value: Tensor, new: Tensor) -> Tensor:
        """A copy of the value with the selected part replaced."""
        axes = [{1: 2, 2: 1}.get(a, a) if self.square else a for a in self.dropped]
        for axis in sorted(axes):
            new = new.unsqueeze(axis)
        if self.index is None:
            return new
        copy = value.clone()
        self._canonical(copy)[self.index] = new.transpose(1, 2) if self.square else new
        return copy


def position_columns(index: Index, lengths: list[int], pads: list[int]) -> Tensor | None:
    """Columns of the padded batch for a position coordinate, (row, n); None for all.

    Negative positions count from each row's own end, so -1 is its last real token.
    """
    if index is None:
        return None
    rows = [[p + pad for p in resolve(index, n, "position")] for n, pad in zip(lengths, pads, strict=True)]
    if len({len(r) for r in rows}) > 1:
        shortest = min(map(len, rows))
        raise ValueError(
            f"position {index} selects {shortest} positions in some prompts and more in others: give a list"
        )
    return torch.tensor(rows)
