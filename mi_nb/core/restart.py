"""A forward pass that starts in the middle and computes only what an intervention can change, on the model's own code.

Blocks before the start hand their input through, the last of them hands out the stored stream; the positions before
the first changed one come as the model's own key-value cache, so masks, positions and rotary angles are its own; the
last block and the head work on the wanted positions only. A probe compares all of it with a plain pass once per model.
Apart from `instrument.py` this is the only file that puts anything into a model; an `ExitStack` takes it out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from mi_nb.core import attention
from mi_nb.core.architectures import submodule
from mi_nb.core.errors import SiteError
from mi_nb.core.instrument import Geometry, Instrument, hook_on
from mi_nb.core.ports import first_tensor
from mi_nb.core.run import call, settled_model
from mi_nb.core.sites import Site
from mi_nb.core.tokens import Tokens
from mi_nb.core.verify import TOLERANCE

if TYPE_CHECKING:
    from mi_nb.core.model import Model


@dataclass(frozen=True)
class Ability:
    """What a model allows, found out by a probe.

    Attributes:
        restart: A pass may begin at any block and position.
        short_end: The last block may work on the wanted positions only.
        reason: Why there is no restart.
    """

    restart: bool
    short_end: bool
    reason: str = ""


@dataclass
class Clean:
    """What a plain pass leaves for restarted ones to begin with.

    Attributes:
        tokens: The prompts.
        logits: (prompt, wanted position, vocabulary).
        values: Values read, by site name and layer, for all prompts and positions.
        streams: By layer, the (prompt, position, d_model) stream that enters it; `n_layers` is the last block's output.
        keys_values: By layer, (prompt, head, position, d_head) keys and values as the cache holds them.
        tuples: Whether the blocks return tuples.
    """

    tokens: Tokens
    logits: Tensor
    values: dict[tuple[str, int | None], Tensor]
    streams: dict[int, Tensor] = field(default_factory=dict)
    keys_values: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    tuples: bool = False


@dataclass(frozen=True)
class Start:
    """Where a restarted pass begins and ends.

    Attributes:
        layer: First block that is computed; `n_layers` for the final norm and the head alone.
        first: First position column.
        stop: Column after the last one.
        prompts: (row,) prompt of each row.
        wanted: (row, position) columns whose logits are wanted.
        short_end: Let the last block work on the wanted position only.
    """

    layer: int
    first: int
    stop: int
    prompts: Tensor
    wanted: Tensor
    short_end: bool


def carried(model: Model) -> str:
    """What somebody else has put into the model, in words; empty when there is nothing."""
    for name, module in model.hf.named_modules():
        if any(map(_foreign, (*module._forward_hooks.values(), *module._forward_pre_hooks.values()))):
            return f"a hook on {name or 'the model'}"
        if attention._TAPS.get(id(module)):
            return f"an edit inside {name}"
    return ""


def _foreign(hook: Any) -> bool:
    # After one call with output_hidden_states, transformers leaves hooks of its own that do nothing by themselves.
    return not str(getattr(hook, "__module__", "")).startswith("transformers.utils.output_capturing")


def read_clean(model: Model, tokens: Tokens, sites: Sequence[tuple[str, int | None]], wanted: Tensor) -> Clean:
    """One plain pass that reads sites at layers and the logits of (prompt, position) wanted columns."""
    reads = [Site(name, layer=layer) for name, layer in sites]
    geometry = Geometry.of_tokens(tokens)
    with Instrument(model, (), reads, geometry=geometry) as instrument:
        logits = call(model, tokens, "all")
    rows = torch.arange(len(tokens), device=logits.device)[:, None]
    values = {(site.name, layer): value for (site, layer), value in instrument.values.items()}
    return Clean(tokens, logits[rows, wanted.to(logits.device)], values)


def read_restartable(
    model: Model, tokens: Tokens, sites: Sequence[tuple[str, int | None]], wanted: Tensor, layers: Sequence[int]
) -> Clean:
    """The same, with the streams that enter `layers` and the cache, which restarted passes begin with."""
    before = [("resid_post", layer - 1) for layer in layers if layer > 0]
    reads = [Site(name, layer=layer) for name, layer in dict.fromkeys([*sites, *before])]
    geometry = Geometry.of_tokens(tokens)
    cache, kinds = DynamicCache(), []  # without a config every layer keeps all keys, windowed ones too
    with ExitStack() as stack:
        hook_on(stack, model.blocks[0], "post", lambda _m, _a, _k, out: kinds.append(isinstance(out, tuple)))
        instrument = stack.enter_context(Instrument(model, (), reads, geometry=geometry))
        _only_wanted_logits(stack, model, wanted, 0)
        logits = first_tensor(model.hf(input_ids=tokens.ids, past_key_values=cache, use_cache=True))
    values = {(site.name, layer): value for (site, layer), value in instrument.values.items()}
    streams = {layer: values["resid_post", layer - 1] for layer in layers if layer > 0}
    if len(cache.layers) != model.n_layers:
        raise SiteError("its cache does not have one entry per block")
    layers_kept: Any = cache.layers
    keys_values = [(entry.keys, entry.values) for entry in layers_kept]
    return Clean(tokens, logits, values, streams, keys_values, kinds[0])


def restarted(model: Model, clean: Clean, start: Start, instrument: Instrument | None) -> Tensor:
    """(row, wanted position, vocabulary) logits of a pass that begins in the middle, with an instrument's edits."""
    ids = clean.tokens.ids[start.prompts.to(clean.tokens.ids.device), start.first : start.stop]
    extra: dict[str, Any] = {"use_cache": False}
    if start.first:
        extra = {"use_cache": True, "past_key_values": _earlier(clean, start)}
    with ExitStack() as stack:
        if start.layer:
            stack.enter_context(_passed_through(model, clean, start))
        if instrument is not None:
            stack.enter_context(instrument)
        if start.short_end and start.layer < model.n_layers and start.stop - start.first > 1:
            _short_end(stack, model, start.wanted - start.first)
        _only_wanted_logits(stack, model, start.wanted, start.first)
        return first_tensor(model.hf(input_ids=ids, **extra))


