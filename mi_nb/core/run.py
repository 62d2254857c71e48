"""One forward pass: prompts in, logits and the values of any sites out, with edits and gradients on the way."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mi_nb.core.edits import Edit, as_edit
from mi_nb.core.errors import FallbackWarning, NonFiniteWarning, SiteError, is_out_of_memory
from mi_nb.core.instrument import Geometry, Instrument, Stop
from mi_nb.core.ports import Selection, first_tensor, position_columns
from mi_nb.core.sites import Site, SiteLike, as_site, resolve
from mi_nb.core.tokens import Tokens

if TYPE_CHECKING:
    from mi_nb.core.model import Model

EditMap = Mapping[Any, Any]


class Readings:
    """Values by site. `readings["resid_post"]` stacks the layers that were read; `readings["z", 2]` is one layer's."""

    def __init__(
        self, values: dict[tuple[Site, int | None], Tensor], tokens: Tokens, n_layers: int, what: str = "read"
    ) -> None:
        self._values, self._tokens, self._n_layers, self._what = values, tokens, n_layers, what
        self._bare = {
            (site.name, layer): value
            for (site, layer), value in values.items()
            if site == Site(site.name, layer=site.layer)
        }

    def __getitem__(self, site: SiteLike) -> Tensor:
        wanted = as_site(site)
        if (wanted, None) in self._values and not wanted.in_block:
            return self._values[wanted, None]
        if not wanted.in_block:
            return self._select(wanted, self._layer(wanted, None))
        layers = resolve(wanted.layer, self._n_layers, "layer")
        if wanted.layer is None:
            layers = (
                sorted({layer for s, layer in self._values if s.name == wanted.name and layer is not None}) or layers
            )
        parts = [self._layer(wanted, layer) for layer in layers]
        if isinstance(wanted.layer, int):
            return parts[0]
        if len({p.shape for p in parts}) > 1:
            shapes = ", ".join(f"layer {i} {tuple(p.shape)}" for i, p in zip(layers, parts, strict=True))
            raise SiteError(
                f"the layers of {wanted.name!r} have different shapes ({shapes}): ask for one layer at a time"
            )
        return torch.stack([p.to(parts[0].device) for p in parts])

    def _layer(self, wanted: Site, layer: int | None) -> Tensor:
        for (site, at), value in self._values.items():
            if (
                at == layer
                and site.name == wanted.name
                and all(getattr(site, a) == getattr(wanted, a) for a in ("head", "position", "prompt", "neuron"))
            ):
                return value
        if (wanted.name, layer) in self._bare:
            return self._select(wanted, self._bare[wanted.name, layer])
        have = ", ".join(sorted({str(site) for site, _ in self._values})) or "nothing"
        where = "" if layer is None else f" at layer {layer}"
        raise SiteError(f"{wanted.at(layer=None)}{where} was not {self._what} (what was: {have}): add it to read=")

    def _select(self, wanted: Site, value: Tensor) -> Tensor:
        rows = None if wanted.prompt is None else resolve(wanted.prompt, len(value), "prompt")
        lengths = self._tokens.lengths
        lengths = lengths if rows is None else [lengths[r] for r in rows]
        columns = position_columns(wanted.position, lengths, [0] * len(lengths))
        return Selection(wanted, value, rows, columns).take(value)

    def items(self) -> Iterator[tuple[tuple[Site, int | None], Tensor]]:
        """Pairs of (site as it was asked for, layer) and value."""
        return iter(self._values.items())


