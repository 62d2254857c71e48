"""The proof that loading runs, on a two-token input: every declared site holds what the site table promises.

Shapes alone prove nothing (a wrong tensor of the right shape passes), so the proof checks sums: what attention and MLP
add is what the stream gains, the weighted values are what the heads output, the unembedding gives the model's logits,
and a changed attention pattern changes them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mi_nb.core.edits import Edit
from mi_nb.core.instrument import Geometry, Instrument
from mi_nb.core.ports import first_tensor
from mi_nb.core.sites import HEAD_AXIS_IS_KEY_VALUE, TABLE, Site

if TYPE_CHECKING:
    import pandas as pd

    from mi_nb.core.model import Model

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 4e-2, torch.float16: 5e-3}
"""Largest error allowed in a check, relative to the largest value in it; normed families compute in float32 inside."""


@dataclass(frozen=True)
class Check:
    """One thing proved, or not: the largest relative error, and the sites that fall if it fails."""

    name: str
    error: float
    passed: bool
    sites: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """The checks of one architecture and config. Printing it shows them."""

    family: str
    checks: tuple[Check, ...]
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> pd.DataFrame:
        """One row per check: check, error, passed, sites."""
        import pandas as pd

        return pd.DataFrame(
            [{"check": c.name, "error": c.error, "passed": c.passed, "sites": ", ".join(c.sites)} for c in self.checks]
        )

    def __repr__(self) -> str:
        lines = [f"proof for {self.family}: {sum(c.passed for c in self.checks)} of {len(self.checks)} checks hold"]
        lines += [
            f"  {'ok  ' if c.passed else 'FAIL'} {c.name} (largest relative error {c.error:.0e})" for c in self.checks
        ]
        lines += [f"  not supported: {site} ({why})" for site, why in self.failed.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(repr(self))}</pre>"


_PROOFS: dict[str, Proof] = {}


def capped(logits: Tensor, config: Any) -> Tensor:
    """Applies the cap or scale that a family's own head applies after the unembedding."""
    scale, divisor, cap = (
        getattr(config, name, None) for name in ("logit_scale", "logits_scaling", "final_logit_softcapping")
    )
    if isinstance(scale, float):
        logits = logits * scale
    if isinstance(divisor, float):
        logits = logits / divisor
    return torch.tanh(logits / cap) * cap if cap else logits


def prove(model: Model) -> Proof:
    """Proves a model's sites, once per architecture, config, type and adapter."""
    kernel = getattr(model.config, "_attn_implementation", "")
    parts = (type(model.hf), model.config.to_json_string(), model.dtype, model.device.type)
    described = str((*parts, model.architecture, model.adapter, kernel))
    key = hashlib.sha256(described.encode()).hexdigest()
    if key not in _PROOFS:
        _PROOFS[key] = _prove(model)
    return _PROOFS[key]


def _swap_keys(pattern: Tensor) -> Tensor:
    return pattern.flip(-1)