def _earlier(clean: Clean, start: Start) -> DynamicCache:
    cache = DynamicCache()
    for layer, (keys, values) in enumerate(clean.keys_values):
        if layer < start.layer:  # nobody reads it but for its length
            parts = [t[:1, :, : start.first].expand(len(start.prompts), -1, -1, -1) for t in (keys, values)]
        else:
            rows = start.prompts.to(keys.device)
            parts = [t[:, :, : start.first].index_select(0, rows) for t in (keys, values)]
        cache.update(parts[0], parts[1], layer)
    return cache


@contextmanager
def _passed_through(model: Model, clean: Clean, start: Start) -> Iterator[None]:
    """Makes the blocks before the start hand their input through, and the last of them the stored stream."""
    stored = clean.streams[start.layer]
    stream = stored[start.prompts.to(stored.device), start.first : start.stop]

    def forward(last: bool) -> Callable[..., Any]:
        def passes(*args: Any, **kwargs: Any) -> Any:
            hidden = stream if last else args[0] if args else kwargs["hidden_states"]
            return (hidden,) if clean.tuples else hidden

        return passes

    blocks = list(model.blocks)[: start.layer]
    own = [block.__dict__.get("forward") for block in blocks]
    try:
        for i, block in enumerate(blocks):
            block.forward = forward(last=i == start.layer - 1)
        yield
    finally:
        for block, before in zip(blocks, own, strict=True):
            if before is None:
                block.__dict__.pop("forward", None)
            else:
                block.forward = before