class Run:
    """What a forward pass gave.

    Attributes:
        logits: (prompt, position, vocabulary), or (prompt, 1, vocabulary) for the last token of each prompt, or None.
        tokens: The prompts as the model read them.
        grad: Gradients of the metric by site, when one was asked for; same shapes as the values.
    """

    def __init__(self, logits: Tensor | None, tokens: Tokens, readings: Readings, *, last_only: bool = False) -> None:
        self.logits, self.tokens, self._readings, self.last_only = logits, tokens, readings, last_only
        self.grad: Readings | None = None

    def __getitem__(self, site: SiteLike) -> Tensor:
        """The value read at a site; see `Readings`."""
        return self._readings[site]

    @property
    def last_logits(self) -> Tensor:
        """(prompt, vocabulary) logits at each prompt's last token."""
        if self.logits is None:
            raise SiteError("this run computed no logits: run with logits='all' or 'last'")
        if self.last_only:
            return self.logits[:, 0]
        ends = torch.tensor(self.tokens.lengths, device=self.logits.device) - 1
        return self.logits[torch.arange(len(ends), device=self.logits.device), ends]

    def __repr__(self) -> str:
        read = ", ".join(sorted({str(s) for (s, _), _ in self._readings.items()})) or "nothing"
        size = f"{len(self.tokens)} prompts, up to {self.tokens.ids.shape[1]} tokens"
        return f"Run({size}, beginning-of-sequence token {self.tokens.bos}; read {read})"


def edit_list(edit: EditMap | None) -> list[tuple[Site, Edit]]:
    """A mapping of sites to edits, as pairs."""
    return [(as_site(site), as_edit(e)) for site, e in (edit or {}).items()]


@contextmanager
def settled_model(hf: nn.Module, *, frozen: bool) -> Iterator[None]:
    """Evaluation mode (no dropout) and, if `frozen`, no gradients of parameters; put back at the end."""
    training = [m for m in hf.modules() if m.training]
    wanting = [p for p in hf.parameters() if p.requires_grad] if frozen else []
    try:
        for module in training:
            module.training = False
        for parameter in wanting:
            parameter.requires_grad_(False)
        yield
    finally:
        for module in training:
            module.training = True
        for parameter in wanting:
            parameter.requires_grad_(True)


def call(model: Model, tokens: Tokens, logits: str, **extra: Any) -> Tensor:
    """The model's own forward on a padded batch; logits of all positions or of each prompt's last one."""
    kwargs: dict[str, Any] = {}
    if tokens.padded and model.architecture.masked:  # a decoder's real tokens never see padding on their right
        kwargs["attention_mask"] = tokens.mask.long()
    ends = torch.tensor(tokens.lengths) - 1
    keeps = logits == "last" and "logits_to_keep" in model.forward_parameters
    if keeps:
        kwargs["logits_to_keep"] = torch.unique(ends).to(tokens.ids.device)
    out = first_tensor(model.hf(input_ids=tokens.ids, **kwargs, **extra))
    if logits != "last":
        return out
    columns = torch.searchsorted(torch.unique(ends), ends) if keeps else ends
    rows = torch.arange(len(ends), device=out.device)
    return out[rows, columns.to(out.device)][:, None]


