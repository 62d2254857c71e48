"""The logit lens: what would the model say next, if it stopped after this layer?

Every stream x of width d_model is read as the last one is: logits = unembed(ln_final(x)). The last layer's numbers are
therefore the model's own; earlier ones show a guess that is being refined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mi_nb.core.answers import token_ids
from mi_nb.core.errors import SiteError
from mi_nb.core.progress import progress_bar
from mi_nb.core.result import Provenance, Result, provenance, transient
from mi_nb.core.sites import Site
from mi_nb.core.table import rows_of, table
from mi_nb.core.tokens import Prompts, Tokens

if TYPE_CHECKING:
    import pandas as pd

    from mi_nb.core.model import Model

STREAMS = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "mixer_out", "result")
BUDGET = 16_000_000
"""Logits held at once, in numbers: a chunk of rows times the vocabulary."""


@dataclass(frozen=True, repr=False, eq=False)
class LogitLens(Result):
    """What each layer would predict at each position. Made by `logit_lens`.

    A row is a layer, or a head of a layer when per-head results are read. Positions beyond a prompt's end are NaN or
    -1.
    """

    site: str
    """Name of the site that was read."""
    layers: list[int]
    """Layer of each row, from the bottom."""
    heads: list[int] | None
    """Head of each row, for per-head results."""
    tokens: list[list[str]]
    """Per prompt, its tokens."""
    token_ids: list[list[int]]
    """Per prompt, its token ids."""
    vocabulary: dict[str, str]
    """The string of every token id below, keyed by the id as text."""
    top_ids: Int[Tensor, "prompt row position top"]
    """Ids of the most probable tokens, best first."""
    top_logits: Float[Tensor, "prompt row position top"]
    """Their logits."""
    top_log_probs: Float[Tensor, "prompt row position top"]
    """Their log-probabilities, in nats."""
    entropy: Float[Tensor, "prompt row position"]
    """Entropy of each distribution, in nats."""
    kl: Float[Tensor, "prompt row position"]
    """KL(model's final distribution || this one), in nats."""
    target_ids: Int[Tensor, " target"]
    """Ids of the tokens that were asked for."""
    target_ranks: Int[Tensor, "prompt row position target"]
    """Their ranks; 0 is the most probable token."""
    target_logits: Float[Tensor, "prompt row position target"]
    """Their logits."""
    target_log_probs: Float[Tensor, "prompt row position target"]
    """Their log-probabilities, in nats."""
    provenance: Provenance
    model: Any = transient()  # noqa: RUF009

    def _table(self) -> pd.DataFrame:
        length = self.entropy.shape[2]
        real = np.arange(length) < np.array([len(t) for t in self.tokens])[:, None]
        rank = torch.arange(self.top_ids.shape[-1]).expand_as(self.top_ids)
        outside = self.target_ranks >= self.top_ids.shape[-1]  # the others stand among the top tokens already
        ids = torch.cat([self.top_ids, self.target_ids.expand_as(self.target_ranks)], -1).numpy()
        kept = np.concatenate([np.ones(self.top_ids.shape, bool), outside.numpy()], -1) & real[:, None, :, None]
        prompt, row, position, _ = np.nonzero(kept)
        names = {int(i): s for i, s in self.vocabulary.items()}
        strings = np.array([[*t, *[""] * (length - len(t))] for t in self.tokens], dtype=object)

        def both(top: Tensor, target: Tensor) -> np.ndarray:
            return torch.cat([top, target], -1).numpy()[kept]

        columns: dict[str, Any] = {
            "prompt": prompt,
            "layer": np.array(self.layers)[row],
            **({} if self.heads is None else {"head": np.array(self.heads)[row]}),
            "position": position,
            "token": strings[prompt, position],
            "rank": both(rank, self.target_ranks),
            "prediction": [names[i] for i in ids[kept]],
            "token_id": ids[kept],
            "logit": both(self.top_logits, self.target_logits),
            "log_prob": both(self.top_log_probs, self.target_log_probs),
            "entropy": self.entropy.numpy()[prompt, row, position],
            "kl": self.kl.numpy()[prompt, row, position],
        }
        return table(columns, [len(t) for t in self.tokens])

    def select(self, selection: Sequence[dict[str, Any]] | None = None) -> pd.DataFrame:
        """The rows that a selection marks; a widget's rows of heads are understood. See `Result.select`."""
        if selection is None or self.heads is None:
            return super().select(selection)
        plain = []
        for record in selection:
            record = dict(record)
            if "component" in record:
                row = record.pop("component")
                record |= {"layer": self.layers[row], "head": self.heads[row]}
            plain.append(record)
        return rows_of(self.data, plain)

    def follow(self, tokens: str | Sequence[str]) -> pd.DataFrame:
        """The rows of one token through all layers and positions: its rank and probability wherever it is known.

        Args:
            tokens: A token for all prompts, or one per prompt (each prompt's answer). Ask for it in `targets`, so that
                it is known everywhere and not only in the top.

        Raises:
            ValueError: there are neither one nor as many tokens as prompts.
        """
        each = [tokens] * len(self.tokens) if isinstance(tokens, str) else list(tokens)
        if len(each) != len(self.tokens):
            raise ValueError(f"give one token, or one for each of the {len(self.tokens)} prompts; got {len(each)}")
        return self.data.loc[self.data["prediction"] == np.array(each, dtype=object)[self.data["prompt"]]]

    @property
    def labels(self) -> list[str]:
        """A name per row: the layer, or layer and head."""
        if self.heads is None:
            return [str(layer) for layer in self.layers]
        return [f"{layer}.{head}" for layer, head in zip(self.layers, self.heads, strict=True)]

    def chart(self, *, prompt: int = 0, measure: str = "probability") -> Any:
        """A heatmap of one prompt: layers upward, positions to the right, each cell named by its most probable token.

        Args:
            prompt: Which prompt.
            measure: `"probability"` of that token, `"entropy"` or `"kl"` (both in nats).
        """
        import altair as alt

        best = self.data.loc[(self.data["prompt"] == prompt) & (self.data["rank"] == 0)].copy()
        if best.empty:
            raise IndexError(f"there is no prompt {prompt}: this result has {len(self.tokens)}")
        best["probability"] = np.exp(best["log_prob"])
        if measure not in ("probability", "entropy", "kl"):
            raise ValueError(f"measure is 'probability', 'entropy' or 'kl', not {measure!r}")
        heads = best["layer"] if self.heads is None else best["head"]
        pairs = zip(best["layer"], heads, strict=True)
        best["row"] = [str(layer) if self.heads is None else f"{layer}.{head}" for layer, head in pairs]
        best["at"] = [f"{p}: {t}" for p, t in zip(best["position"], best["token"], strict=True)]
        top = 1.0 if measure == "probability" else max(float(best[measure].max()), 1e-9)
        best["ink"] = np.where(best[measure] > 0.55 * top, "white", "black")
        base = alt.Chart(alt.Data(values=best.drop(columns=["token_id"]).to_dict(orient="records"))).encode(
            x=alt.X("at:N", sort=None, title="position: token", axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("row:N", sort=self.labels[::-1], title="layer" if self.heads is None else "layer.head"),
        )
        unit = "probability" if measure == "probability" else f"{measure} (nats)"
        scale = alt.Scale(scheme="greenblue", domain=[0, top])
        cells = base.mark_rect().encode(color=alt.Color(f"{measure}:Q", title=unit, scale=scale))
        words = base.mark_text(fontSize=9).encode(text="prediction:N", color=alt.Color("ink:N", scale=None))
        layered = alt.layer(cells, words).resolve_scale(color="independent")
        return layered.properties(width=alt.Step(52), height=alt.Step(20), title=f"Logit lens of {self.site}")

    def _grid(self) -> dict[str, Any]:
        names = {int(i): s for i, s in self.vocabulary.items()}
        measures = {
            "probability": (
                self.top_log_probs[..., 0].exp(),
                "sequential",
                (0.0, 1.0),
                "",
                "of the most probable token",
            ),
            "entropy": (self.entropy, "sequential", None, "nats", "of the predicted distribution"),
            "KL": (self.kl, "sequential", None, "nats", "from the model's final distribution to this one"),
        }
        targets = [{"id": i, "token": names[i]} for i in self.target_ids.tolist()]
        return {
            "title": f"Logit lens of {self.site}: what would follow each token",
            "prompts": [{"tokens": t, "ids": i} for t, i in zip(self.tokens, self.token_ids, strict=True)],
            "rows": self.labels,
            "row_axis": "layer" if self.heads is None else "component",
            "row_values": self.layers if self.heads is None else list(range(len(self.layers))),
            "measures": {
                name: {"values": values.numpy(), "kind": kind, "domain": domain, "unit": unit, "description": text}
                for name, (values, kind, domain, unit, text) in measures.items()
            },
            "top_ids": self.top_ids.numpy().astype(np.int32),
            "top_values": self.top_log_probs.exp().numpy(),
            "vocabulary": names,
            "targets": targets,
            "target_measures": {
                "probability": self.target_log_probs.exp().permute(3, 0, 1, 2).numpy(),
                "rank": (self.target_ranks + 1).permute(3, 0, 1, 2).numpy(),
            }
            if targets
            else {},
        }

    def _widget(self) -> Any:
        from mi_nb.widgets import TokenGrid

        return TokenGrid(**self._grid(), actions=self._actions() if self.model is not None else None, result=self)

    def _actions(self) -> dict[str, Any]:
        top, targets = self.top_ids.shape[-1], self.target_ids.tolist()
        state: dict[str, LogitLens] = {"lens": self}

        def show(prompts: Prompts, wanted: list[int]) -> dict[str, Any]:
            new = logit_lens(self.model, prompts, site=self.site, top=top, targets=wanted, progress=False)
            state["lens"] = new
            return {**new._grid(), "result": new}

        def prompt(request: dict[str, Any]) -> dict[str, Any]:
            return show(request["text"], targets)

        def follow(request: dict[str, Any]) -> dict[str, Any]:
            current = state["lens"]
            wanted = list(dict.fromkeys([*current.target_ids.tolist(), int(request["token_id"])]))
            shown = show(current.token_ids, wanted)
            return {name: shown[name] for name in ("targets", "target_measures", "vocabulary", "result")}

        return {"prompt": prompt, "follow": follow}

    def _summary(self) -> str:
        longest = max(len(t) for t in self.tokens)
        prompts = "1 prompt" if len(self.tokens) == 1 else f"{len(self.tokens)} prompts"
        rows = f"{len(set(self.layers))} layers" + ("" if self.heads is None else f", {len(self.layers)} heads")
        return f"{self.provenance.model}, {self.site}: {prompts}, {rows}, up to {longest} positions"


def logit_lens(
    model: Model,
    prompts: Prompts,
    *,
    site: str = "resid_post",
    top: int = 10,
    targets: str | int | Sequence[str | int] | None = None,
    progress: bool = True,
) -> LogitLens:
    """What would the model predict from each layer's residual stream?

    logits(x) = unembed(ln_final(x)) for the stream x of every layer and position.

    Args:
        model: The model.
        prompts: Text, texts, token ids or `Tokens`.
        site: A stream (`resid_pre`, `resid_mid`, `resid_post`), what a layer adds to it (`attn_out`, `mlp_out`), or
            `result` for each head's part. Parts are normed on their own: compare them with each other, and see
            `direct_logit_attribution` for parts that add up.
        top: How many tokens to keep per layer and position.
        targets: Tokens to follow through all layers, as text (`" Mary"`) or ids.
        progress: Show a progress bar when it takes longer than a second.

    Returns:
        A `LogitLens`. Its `data` has the columns prompt, layer, (head,) position, token, rank, prediction, token_id,
        logit, log_prob, entropy, kl: one row per kept token, rank 0 being the most probable; targets outside of the top
        have rows too. Entropy and KL are in nats.

    Raises:
        SiteError: this model does not have the site, or it is no stream.
        PromptError: a prompt or a target is not usable; the message says why.

    Example:
        >>> import mi_nb as mi
        >>> model = mi.load("mini")
        >>> lens = mi.logit_lens(model, "When Mary and John went to the store, John gave a drink to")
        >>> lens.data.query("rank == 0 and position == -1").prediction.iloc[-1]
        ' Mary'

    Caveats:
        Early layers may write in directions that the unembedding does not read, so a poor early guess is no proof of
        absent information; `tuned_lens` repairs this by training. What a layer could say is not what the model uses.

    References:
        nostalgebraist, "interpreting GPT: the logit lens" (2020).
    """
    if site not in STREAMS:
        raise SiteError(f"the logit lens reads streams of width d_model: {', '.join(STREAMS)}; not {site!r}")
    model.supported(Site(site))
    if not 1 <= top <= model.vocabulary_size:
        raise ValueError(f"top is between 1 and the vocabulary size, {model.vocabulary_size}; got {top}")
    tokens = model.tokenize(prompts)
    wanted = token_ids(model, targets)
    batches = _batches(model, tokens)
    total = sum(len(batch) for batch in batches) * tokens.ids.shape[1]
    with progress_bar(total, "logit lens", unit="token", show=progress) as bar:
        parts = [_lens_of(model, batch, site, top, wanted, bar) for batch in batches]
    fields = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    kept = {*fields["top_ids"].unique().tolist(), *wanted} - {-1}
    heads = model.n_heads if site == "result" else 0
    rows = [(layer, head) for layer in range(model.n_layers) for head in range(heads or 1)]
    return LogitLens(
        site=site,
        layers=[layer for layer, _ in rows],
        heads=[head for _, head in rows] if heads else None,
        tokens=tokens.strings,
        token_ids=[row[:n] for row, n in zip(tokens.ids.tolist(), tokens.lengths, strict=True)],
        vocabulary={str(i): model.token_strings[i] for i in sorted(kept)},
        target_ids=torch.tensor(wanted, dtype=torch.long),
        provenance=provenance(model, "logit_lens", site=site, top=top, targets=wanted),
        model=model,
        **fields,
    )


def _batches(model: Model, tokens: Tokens) -> list[Tokens]:
    """Prompts that are read together: few enough for their streams to stay below about a gigabyte."""
    per_prompt = tokens.ids.shape[1] * model.n_layers * model.d_model * 4
    size = max(1, 500_000_000 // max(per_prompt, 1))
    return [tokens[i : i + size] for i in range(0, len(tokens), size)]


@torch.no_grad()
def _lens_of(model: Model, tokens: Tokens, site: str, top: int, wanted: list[int], bar: Any) -> dict[str, Tensor]:
    last = Site("resid_post", layer=-1)
    run = model.run(tokens, read=[site, last], logits="none")
    streams = run[site]
    if site == "result":  # heads become rows
        streams = streams.permute(0, 3, 1, 2, 4).flatten(0, 1)
    streams, final = streams.transpose(0, 1), run[last]
    span = max(1, BUDGET // (model.vocabulary_size * len(tokens)))
    columns = []
    for start in range(0, final.shape[1], span):
        window = slice(start, start + span)
        target = _log_probs(model.unembed(final[:, window]).float())
        rows = [_measures(model.unembed(streams[:, r, window]), target, top, wanted) for r in range(streams.shape[1])]
        columns.append({name: torch.stack([row[name] for row in rows], 1) for name in rows[0]})
        bar.update(target.shape[0] * target.shape[1])
    whole = {name: torch.cat([column[name] for column in columns], 2).cpu() for name in columns[0]}
    beyond = ~tokens.mask.cpu()[:, None].expand(whole["entropy"].shape)
    for values in whole.values():
        values[beyond] = torch.nan if values.is_floating_point() else -1
    return whole


def _log_probs(logits: Tensor) -> Tensor:
    """Log-probabilities, finite also where a vocabulary has dead rows, so that 0 log 0 is 0."""
    return logits.log_softmax(-1).clamp_min_(torch.finfo(logits.dtype).min / 2)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("...v,...v->...", a, b)


def _measures(logits: Tensor, final: Tensor, top: int, wanted: list[int]) -> dict[str, Tensor]:
    logits = logits.float()
    log_probs = _log_probs(logits)
    probs, final_probs = log_probs.exp(), final.exp()
    best = logits.topk(top, -1)
    ids = torch.tensor(wanted, dtype=torch.long, device=logits.device)
    chosen = logits[..., ids]
    ranks = [(logits > chosen[..., i : i + 1]).sum(-1) for i in range(len(wanted))]
    empty = torch.zeros(*logits.shape[:-1], 0, dtype=torch.long, device=logits.device)
    return {
        "top_ids": best.indices,
        "top_logits": best.values,
        "top_log_probs": log_probs.gather(-1, best.indices),
        "entropy": -_dot(probs, log_probs),
        "kl": _dot(final_probs, final) - _dot(final_probs, log_probs),
        "target_ranks": torch.stack(ranks, -1) if ranks else empty,
        "target_logits": chosen,
        "target_log_probs": log_probs[..., ids],
    }