def _narrows_input(stack: ExitStack, module: nn.Module, narrow: Callable[[Tensor], Tensor]) -> None:
    def before(_module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> Any:
        if args:
            return (narrow(args[0]), *args[1:]), kwargs
        name = next(iter(kwargs))
        return args, {**kwargs, name: narrow(kwargs[name])}

    hook_on(stack, module, "pre", before)


def _columns_of(columns: Tensor) -> Callable[[Tensor], Tensor]:
    """Takes (row, position) columns out of a (row, position, ...) tensor; a slice where all rows want the same one."""
    same = int(columns[0, 0]) if columns.shape[1] == 1 and bool((columns == columns[0, 0]).all()) else None

    def take(value: Tensor) -> Tensor:
        if same is not None:
            return value[:, same : same + 1]
        return value[torch.arange(len(value), device=value.device)[:, None], columns.to(value.device)]

    return take


def _only_wanted_logits(stack: ExitStack, model: Model, wanted: Tensor, first: int) -> None:
    """The head sees only the stream at the wanted columns."""
    _narrows_input(stack, model.hf.get_output_embeddings(), _columns_of(wanted - first))


def _short_end(stack: ExitStack, model: Model, columns: Tensor) -> None:
    """The last block projects its heads and runs its MLP at one position per row.

    What it adds to the stream is then added to every position, which is right at that one; the head reads no other.
    """
    row, block = model.architecture, model.blocks[model.n_layers - 1]
    take = _columns_of(columns)

    def narrow(value: Tensor) -> Tensor:
        return value if value.ndim != 3 or value.shape[1] == 1 else take(value)

    for module in end_modules(row, block):
        _narrows_input(stack, module, narrow)


def end_modules(row: Any, block: nn.Module) -> list[nn.Module]:
    """The projections of a block whose output goes to the stream of the same position only."""
    paths = {
        row.ports[name].rpartition(":")[0] for name in ("z", "mlp_pre", "mlp_linear", "gate_up") if name in row.ports
    }
    found = [submodule(block, path) for path in sorted(paths)]
    return [module for module in found if module is not None]


_ABILITIES: WeakKeyDictionary[Any, Ability] = WeakKeyDictionary()


def ability(model: Model) -> Ability:
    """What this model allows; the probe runs once."""
    if model not in _ABILITIES:
        _ABILITIES[model] = _probe(model)
    return _ABILITIES[model]


def _probe(model: Model) -> Ability:
    if model.architecture.masked:
        return Ability(False, False, "a masked language model reads later positions, so none can be left out")
    if model.architecture.stream == "mixer" or "past_key_values" not in model.forward_parameters:
        return Ability(False, False, "its state cannot be cut at a position")
    if "resid_post" in model.unsupported or model.hf.get_output_embeddings() is None:  # type: ignore[operator]
        return Ability(False, False, "its stream is not where a pass could begin")
    n = model.vocabulary_size
    ids = torch.tensor([[n // 2, n // 3, n // 4, n // 5, n // 2], [n // 3, n // 2, n // 5, n // 4, n // 3]])
    tokens = Tokens(ids.to(model.device), torch.ones_like(ids, dtype=torch.bool).to(model.device), [[""] * 5] * 2)
    layer, wanted, prompts = model.n_layers // 2, torch.tensor([[4], [3]]), torch.tensor([0, 1])
    ends = []
    with settled_model(model.hf, frozen=False), torch.no_grad():
        try:
            plain = call(model, tokens, "all")[prompts, wanted[:, 0]]
            clean = read_restartable(model, tokens, [], wanted, [layer])
            for short in (True, False):
                errors = []
                for first in (2, 0):
                    start = Start(layer, first, 5, prompts, wanted, short)
                    errors.append(_relative(_tried(model, clean, start), plain))
                ends.append(max(errors) <= TOLERANCE.get(model.dtype, 5e-2))
        except Exception as error:  # whatever a foreign forward objects to, the plain way remains
            return Ability(False, False, f"a restarted pass failed ({type(error).__name__}: {error})")
    return Ability(ends[1], ends[0], "" if ends[1] else "a restarted pass does not give the model's own numbers")


def _tried(model: Model, clean: Clean, start: Start) -> Tensor | None:
    try:
        return restarted(model, clean, start, None)[:, 0]
    except Exception:
        if start.short_end:
            return None
        raise


def _relative(found: Tensor | None, expected: Tensor) -> float:
    if found is None or found.shape != expected.shape:
        return float("inf")
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-30))
