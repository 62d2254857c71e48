"""The one table of sites: every place in a model that can be read or edited, with its name, axes and meaning.

Names are the short names of TransformerLens, which the field's papers use. Layer, head and position are coordinates of
a `Site`, never part of its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mi_nb.core.errors import SiteError

Index = int | slice | Sequence[int] | None
"""A coordinate: an int drops its axis, a list or slice keeps it, None takes all."""

SiteLike = Any
"""A `Site`, a site's name, or a tuple `(name, layer)` or `(name, layer, head)`."""

STREAM = ("prompt", "position", "d_model")
PER_HEAD = ("prompt", "position", "head", "d_head")
SQUARE = ("prompt", "head", "query", "key")
NEURONS = ("prompt", "position", "neuron")


@dataclass(frozen=True)
class SiteRow:
    """One row of the table: `axes` are a single layer's; stacked, sites inside blocks gain a leading layer axis."""

    name: str
    axes: tuple[str, ...]
    meaning: str
    in_block: bool = True
    transformer_lens: str | None = None


TABLE: dict[str, SiteRow] = {
    row.name: row
    for row in (
        SiteRow("embed", STREAM, "token embeddings, as the embedding module returns them", False, "hook_embed"),
        SiteRow("pos_embed", STREAM, "learned position embeddings", False, "hook_pos_embed"),
        SiteRow("resid_pre", STREAM, "residual stream entering the block", True, "hook_resid_pre"),
        SiteRow("ln1", STREAM, "normalised stream that attention reads", True, "ln1.hook_out"),
        SiteRow("q", PER_HEAD, "queries as projected, before any rotation or query norm", True, "attn.hook_q"),
        SiteRow("k", PER_HEAD, "keys as projected (one per key-value head), before rotation", True, "attn.hook_k"),
        SiteRow("v", PER_HEAD, "values (one per key-value head)", True, "attn.hook_v"),
        SiteRow("rot_q", PER_HEAD, "queries as the scores see them (normed, rotated)", True, "attn.hook_rot_q"),
        SiteRow("rot_k", PER_HEAD, "keys as the scores see them (normed, rotated)", True, "attn.hook_rot_k"),
        SiteRow(
            "attn_scores", SQUARE, "scaled scores before the softmax; -inf where masked", True, "attn.hook_attn_scores"
        ),
        SiteRow(
            "pattern",
            SQUARE,
            "attention weights; rows sum to 1 over keys (less with a sink)",
            True,
            "attn.hook_pattern",
        ),
        SiteRow("z", PER_HEAD, "each head's weighted sum of values, before the output projection", True, "attn.hook_z"),
        SiteRow(
            "result",
            ("prompt", "position", "head", "d_model"),
            "each head's write through the output projection, without its bias",
            True,
            "attn.hook_result",
        ),
        SiteRow("attn_out", STREAM, "what attention adds to the stream", True, "hook_attn_out"),
        SiteRow("resid_mid", STREAM, "stream between attention and MLP (serial blocks)", True, "hook_resid_mid"),
        SiteRow("ln2", STREAM, "normalised stream that the MLP reads", True, "ln2.hook_out"),
        SiteRow("mlp_pre", NEURONS, "neurons before the activation (the gate, in gated MLPs)", True, "mlp.hook_pre"),
        SiteRow("mlp_linear", NEURONS, "the linear branch of a gated MLP", True, "mlp.hook_pre_linear"),
        SiteRow("mlp_post", NEURONS, "neurons as the output projection reads them", True, "mlp.hook_post"),
        SiteRow("mlp_out", STREAM, "what the MLP adds to the stream", True, "hook_mlp_out"),
        SiteRow("mixer_out", STREAM, "what a state-space mixer adds to the stream", True, None),
        SiteRow("resid_post", STREAM, "residual stream leaving the block", True, "hook_resid_post"),
        SiteRow("ln_final", STREAM, "stream after the final norm", False, "ln_final.hook_out"),
        SiteRow("logits", ("prompt", "position", "vocabulary"), "next-token logits", False, None),
    )
}

COORDINATES = ("layer", "head", "position", "prompt", "neuron")
HEAD_AXIS_IS_KEY_VALUE = frozenset({"k", "v", "rot_k"})
ATTENTION_INTERNAL = frozenset({"rot_q", "rot_k", "attn_scores", "pattern"})

_FROM_TRANSFORMER_LENS = {row.transformer_lens: row.name for row in TABLE.values() if row.transformer_lens}
_BLOCK_HOOK = re.compile(r"^blocks\.(\d+)\.(.+)$")


def _frozen(value: Any) -> Any:
    """Sites are dictionary keys, so lists become tuples."""
    if value is None or isinstance(value, (int, slice)):
        return value
    return tuple(int(v) for v in value)


