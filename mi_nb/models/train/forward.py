"""The forward pass of training: Hugging Face's own parameters, with parts switched off or masked.

It computes what the SmolLM3 and Llama modules of transformers compute (a test holds that), but runs only some layers,
heads or MLPs, takes one attention mask per layer, and can cut paths at single tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

BLOCKED = -1e9


@dataclass
class Active:
    """Which parts run: so many layers, MLPs below a layer, per layer a tuple of 0/1 for its heads (all if absent)."""

    layers: int
    mlps: int
    heads: dict[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass
class Pressure:
    """What is knocked out in a batch.

    `masks` holds an additive mask (row, 1, position, position) per layer. `mlp_kept` (row, position, 1) multiplies the
    MLPs above the first. `lone_layer_one` (row, position, 1) is 1 where the later layers see only what layer 1 wrote,
    `mlps_only` where the final norm does not see what attention wrote.
    """

    masks: list[Tensor]
    mlp_kept: Tensor | None = None
    lone_layer_one: Tensor | None = None
    mlps_only: Tensor | None = None


def base_masks(text: Tensor, windows: Sequence[int | None]) -> list[Tensor]:
    """Additive masks per layer: causal, within a text, within the layer's window."""
    apart = text[:, :, None] != text[:, None, :]
    place = torch.arange(text.shape[1], device=text.device)
    behind = place[:, None] - place[None, :]
    made: dict[int | None, Tensor] = {}
    for window in windows:
        if window not in made:
            hidden = (behind < 0) if window is None else (behind < 0) | (behind >= window)
            made[window] = torch.zeros(apart.shape, device=text.device).masked_fill_(apart | hidden, BLOCKED)[:, None]
    return [made[window] for window in windows]


def windows_of(model: PreTrainedModel) -> list[int | None]:
    """The attention window of each layer, None where it sees everything."""
    config = model.config
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    return [config.sliding_window if kind == "sliding_attention" else None for kind in kinds]


@lru_cache(maxsize=8)
def _rotary(length: int, d_head: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    frequency = theta ** (-torch.arange(0, d_head, 2, device=device) / d_head)
    angle = torch.arange(length, device=device)[:, None] * frequency
    return torch.cat([angle.cos(), angle.cos()], 1), torch.cat([angle.sin(), angle.sin()], 1)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def stream(
    model: PreTrainedModel, ids: Tensor, pressure: Pressure, active: Active | None = None, keep: int | None = None
) -> tuple[Tensor, Tensor | None]:
    """The normalised final stream (row, position, d_model), and the stream that enters layer `keep`."""
    config, layers = model.config, model.model.layers
    active = active or Active(len(layers), len(layers))
    rows, width = ids.shape
    heads = config.num_attention_heads
    d_head = config.hidden_size // heads
    cos, sin = _rotary(width, d_head, float(config.rope_parameters["rope_theta"]), ids.device)
    x = model.model.embed_tokens(ids)
    entering_one = kept = None
    attended = 0.0
    lone = pressure.lone_layer_one
    for number, layer in enumerate(layers[: active.layers]):
        if number == 1:
            entering_one = x
        if number == 2 and lone is not None:
            assert entering_one is not None
            x = x - entering_one * lone
        if number == keep:
            kept = x
        attention, y = layer.self_attn, _normed(layer.input_layernorm, x)
        qkv = F.linear(y, *_joined(attention.q_proj, attention.k_proj, attention.v_proj))
        qkv = qkv.view(rows, width, 3, heads, d_head).permute(2, 0, 3, 1, 4)
        (q, k), v = _rotate(qkv[:2], cos, sin), qkv[2]
        # Written out: the fused kernel's backward takes half of a step on CPU at this size.
        scores = q @ k.transpose(-1, -2) * d_head**-0.5 + pressure.masks[number]
        z = (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2)
        if number in active.heads:
            z = z * torch.tensor(active.heads[number], dtype=z.dtype, device=z.device)[:, None]
        written = attention.o_proj(z.reshape(rows, width, -1))
        x = x + written
        if pressure.mlps_only is not None:
            attended = attended + written
        if number >= active.mlps:
            continue
        y, mlp = _normed(layer.post_attention_layernorm, x), layer.mlp
        gate, up = F.linear(y, torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])).chunk(2, -1)
        m = mlp.down_proj(F.silu(gate) * up)
        if number > 0 and pressure.mlp_kept is not None:
            m = m * pressure.mlp_kept
        if number == 1 and lone is not None:
            m = m * (1 - lone)
        x = x + m
    if pressure.mlps_only is not None:
        x = x - attended * pressure.mlps_only
    return _normed(model.model.norm, x), kept


def _normed(norm: torch.nn.Module, x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), norm.weight, norm.variance_epsilon)  # type: ignore[arg-type]


def _joined(*linears: torch.nn.Linear) -> tuple[Tensor, Tensor | None]:
    bias = None if linears[0].bias is None else torch.cat([linear.bias for linear in linears])
    return torch.cat([linear.weight for linear in linears]), bias