def _prove(model: Model) -> Proof:
    from mi_nb.core.run import settled_model

    names = [name for name in TABLE if name not in model.unsupported]
    n = model.vocabulary_size
    ids = torch.tensor(
        [[n // 2, n // 3], [n // 2, n // 3]], device=model.device
    )  # far from padding and other special ids
    geometry = Geometry(2, 2, 0, [0, 0], [2, 2], strict=True)
    edits = (
        [(Site("pattern", prompt=[1], position=[1]), Edit("function", function=_swap_keys))]
        if "pattern" in names
        else []
    )
    with settled_model(model.hf, frozen=False), torch.no_grad():
        with Instrument(model, edits, [Site(name) for name in names], geometry=geometry) as probe:
            first_tensor(model.hf(input_ids=ids))
        found = {(site.name, layer): value for (site, layer), value in probe.values.items()}
        checks = [*_shapes(model, names, found), *_sums(model, names, found)]
    failed = {
        site: f"loading found that {c.name} does not hold here" for c in checks if not c.passed for site in c.sites
    }
    return Proof(model.family, tuple(checks), failed)


def expected_shape(model: Model, name: str, prompts: int, positions: int) -> tuple[int | None, ...]:
    """The shape of one layer's value; None where a size is the model's own affair."""
    heads = model.n_key_value_heads if name in HEAD_AXIS_IS_KEY_VALUE else model.n_heads
    sizes = {
        "prompt": prompts,
        "position": positions,
        "query": positions,
        "key": positions,
        "head": heads,
        "d_model": model.d_model,
    }
    return tuple(sizes.get(axis) for axis in TABLE[name].axes)


def _shapes(model: Model, names: list[str], found: dict[Any, Tensor]) -> list[Check]:
    checks = []
    for name in names:
        layers: list[int | None] = list(range(model.n_layers)) if TABLE[name].in_block else [None]
        shape = expected_shape(model, name, 2, 2)
        if name in ("embed", "pos_embed"):  # some families embed into another width first
            shape = (*shape[:2], None)
        good = all(
            (name, layer) in found
            and len(found[name, layer].shape) == len(shape)
            and all(want in (None, size) for want, size in zip(shape, found[name, layer].shape, strict=True))
            for layer in layers
        )
        if not good:
            checks.append(Check(f"{name} fires in every layer with its shape", float("nan"), False, (name,)))
    passed = Check("every other site fires in every layer with its shape", 0.0, True, ())
    return [*checks, passed]


def _sums(model: Model, names: list[str], found: dict[Any, Tensor]) -> list[Check]:
    limit = TOLERANCE.get(model.dtype, 5e-2)
    checks: list[Check] = []

    def check(name: str, sites: tuple[str, ...], pairs: list[tuple[Tensor, Tensor]]) -> None:
        errors = [float((a.to(b.device) - b).abs().max() / b.abs().max().clamp_min(1e-30)) for a, b in pairs]
        worst = max(errors) if all(e == e for e in errors) else float("nan")
        loose = max(limit, 1e-4) if model.dtype == torch.float64 else limit
        checks.append(Check(name, worst, worst <= loose, sites))

    def at(name: str) -> list[Tensor]:
        return [found[name, layer] for layer in range(model.n_layers)]

    layers, stream = range(model.n_layers), model.architecture.stream
    writes = [s for s in ("attn_out", "mlp_out", "mixer_out") if s in names]
    if {"resid_pre", "resid_post"} <= set(names):
        if model.n_layers > 1:
            pairs = [(found["resid_post", i], found["resid_pre", i + 1]) for i in range(model.n_layers - 1)]
            check("resid_post is the next resid_pre", ("resid_pre", "resid_post"), pairs)
        if stream != "post_norm" and writes:
            total = [
                found["resid_pre", i] + sum(found[w, i].to(found["resid_pre", i].device) for w in writes)
                for i in layers
            ]
            check(
                f"resid_pre + {' + '.join(writes)} = resid_post",
                (*writes, "resid_mid"),
                list(zip(total, at("resid_post"), strict=True)),
            )
        elif stream == "post_norm":
            _post_norm(model, found, check)
    if {"pattern", "v", "z"} <= set(names):
        groups = model.n_heads // model.n_key_value_heads
        weighted = [
            p @ v.repeat_interleave(groups, 2).transpose(1, 2) for p, v in zip(at("pattern"), at("v"), strict=True)
        ]
        pairs = [(w.transpose(1, 2), z) for w, z in zip(weighted, at("z"), strict=True)]
        check("pattern times v = z, also with a changed pattern", ("pattern", "attn_scores", "z"), pairs)
    if "logits" in names and "resid_post" in names:
        logits = found["logits", None]
        check(
            "unembedding the last stream = logits",
            (),
            [(model.unembed(found["resid_post", model.n_layers - 1]), logits)],
        )
        if "pattern" in names:
            changed = float((logits[0, 1] - logits[1, 1]).abs().max()) > 0
            checks.append(
                Check(
                    "a changed pattern changes the logits", 0.0 if changed else 1.0, changed, ("pattern", "attn_scores")
                )
            )
    return checks


def _post_norm(model: Model, found: dict[Any, Tensor], check: Any) -> None:
    """Encoders that normalise the stream itself: each norm reads the stream plus what was written."""
    from mi_nb.core.architectures import submodule

    pairs = []
    for layer, block in enumerate(model.blocks):
        stream = found["resid_pre", layer]
        for norm, write in (("ln1", "attn_out"), ("ln2", "mlp_out")):
            module = submodule(block, model.architecture.ports[norm].rpartition(":")[0])
            assert module is not None
            stream = module(stream + found[write, layer])
        pairs.append((stream, found["resid_post", layer]))
    check("the norms of the stream plus attn_out and mlp_out give resid_post", ("attn_out", "mlp_out"), pairs)


def site_table(model: Model) -> pd.DataFrame:
    """The site table of one model; see `Model.sites`."""
    import pandas as pd

    sizes = {
        "d_model": model.d_model,
        "d_head": model.d_head,
        "neuron": model.d_mlp,
        "vocabulary": model.vocabulary_size,
    }

    def axis(row: Any, name: str) -> str:
        size = model.n_key_value_heads if name == "head" and row.name in HEAD_AXIS_IS_KEY_VALUE else model.n_heads
        size = sizes.get(name, size if name == "head" else None)
        return name if size is None else f"{name} {size}"

    return pd.DataFrame(
        [
            {
                "site": row.name,
                "shape": ("layer, " if row.in_block else "") + ", ".join(axis(row, a) for a in row.axes),
                "meaning": row.meaning,
                "TransformerLens": ("blocks.{layer}." if row.in_block else "") + row.transformer_lens
                if row.transformer_lens
                else "",
                "absent because": model.unsupported.get(row.name, ""),
            }
            for row in TABLE.values()
        ]
    )
