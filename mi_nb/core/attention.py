"""The inside of attention, on every family that uses transformers' attention interface.

While an inner site (rotated queries and keys, scores, pattern) of a model is read or edited, its attention runs through
the function registered here. Layers that nobody looks at, and layers that are only read, still get the model's own
kernel, so reading never changes a number. A layer whose inner value is edited, or needs a gradient, is computed openly:
scores, softmax in float32 as the eager kernels of transformers do, weighted sum.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

PREFIX = "mi_nb_"


@runtime_checkable
class Tap(Protocol):
    """What sits inside an attention layer: sees a value, may return another."""

    live: bool
    """True when the value must stay on the path to the output: it is edited, or its gradient is wanted."""

    sites: frozenset[str]

    def __call__(self, site: str, value: Tensor) -> Tensor: ...


_TAPS: dict[int, list[Tap]] = {}
"""Active taps by the id of the attention module, outermost first."""


def original_function(module: nn.Module, implementation: str) -> Callable[..., Any]:
    """The attention function that the module would have called by itself."""
    source = sys.modules[type(module).__module__]
    eager: Any = getattr(source, "eager_attention_forward", None)
    functions = getattr(source, "ALL_ATTENTION_FUNCTIONS", ALL_ATTENTION_FUNCTIONS)
    return eager if implementation == "eager" else functions.get_interface(implementation, eager)


def _repeat(states: Tensor, heads: int) -> Tensor:
    groups = heads // states.shape[1]
    return states if groups == 1 else states.repeat_interleave(groups, dim=1)


def scores_of(
    module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, kwargs: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    """Scaled, capped, biased and masked scores (prompt, head, query, key), and where they are masked."""
    scaling = kwargs.get("scaling")
    scores = (
        query
        @ _repeat(key, query.shape[1]).transpose(-1, -2)
        * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    )
    if kwargs.get("softcap") is not None:
        scores = torch.tanh(scores / kwargs["softcap"]) * kwargs["softcap"]
    if kwargs.get("position_bias") is not None:
        scores = scores + kwargs["position_bias"]
    lowest, (n_query, n_key) = torch.finfo(scores.dtype).min, scores.shape[-2:]
    if mask is not None and mask.dtype != torch.bool:
        mask = mask[..., :n_key]
        return scores + mask, mask <= lowest
    causal = kwargs.get("is_causal")
    causal = getattr(module, "is_causal", True) if causal is None else causal
    if mask is None and causal and n_query > 1:
        mask = torch.ones(n_query, n_key, dtype=torch.bool, device=scores.device).tril(n_key - n_query)
    if mask is None:
        return scores, torch.zeros((), dtype=torch.bool, device=scores.device)
    return scores.masked_fill(~mask, lowest), ~mask


def softmax_of(scores: Tensor, dtype: torch.dtype, sinks: Tensor | None) -> Tensor:
    """Attention weights, softmaxed in float32 or better; a learned sink takes its share of each row."""
    wide = scores if scores.dtype == torch.float64 else scores.float()
    if sinks is None:
        return wide.softmax(-1).to(dtype)
    sink = sinks.to(wide.dtype).reshape(1, -1, 1, 1).expand(*wide.shape[:3], 1)
    return torch.cat([wide, sink], -1).softmax(-1)[..., :-1].to(dtype)


def _attention(implementation: str) -> Callable[..., tuple[Tensor, Tensor | None]]:
    def forward(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
    ) -> tuple[Tensor, Tensor | None]:
        original = original_function(module, implementation)
        taps = _TAPS.get(id(module))
        if not taps:
            return original(module, query, key, value, attention_mask, **kwargs)
        for tap in taps:  # the taps of a model speak of (prompt, position, head, d_head)
            if "rot_q" in tap.sites:
                query = tap("rot_q", query.transpose(1, 2)).transpose(1, 2)
            if "rot_k" in tap.sites:
                key = tap("rot_k", key.transpose(1, 2)).transpose(1, 2)
        inner = [tap for tap in taps if tap.sites & {"attn_scores", "pattern"}]
        if not inner:
            return original(module, query, key, value, attention_mask, **kwargs)
        scores, masked = scores_of(module, query, key, attention_mask, kwargs)
        for tap in inner:
            if "attn_scores" in tap.sites:
                shown = scores.masked_fill(masked, -torch.inf)
                new = tap("attn_scores", shown)
                if new is not shown:  # a fully masked row would be NaN with infinities
                    scores = new.clamp_min(torch.finfo(new.dtype).min)
        pattern = softmax_of(scores, query.dtype, kwargs.get("s_aux"))
        for tap in inner:
            if "pattern" in tap.sites:
                pattern = tap("pattern", pattern)
        if not any(tap.live for tap in inner):
            return original(module, query, key, value, attention_mask, **kwargs)
        out = pattern.to(value.dtype) @ _repeat(value, query.shape[1])
        return out.transpose(1, 2).contiguous(), pattern

    return forward


for _name, _mask in (("sdpa", "sdpa"), ("eager", "eager")):
    AttentionInterface.register(PREFIX + _name, _attention(_name))
    AttentionMaskInterface.register(PREFIX + _name, ALL_MASK_ATTENTION_FUNCTIONS[_mask])


@contextmanager
def tapped(hf: nn.Module, taps: dict[nn.Module, Tap]) -> Iterator[None]:
    """Routes a model's attention through this file while the taps are in place.

    A model that runs a kernel without a plain mask (flash, flex) computes with its eager function meanwhile.
    """
    owned: list[Any] = [getattr(module, "config", None) for module in hf.modules()]
    configs = {id(config): config for config in owned if hasattr(config, "_attn_implementation")}
    before = [(config, config._attn_implementation) for config in configs.values()]
    try:
        for module, tap in taps.items():
            _TAPS.setdefault(id(module), []).append(tap)
        for config, implementation in before:
            if not str(implementation).startswith(PREFIX):
                config._attn_implementation = PREFIX + ("sdpa" if implementation == "sdpa" else "eager")
        yield
    finally:
        for config, implementation in before:
            config._attn_implementation = implementation
        for module, tap in taps.items():
            active = _TAPS.get(id(module), [])
            if tap in active:
                active.remove(tap)
            if not active:
                _TAPS.pop(id(module), None)