def run(
    model: Model,
    tokens: Tokens,
    read: Sequence[SiteLike] = (),
    *,
    edit: EditMap | None = None,
    grad: Callable[[Run], Tensor] | None = None,
    logits: str = "all",
) -> Run:
    """Runs the model once on `Tokens`. Users call `Model.run`, which says what each argument means."""
    if logits not in ("all", "last", "none"):
        raise ValueError(f"logits is 'all', 'last' or 'none', not {logits!r}")
    sites = [as_site(site) for site in ([read] if isinstance(read, (str, Site)) else read)]
    edits = edit_list(edit)
    try:
        return _run(model, tokens, sites, edits, grad, logits)
    except (torch.cuda.OutOfMemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        if len(tokens) == 1 or edits:
            size = f"{len(tokens)} prompts x {tokens.ids.shape[1]} tokens, reading {len(sites)} sites"
            raise MemoryError(
                f"not enough memory for {size}: pass fewer prompts, read fewer layers, or logits='last'"
            ) from error
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    half = len(tokens) // 2
    warnings.warn(
        f"out of memory with {len(tokens)} prompts: going on with {half} at a time", FallbackWarning, stacklevel=3
    )
    parts = [run(model, part, read, grad=grad, logits=logits) for part in (tokens[:half], tokens[half:])]
    return _joined(parts, tokens, model.n_layers)


def _joined(parts: list[Run], tokens: Tokens, n_layers: int) -> Run:
    def join(readings: list[Readings], what: str) -> Readings:
        values = [dict(r.items()) for r in readings]
        return Readings({key: torch.cat([v[key] for v in values]) for key in values[0]}, tokens, n_layers, what)

    whole = None if parts[0].logits is None else torch.cat([p.logits for p in parts if p.logits is not None])
    joined = Run(whole, tokens, join([p._readings for p in parts], "read"), last_only=parts[0].last_only)
    grads = [p.grad for p in parts if p.grad is not None]
    joined.grad = join(grads, "differentiated") if grads else None
    return joined


def _run(
    model: Model,
    tokens: Tokens,
    sites: list[Site],
    edits: list[tuple[Site, Edit]],
    grad: Callable[[Run], Tensor] | None,
    logits: str,
) -> Run:
    geometry = Geometry.of_tokens(tokens)
    stop = _last_needed(model, sites) if logits == "none" and grad is None else None
    instrument = Instrument(model, edits, sites, geometry=geometry, grad=grad is not None, stop_after=stop)
    with settled_model(model.hf, frozen=grad is not None), torch.set_grad_enabled(grad is not None):
        out: Tensor | None = None
        with instrument, suppress(Stop):
            out = call(model, tokens, "last" if logits == "none" else logits)
        found = None if logits == "none" else out
        result = Run(found, tokens, Readings(instrument.values, tokens, model.n_layers), last_only=logits == "last")
        if grad is not None:
            result.grad = _gradients(model, result, instrument, grad)
    if out is not None and not bool(torch.isfinite(out if logits != "all" else out[..., :1]).all()):
        _name_first_nonfinite(model, tokens, edits)
    return result


def _last_needed(model: Model, sites: list[Site]) -> int | None:
    """The last layer that any wanted site is in; None when the whole pass is needed."""
    last = 0
    for site in sites:
        if site.name in ("embed", "pos_embed"):
            continue
        if not site.in_block:
            return None
        last = max(last, *resolve(site.layer, model.n_layers, "layer"))
    return last


def _gradients(model: Model, result: Run, instrument: Instrument, metric: Callable[[Run], Tensor]) -> Readings:
    bind = getattr(metric, "bind", None)  # a metric may name its answers in words
    value = (metric if bind is None else bind(result.tokens, model))(result)
    if not isinstance(value, Tensor):
        raise TypeError(f"grad= is a function from the run to a tensor; it returned {type(value).__name__}")
    total = value.sum()
    leaves = {id(leaf): leaf for leaf, _ in instrument.leaves.values()}
    if not total.requires_grad:
        raise ValueError("the metric does not depend on anything that was read: read a site that lies before it")
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    by_leaf = {
        key: torch.zeros_like(leaf) if g is None else g for (key, leaf), g in zip(leaves.items(), found, strict=True)
    }
    grads = {key: selection.take(by_leaf[id(leaf)]) for key, (leaf, selection) in instrument.leaves.items()}
    instrument.leaves.clear()
    for store in (instrument.values,):
        for key, kept in store.items():
            store[key] = kept.detach()
    result.logits = None if result.logits is None else result.logits.detach()
    return Readings(grads, result.tokens, model.n_layers, "differentiated")


def _name_first_nonfinite(model: Model, tokens: Tokens, edits: list[tuple[Site, Edit]]) -> None:
    """Warns with the first site, layer, prompt and position that holds NaN or infinity."""
    names = [n for n in ("resid_pre", "attn_out", "mixer_out", "mlp_out", "resid_post") if n in model.site_names]
    geometry = Geometry.of_tokens(tokens)
    with (
        settled_model(model.hf, frozen=False),
        torch.no_grad(),
        Instrument(model, edits, [Site(n) for n in names], geometry=geometry) as probe,
    ):
        call(model, tokens, "last")
    for layer in range(model.n_layers):
        for name in names:
            bad = (~torch.isfinite(probe.values[Site(name), layer])).flatten(2).any(-1) & tokens.mask
            if bool(bad.any()):
                prompt, position = bad.nonzero()[0].tolist()
                text = f"NaN or infinity first appears at {name}, layer {layer}, prompt {prompt}, position {position}"
                warnings.warn(text, NonFiniteWarning, stacklevel=5)
                return
    warnings.warn("NaN or infinity first appears in the logits", NonFiniteWarning, stacklevel=5)
