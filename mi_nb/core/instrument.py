"""The hooks. This is the only file that installs any; whatever happens inside, they are gone when the context ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from mi_nb.core import attention
from mi_nb.core.architectures import INTERFACE, submodule
from mi_nb.core.edits import Edit, settled
from mi_nb.core.errors import EditError, SiteError, explain
from mi_nb.core.ports import Selection, first_tensor, head_results, place_of, port_name, position_columns, with_first
from mi_nb.core.sites import ATTENTION_INTERNAL, TABLE, Site, layers_of, resolve

if TYPE_CHECKING:
    from mi_nb.core.model import Model
    from mi_nb.core.tokens import Tokens

Place = tuple[str, "int | None"]


class Stop(BaseException):
    """Ends a forward pass early, once everything wanted has been read."""


@dataclass(frozen=True)
class Geometry:
    """Where the tokens of the current forward pass stand in their prompts.

    Attributes:
        batch: Rows.
        length: Positions that this pass computes.
        offset: Positions already in the key-value cache.
        pads: Padding columns on the left of each row.
        lengths: Real tokens of each row, cached ones included.
        strict: Whether every position coordinate must exist in this pass; False during the user's own calls, where a
            later step of a generation may bring it.
    """

    batch: int
    length: int
    offset: int
    pads: list[int]
    lengths: list[int]
    strict: bool

    @staticmethod
    def of_tokens(tokens: Tokens) -> Geometry:
        """The geometry of a whole pass over prompts padded on the right."""
        return Geometry(len(tokens), tokens.ids.shape[1], 0, [0] * len(tokens), tokens.lengths, strict=True)

    @staticmethod
    def of_call(args: tuple, kwargs: dict[str, Any], seen: WeakKeyDictionary[Any, int]) -> Geometry:
        """The geometry of the user's own call; `seen` counts the tokens in caches that do not count themselves."""
        given = kwargs.get("input_ids")
        given = kwargs.get("inputs_embeds") if given is None else given
        given = args[0] if given is None else given
        batch, length = given.shape[:2]
        cache: Any = kwargs.get("past_key_values")
        offset = int(cache.get_seq_length()) if hasattr(cache, "get_seq_length") else 0
        state = kwargs.get("cache_params")
        if state is not None:
            offset = seen.get(state, 0)
            seen[state] = offset + length
        mask = kwargs.get("attention_mask")
        pads, lengths = [0] * batch, [offset + length] * batch
        if isinstance(mask, Tensor) and mask.ndim == 2 and mask.shape[0] == batch:
            pads = (mask.long().cumsum(-1) == 0).sum(-1).tolist()
            lengths = mask.long().sum(-1).tolist()
        return Geometry(batch, length, offset, pads, lengths, strict=False)

    def groups(self, site: Site) -> list[tuple[list[int] | None, Tensor | None]]:
        """Rows and their columns in this pass that a site's coordinates pick; rows without any are left out."""
        rows = None if site.prompt is None else resolve(site.prompt, self.batch, "prompt")
        if site.position is None:
            return [(rows, None)]
        chosen = rows if rows is not None else list(range(self.batch))
        if self.strict:
            try:
                columns = position_columns(
                    site.position, [self.lengths[r] for r in chosen], [self.pads[r] for r in chosen]
                )
            except ValueError as error:
                raise SiteError(f"{site}: {error}") from None
            return [(rows, columns)]
        by_count: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for row in chosen:
            columns = self._local(site.position, row)
            by_count[len(columns)].append((row, columns))
        return [([r for r, _ in found], torch.tensor([c for _, c in found])) for n, found in by_count.items() if n]

    def _local(self, index: Any, row: int) -> list[int]:
        total = self.lengths[row]
        if isinstance(index, slice):
            wanted = list(range(*index.indices(total)))
        else:
            wanted = [index] if isinstance(index, int) else list(index)
        if self.offset:  # in a cached step, negative positions mean the tokens handed in at this step
            local = [p + self.length if p < 0 else self.pads[row] + p - self.offset for p in wanted]
        else:
            local = [self.pads[row] + (p + total if p < 0 else p) for p in wanted]
        return [c for c in local if 0 <= c < self.length]


def hook_on(stack: ExitStack, module: nn.Module, kind: str, function: Any) -> None:
    """Puts a hook (`"pre"` or `"post"`) on a module until the stack closes."""
    register = module.register_forward_pre_hook if kind == "pre" else module.register_forward_hook
    stack.callback(register(function, with_kwargs=True).remove)