@dataclass(frozen=True)
class Site:
    """A place in the model, possibly restricted to layers, heads, positions and prompts.

    Attributes:
        name: A name of the site table, `"module:<path>"` for the output of any module (`"module:<path>:in"` for
            its input), or a TransformerLens hook name such as `"blocks.5.attn.hook_z"`.
        layer: Layer(s), counted from 0; negative ones from the end; None for all.
        head: Head(s); for k, v and rot_k of grouped-query models these are key-value heads.
        position: Position(s) in each prompt's own tokens; negative ones count from that prompt's end, whatever its
            batch. For `pattern` and `attn_scores` this is the query position.
        prompt: Which prompts of the batch.
        neuron: Neuron(s) of the MLP sites.

    An int drops its axis from the value; a list or slice keeps it.
    """

    name: str
    layer: Any = None
    head: Any = None
    position: Any = None
    prompt: Any = None
    neuron: Any = None

    def __post_init__(self) -> None:
        for axis in COORDINATES:
            object.__setattr__(self, axis, _frozen(getattr(self, axis)))
        if self.name in _FROM_TRANSFORMER_LENS:
            object.__setattr__(self, "name", _FROM_TRANSFORMER_LENS[self.name])
        match = _BLOCK_HOOK.match(self.name)
        if match:
            name = _FROM_TRANSFORMER_LENS.get(match.group(2))
            if name is None:
                raise SiteError(f"{self.name!r}: no site is called {match.group(2)!r} in TransformerLens's naming")
            object.__setattr__(self, "name", name)
            object.__setattr__(self, "layer", int(match.group(1)))
        if self.name not in TABLE and not self.name.startswith("module:"):
            known = ", ".join(TABLE)
            raise SiteError(
                f"unknown site {self.name!r}. Sites are: {known}; or 'module:<path>' for any module's output"
            )
        for axis in ("head", "neuron"):
            if getattr(self, axis) is not None and axis not in self.axes:
                raise SiteError(f"site {self.name!r} has no {axis} axis; its axes are {self.axes}")
        if self.layer is not None and not self.in_block:
            raise SiteError(f"site {self.name!r} is outside the blocks and takes no layer")

    def __hash__(self) -> int:  # slices are unhashable before Python 3.12
        return hash((self.name, *(str(getattr(self, a)) for a in COORDINATES)))

    @property
    def is_module(self) -> bool:
        """True for a `module:<path>` site."""
        return self.name.startswith("module:")

    @property
    def axes(self) -> tuple[str, ...]:
        """Axis names of one layer's value."""
        return ("prompt", "position", "feature") if self.is_module else TABLE[self.name].axes

    @property
    def in_block(self) -> bool:
        """Whether the site exists once per layer."""
        return not self.is_module and TABLE[self.name].in_block

    @property
    def position_axis(self) -> int:
        """Index of the axis that `position` selects on (the query axis for square sites)."""
        return self.axes.index("query") if "query" in self.axes else 1

    def at(self, **coordinates: Index) -> Site:
        """The same site with other coordinates."""
        return replace(self, **coordinates)

    def __str__(self) -> str:
        coordinates = [f"{a} {_show(getattr(self, a))}" for a in COORDINATES if getattr(self, a) is not None]
        return f"{self.name}[{', '.join(coordinates)}]" if coordinates else self.name


def _show(index: Any) -> str:
    if isinstance(index, slice):
        return f"{'' if index.start is None else index.start}:{'' if index.stop is None else index.stop}"
    return str(list(index)) if isinstance(index, tuple) else str(index)


def as_site(site: SiteLike) -> Site:
    """A `Site` from a site, a name, or a tuple `(name, layer)` or `(name, layer, head)`."""
    if isinstance(site, Site):
        return site
    if isinstance(site, str):
        return Site(site)
    if isinstance(site, tuple) and 1 <= len(site) <= 3 and isinstance(site[0], str):
        return Site(site[0], **dict(zip(("layer", "head"), site[1:], strict=False)))
    raise SiteError(f"a site is a name, a Site, or a tuple (name, layer[, head]); got {site!r}")


def resolve(index: Index, size: int, what: str) -> list[int]:
    """The plain, non-negative indices that a coordinate stands for.

    Raises:
        SiteError: when one is out of range; the message gives the range.
    """
    if index is None:
        return list(range(size))
    if isinstance(index, slice):
        return list(range(*index.indices(size)))
    wanted: list[int] = [index] if isinstance(index, int) else list(index)
    for i in wanted:
        if not -size <= i < size:
            raise SiteError(f"{what} {i} does not exist: there are {size} ({what}s 0 to {size - 1})")
    return [i % size for i in wanted]


def layers_of(site: Site, n_layers: int) -> Iterator[int | None]:
    """The layers that a site covers; a single None for sites outside of the blocks."""
    if not site.in_block:
        return iter([None])
    return iter(resolve(site.layer, n_layers, "layer"))
