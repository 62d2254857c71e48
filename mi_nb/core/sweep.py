"""Many interventions, few forward passes: the engine below ablation, patching, path patching, ACDC and scrubbing."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mi_nb.core.errors import FallbackWarning, is_out_of_memory
from mi_nb.core.instrument import Geometry, Place
from mi_nb.core.metrics import Metric, RowFunction, as_metric
from mi_nb.core.plan import Pass, Rows, model_cost, planned, rows_at_hand
from mi_nb.core.progress import progress_bar
from mi_nb.core.restart import Ability, Clean, Start, ability, carried, read_clean, read_restartable, restarted
from mi_nb.core.run import call, settled_model
from mi_nb.core.stacking import (
    READ_LATER,
    Block,
    Call,
    Entry,
    StackedEdits,
    Stacker,
    depth_of,
    entries_of,
    writes_of,
)
from mi_nb.core.tokens import Prompts, Tokens

if TYPE_CHECKING:
    from mi_nb.core.model import Model

SQUARE = ("pattern", "attn_scores")


def sweep(
    model: Model,
    prompts: Prompts,
    interventions: Sequence[Mapping[Any, Any]],
    metric: Metric | RowFunction,
    *,
    batch_rows: int | None = None,
    progress: bool = True,
    method: str = "auto",
) -> Tensor:
    """The metric of every prompt under every intervention: what `model.run(edit=...)` gives, in fewer passes.

    The rows of one batch carry different interventions for different prompts. A pass begins at the first layer and
    position that any of its rows changes, from the stream and the cache of a clean pass, and ends with what the metric
    reads. Rows whose new values equal the clean ones bit for bit, and rows that the metric cannot notice, take no pass.

    Args:
        model: The model.
        prompts: As for `model.run`: strings, ids or `Tokens`.
        interventions: Each a mapping of sites to edits, as for `model.run(edit=...)`. Tensors given to `set_to` may
            have a prompt axis; functions see all the prompts that they change together.
        metric: A metric, or a function of logits (row, vocabulary) at the last token and prompts (row,).
        batch_rows: Most rows in a pass; by default as many as the memory at hand allows.
        progress: Show a progress bar.
        method: `"auto"`, or `"plain"` for whole passes without restart.

    Returns:
        (intervention, prompt) values in the metric's unit, on the model's device.

    Raises:
        SiteError: a site does not exist here; the error says in which intervention.
        EditError: a value does not fit its site.

    Warns:
        FallbackWarning: the model does not allow a restart, carries somebody else's hooks, or memory ran out. The
            values are the same.
    """
    if method not in ("auto", "plain"):
        raise ValueError(f"method is 'auto' or 'plain', not {method!r}")
    tokens = model.tokenize(prompts)
    bound = as_metric(metric).bind(tokens, model)
    entries = entries_of(model, interventions)
    alone = {e.intervention for e in entries if e.site.is_module or e.site.name == "logits"}
    foreign = carried(model)
    if foreign:
        _warn(f"the model carries {foreign}: every intervention takes a pass of its own")
        alone = set(range(len(interventions)))
    with (
        settled_model(model.hf, frozen=False),
        torch.no_grad(),
        progress_bar(len(interventions) * len(tokens), "sweep", unit="row", show=progress) as bar,
    ):
        done = bar.update
        out: Tensor | None = None
        if len(alone) < len(interventions) or not interventions:
            stacked = [e for e in entries if e.intervention not in alone]
            out = _Sweep(model, tokens, bound, method, batch_rows, done).values(len(interventions), stacked)
        for i in sorted(alone):
            values = bound(model.run(tokens, edit=interventions[i]))
            if out is None:
                out = values.new_zeros(len(interventions), len(tokens))
            out[i] = values
            done(len(tokens))
    assert out is not None
    return out


class _Sweep:
    """One call of `sweep`, for the interventions whose sites are known to lie at a layer and position."""

    def __init__(
        self,
        model: Model,
        tokens: Tokens,
        metric: Metric,
        method: str,
        batch_rows: int | None,
        done: Callable[[int], Any],
    ) -> None:
        self.model, self.tokens, self.metric, self.done = model, tokens, metric, done
        self.wanted = metric.columns(tokens)
        self.ability = Ability(False, False) if method == "plain" else ability(model)
        if method == "auto" and not self.ability.restart:
            _warn(f"{model.family} takes whole passes: {self.ability.reason}")
        self.batch_rows, self.count = batch_rows, 0
        self.blocks: list[Block] = []
        self.calls: list[Call] = []

    def values(self, interventions: int, entries: Sequence[Entry]) -> Tensor:
        """(intervention, prompt) metric."""
        self.count = interventions
        clean = self._clean(sorted({e.place for e in entries}, key=str))
        lengths = self.tokens.lengths
        geometry = Geometry.of_tokens(self.tokens)
        self.blocks, self.calls = Stacker(geometry, clean.values).stack(entries)
        clean.values.clear()
        row_prompts = torch.arange(len(lengths))
        unchanged = self.metric.rows(clean.logits, row_prompts)
        out = unchanged.expand(interventions, -1).clone()
        rows = self._rows(interventions)
        self.done(interventions * len(lengths) - len(rows))
        width = self.tokens.ids.shape[1]
        limit = self.batch_rows or rows_at_hand(self.model, width, self.wanted.shape[1])
        for step in planned(rows, model_cost(self.model), limit):
            self._do(step, clean, out)
        return out

    def _clean(self, places: list[Place]) -> Clean:
        if not self.ability.restart:
            return read_clean(self.model, self.tokens, places, self.wanted)
        n = self.model.n_layers
        layers = sorted({depth_of(place, n) for place in places})
        return read_restartable(self.model, self.tokens, places, self.wanted, layers)

    def _rows(self, interventions: int) -> Rows:
        """The rows that need a pass, with the layer, first column and end of what they change."""
        n_prompts, width, n = len(self.tokens), self.tokens.ids.shape[1], self.model.n_layers
        layer = np.full((interventions, n_prompts), n + 1)
        first = np.full((interventions, n_prompts), width)
        together = np.zeros(interventions, dtype=bool)
        wanted = self.wanted.numpy()
        last = wanted.max(1)
        square = any(b.place[0] in SQUARE for b in self.blocks) or any(c.entry.place[0] in SQUARE for c in self.calls)
        for block in self.blocks:
            name, depth = block.place[0], depth_of(block.place, n)
            if self.ability.restart:
                if depth >= n - 1 and name not in READ_LATER:
                    block.alive &= (block.columns[..., None] == wanted[block.prompts][:, :, None]).any(-1)
                elif not square:  # an edited pattern may look ahead
                    block.alive &= block.columns <= last[block.prompts][..., None]
            matters = block.changed & block.alive
            which = (block.interventions[:, None], block.prompts)
            np.minimum.at(layer, which, np.where(matters.any(-1), depth, n + 1))
            np.minimum.at(first, which, np.where(matters, block.columns, width).min(-1))
        for call_ in self.calls:
            i, depth = call_.entry.intervention, depth_of(call_.entry.place, n)
            start = 0 if call_.columns is None else int(call_.columns.min())
            layer[i, call_.prompts] = np.minimum(layer[i, call_.prompts], depth)
            first[i, call_.prompts] = np.minimum(first[i, call_.prompts], start)
            together[i] = True
        for i in np.flatnonzero(together):  # a function sees its prompts in one pass
            some = layer[i] <= n
            layer[i, some], first[i, some] = layer[i, some].min(), first[i, some].min()
        i, p = np.nonzero(layer <= n)
        stop = np.where(together[i] | square, width, last[p] + 1)
        if not self.ability.restart:
            return Rows(i, p, 0 * i, 0 * i, 0 * i + width, together[i])
        return Rows(i, p, layer[i, p], first[i, p], stop, together[i])

    def _do(self, step: Pass, clean: Clean, out: Tensor) -> None:
        """Runs one pass, in halves when memory does not suffice."""
        try:
            values = self._pass(step, clean)
        except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            halves = step.halves()
            if halves is None:
                raise MemoryError(
                    f"not enough memory for one row of {step.stop - step.first} tokens: use shorter prompts"
                ) from error
        else:
            index = [torch.from_numpy(i).to(out.device) for i in (step.rows.intervention, step.rows.prompt)]
            out[index[0], index[1]] = values.to(out)
            self.done(len(step.rows))
            return
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        size = len(step.rows)
        _warn(f"out of memory with {size} rows in a pass: going on with {len(halves[0].rows.prompt)}")
        for half in halves:
            self._do(half, clean, out)

    def _pass(self, step: Pass, clean: Clean) -> Tensor:
        rows, n = step.rows, self.model.n_layers
        row_of = np.full((self.count, len(self.tokens)), -1)
        row_of[rows.intervention, rows.prompt] = np.arange(len(rows))
        writes = writes_of(self.blocks, self.calls, row_of, layer=step.layer, first=step.first)
        prompts = torch.from_numpy(rows.prompt)
        instrument = StackedEdits(self.model, writes, len(prompts), step.first, step.stop) if writes else None
        wanted = self.wanted[prompts]
        if not self.ability.restart:
            part = self.tokens[rows.prompt.tolist()]
            instrument = instrument or StackedEdits(self.model, {}, len(prompts), 0, step.stop)
            with instrument:
                logits = call(self.model, part, "all")
            at = torch.arange(len(prompts), device=logits.device)[:, None]
            return self.metric.rows(logits[at, wanted.to(logits.device)], prompts)
        late = any(isinstance(w, tuple) for place, here in writes.items() if depth_of(place, n) >= n - 1 for w in here)
        short = self.ability.short_end and wanted.shape[1] == 1 and not late
        start = Start(step.layer, step.first, step.stop, prompts, wanted.clamp_min(step.first), short)
        logits = restarted(self.model, clean, start, instrument)
        if bool((wanted < step.first).any()):  # what lies before the first change is as in the clean pass
            early = (wanted < step.first).to(logits.device)[..., None]
            logits = torch.where(early, clean.logits[prompts.to(logits.device)], logits)
        return self.metric.rows(logits, prompts)


def _warn(text: str) -> None:
    warnings.warn(text, FallbackWarning, stacklevel=4)