class Instrument:
    """Reads and edits the sites of a model while active.

    Args:
        model: The model.
        edits: Pairs of site and edit, applied in order.
        reads: Sites to record, after all edits.
        geometry: The batch's geometry when the caller knows it; otherwise it is found out at each call.
        grad: Keep what is read on the path to the output; a leaf of the graph where nothing before it needs a gradient.
        stop_after: End the pass after this layer.
    """

    def __init__(
        self,
        model: Model,
        edits: Sequence[tuple[Site, Edit]] = (),
        reads: Sequence[Site] = (),
        *,
        geometry: Geometry | None = None,
        grad: bool = False,
        stop_after: int | None = None,
    ) -> None:
        self.model, self.geometry, self.grad, self.stop_after = model, geometry, grad, stop_after
        self.fixed = geometry is not None
        self.values: dict[tuple[Site, int | None], Tensor] = {}
        self.leaves: dict[tuple[Site, int | None], tuple[Tensor, Selection]] = {}
        self.edits: dict[Place, list[tuple[Site, Edit]]] = defaultdict(list)
        self.reads: dict[Place, list[Site]] = defaultdict(list)
        for site, edit in edits:
            for layer in layers_of(model.supported(site), model.n_layers):
                self.edits[site.name, layer].append((site, settled(edit, site, layer)))
        for site in reads:
            for layer in layers_of(model.supported(site), model.n_layers):
                self.reads[site.name, layer].append(site)
        self._stack: ExitStack | None = None
        self._entering: dict[int, Tensor] = {}
        self._seen: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def __enter__(self) -> Instrument:
        self._stack = ExitStack()
        try:
            self._stack.enter_context(self.model.lock)  # a widget's thread must not run between another's hooks
            if self.geometry is not None:
                self._stack.callback(setattr, self.model, "geometry", self.model.geometry)
                self.model.geometry = self.geometry
            self._install(self._stack)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._stack is not None
        self._stack.close()

    def _install(self, stack: ExitStack) -> None:
        for module in self.model.hf.modules():  # a compiled module would ignore hooks
            if getattr(module, "_compiled_call_impl", None) is not None:
                stack.callback(setattr, module, "_compiled_call_impl", module._compiled_call_impl)
                module._compiled_call_impl = None
        if not self.fixed:
            hook_on(stack, self.model.trunk, "pre", self._on_call)
        places = sorted({*self.edits, *self.reads}, key=lambda p: (-1 if p[1] is None else p[1], *_order(p[0])))
        ports: dict[tuple[int, str], tuple[nn.Module, str, list[Place]]] = {}
        taps: dict[nn.Module, _LayerTap] = {}
        for name, layer in places:
            if (
                layer is not None
                and port_name(self.model.architecture, name) == INTERFACE
                and name in ATTENTION_INTERNAL
            ):
                caller = submodule(self.model.blocks[layer], self.model.architecture.attention or ".")
                assert caller is not None
                taps.setdefault(caller, _LayerTap(self, layer)).add(name)
                continue
            module, side = self._place(name, layer)
            ports.setdefault((id(module), side), (module, side, []))[2].append((name, layer))
            if name == "resid_mid":
                assert layer is not None
                hook_on(stack, self.model.blocks[layer], "pre", self._on_enter(layer))
        for module, side, here in ports.values():
            hook_on(stack, module, "pre" if side == "in" else "post", self._on_port(module, here, side))
        if taps:
            stack.enter_context(attention.tapped(self.model.hf, taps))  # type: ignore[arg-type]
        if self.stop_after is not None:
            hook_on(stack, self.model.blocks[self.stop_after], "post", _stop)

    def _place(self, name: str, layer: int | None) -> tuple[nn.Module, str]:
        if name.startswith("module:"):
            path, _, side = name[7:].partition(":")
            module = submodule(self.model.hf, path)
            if module is None or side not in ("", "in", "out"):
                raise SiteError(
                    f"the model has no module {path!r}: print(model.hf) lists them; a side is ':in' or ':out'"
                )
            return module, side or "out"
        place = (
            self.model.module_of(name)
            if layer is None
            else place_of(self.model.architecture, self.model.blocks[layer], name)
        )
        if place is None:
            raise SiteError(f"site {name!r} is not in this model")
        return place

    def _on_call(self, _module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        known = self.model.geometry  # of a run inside this edit, which knows where its padding is
        self.geometry = replace(known, strict=False) if known else Geometry.of_call(args, kwargs, self._seen)

    def _on_enter(self, layer: int) -> Any:
        def hook(_module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
            self._entering[layer] = args[0] if args else kwargs["hidden_states"]

        return hook

    def _on_port(self, module: nn.Module, here: list[Place], side: str) -> Any:
        def before(_module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> Any:
            raw = args[0] if args else kwargs["hidden_states"]
            new = self._pass_through(module, here, raw, args)
            if new is raw:
                return None
            return ((new, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": new})

        def after(_module: nn.Module, args: tuple, _kwargs: dict[str, Any], out: Any) -> Any:
            raw = first_tensor(out)
            new = self._pass_through(module, here, raw, args)
            return None if new is raw else with_first(out, new)

        return before if side == "in" else after

    def _pass_through(self, module: nn.Module, here: list[Place], raw: Tensor, args: tuple) -> Tensor:
        codec, batch = self.model.codec, self.geometry.batch if self.geometry else raw.shape[0]
        for name, layer in here:
            if name == "result":
                heads = head_results(module, codec.decode("z", args[0], batch))
                new = self.visit(name, layer, heads)
                if new is not heads:  # value exact and gradient through the new heads only
                    raw = raw.detach() + (new - heads.detach()).sum(2)
            elif name == "resid_mid":
                assert layer is not None
                before = self._entering.pop(layer)
                middle = before + raw
                new = self.visit(name, layer, middle)
                if new is not middle:  # bit for bit where nothing changed; an exact zero where zero was asked for
                    kept = raw.detach() + (new - middle.detach()) - (before - before.detach())
                    raw = torch.where(new == middle, kept, new - before)
            else:
                value = codec.decode(name, raw, batch)
                new = self.visit(name, layer, value)
                if new is not value:
                    raw = codec.encode(name, new, raw)
        return raw

    def visit(self, name: str, layer: int | None, value: Tensor) -> Tensor:
        """Applies this place's edits to a value, then records it."""
        geometry = self.geometry or Geometry(
            len(value), value.shape[1], 0, [0] * len(value), [value.shape[1]] * len(value), False
        )
        if name == "rot_k":  # keys of earlier steps are handed in again
            geometry = Geometry(geometry.batch, value.shape[1], 0, geometry.pads, geometry.lengths, geometry.strict)
        new = value
        for site, edit in self.edits.get((name, layer), ()):
            try:
                new = _applied(site, edit, new, geometry)
            except Exception as error:
                where = "" if layer is None else f", layer {layer}"
                raise explain(error, f"in the edit of {site}{where}, {geometry.batch} prompts") from None
        wanted = self.reads.get((name, layer), ())
        if not wanted:  # a tensor that the caller gave must not be what the model overwrites
            return new.clone() if new is not value and name in self.model.architecture.in_place else new
        if self.grad and not new.requires_grad and new.is_floating_point():
            new = new.detach().requires_grad_(True)
        if self.grad and new is value:
            new = new.view_as(new)  # puts what was read, not what it is a view of, on the path
        flowing = new.clone() if name in self.model.architecture.in_place else new
        for site in wanted:
            rows, columns = geometry.groups(site)[0]
            selection = Selection(site, new, rows, columns)
            self.values[site, layer] = selection.take(new)
            if self.grad:
                self.leaves[site, layer] = (new, selection)
        return flowing

    @property
    def live_sites(self) -> set[Place]:
        """Places whose value must stay on the path to the output."""
        return {*self.edits, *(self.reads if self.grad else ())}


class _LayerTap:
    """The part of an instrument that sits inside one attention layer."""

    def __init__(self, instrument: Instrument, layer: int) -> None:
        self.instrument, self.layer = instrument, layer
        self.sites: frozenset[str] = frozenset()
        self.live = False

    def add(self, site: str) -> None:
        self.sites |= {site}
        self.live |= site in ("attn_scores", "pattern") and (site, self.layer) in self.instrument.live_sites

    def __call__(self, site: str, value: Tensor) -> Tensor:
        return self.instrument.visit(site, self.layer, value)


def _stop(*_: Any) -> None:
    raise Stop


def _order(name: str) -> tuple[int, str]:
    return (list(TABLE).index(name) if name in TABLE else len(TABLE), name)


def _applied(site: Site, edit: Edit, value: Tensor, geometry: Geometry) -> Tensor:
    for rows, columns in geometry.groups(site):
        local = edit
        if not geometry.strict and isinstance(edit.value, Tensor):
            covered = _covered(site, edit, value, geometry)
            if covered is None:
                continue
            columns, local = (columns, edit) if covered[0] is None else covered
        part = Selection(site, value, rows, columns)
        value = part.put(value, local(part.take(value)))
    return value


def _covered(site: Site, edit: Edit, value: Tensor, geometry: Geometry) -> tuple[Tensor | None, Edit] | None:
    """The part of a per-position tensor that this pass computes: its columns and values; None when it computes none."""
    axis = site.position_axis - isinstance(site.prompt, int)
    spans = site.position is None and edit.value.ndim == value.ndim - sum(
        isinstance(i, int) for i in (site.prompt, site.head, site.neuron)
    )
    span = edit.value.shape[axis] if spans else 1
    if span == 1 or (span == geometry.length and not geometry.offset):
        return None, edit
    if len(set(geometry.pads)) > 1:
        raise EditError(
            "a tensor with a position axis cannot follow prompts that are padded on the left by different amounts"
        )
    stop = min(span - geometry.offset, geometry.length)
    if stop <= 0:
        return None
    rows = geometry.batch if site.prompt is None else len(resolve(site.prompt, geometry.batch, "prompt"))
    columns = torch.arange(stop).expand(rows, -1)
    return columns, Edit(edit.kind, edit.value.narrow(axis, geometry.offset, stop))
