"""The training loop: deterministic, resumable, the same on CPU and GPU."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from ..world import lexicon
from .batches import IDS, Batch, make_batch
from .forward import Active, base_masks, stream, windows_of
from .knockouts import apply_knockouts
from .recipe import Phase, Recipe

NAME_IDS = [IDS[f" {name}"] for name in lexicon.NAMES]


def build(recipe: Recipe, seed: int) -> PreTrainedModel:
    """The untrained model."""
    torch.manual_seed(seed)
    config = AutoConfig.for_model(
        recipe.architecture,
        vocab_size=len(IDS),
        bos_token_id=IDS["<bos>"],
        eos_token_id=IDS["<eos>"],
        pad_token_id=IDS["<eos>"],
        tie_word_embeddings=True,
        **recipe.config,
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    depth = math.sqrt(2 * config.num_hidden_layers)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            writes = name.endswith(("o_proj.weight", "down_proj.weight"))
            nn.init.normal_(parameter, 0, recipe.init / depth if writes else recipe.init)
            if name.endswith("down_proj.weight") and not recipe.has_mlps:
                nn.init.zeros_(parameter)
        if recipe.recency and name.endswith(("q_proj.bias", "k_proj.bias")):
            _favour_recent(parameter, config.num_attention_heads, recipe.recency)
    nn.init.normal_(model.get_input_embeddings().weight, 0, recipe.embedding_init)
    return model


@dataclass
class Trainer:
    """A run of a recipe. `folder` receives the state for resuming and the checkpoints."""

    recipe: Recipe
    seed: int
    folder: Path
    device: str = "cpu"
    half: bool = True

    def __post_init__(self) -> None:
        self.model = build(self.recipe, self.seed).to(self.device)  # type: ignore[call-arg]
        self.namer = nn.Linear(self.model.config.hidden_size, len(NAME_IDS)).to(self.device)
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        vectors = [p for p in self.model.parameters() if p.dim() == 1] + list(self.namer.parameters())
        groups = [
            {"params": matrices, "weight_decay": self.recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98), fused=True)
        self.step = 0
        self.windows = windows_of(self.model)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def state_path(self) -> Path:
        return self.folder / "state.pt"

    def save(self) -> None:
        """Write everything that the next step depends on. Batches depend on the seed and the step alone."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "namer": self.namer.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self.state_path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self.state_path)

    def resume(self) -> bool:
        """Continue from the saved state, if there is one."""
        if not self.state_path.exists():
            return False
        state = torch.load(self.state_path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.namer.load_state_dict(state["namer"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        return True

    def run(
        self,
        *,
        until: int | None = None,
        save_every: int = 500,
        report: Callable[[Trainer], Any] | None = None,
        report_every: int = 500,
    ) -> None:
        """Train up to step `until` (all of the recipe by default)."""
        until = min(until or self.recipe.steps, self.recipe.steps)
        with tqdm(total=self.recipe.steps, initial=self.step, desc=self.recipe.name, mininterval=5) as bar:
            while self.step < until:
                if self.step in self.recipe.checkpoints:
                    self.checkpoint()
                loss = self.advance()
                bar.update()
                if self.step % 20 == 0:
                    bar.set_postfix(phase=self.recipe.at(self.step - 1)[0].name, loss=f"{float(loss):.3f}")
                if self.step % save_every == 0:
                    self.save()
                if report and self.step % report_every == 0:
                    report(self)
        if self.step in self.recipe.checkpoints:
            self.checkpoint()
        self.save()

    def checkpoint(self) -> None:
        """Keep the weights of this step."""
        torch.save(self.model.state_dict(), self.folder / f"step{self.step}.pt")

    def advance(self) -> Tensor:
        """One step of training."""
        phase, within = self.recipe.at(self.step)
        rng = random.Random(f"{self.recipe.name}-{self.seed}-{self.step}")
        if within == 0:
            self._enter(phase)
        progress = within / phase.steps
        warm = min(1.0, (within + 1) / (0.03 * phase.steps + 1))
        fall = phase.final_rate + (1 - phase.final_rate) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in self.optimizer.param_groups:
            group["lr"] = phase.rate * warm * fall
        loss = self._loss(rng, phase, progress)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.detach()

    def _loss(self, rng: random.Random, phase: Phase, progress: float) -> Tensor:
        early = rng.random() < phase.early_exit
        mix = {"cards": 1.0} if early else phase.mix
        recipe = self.recipe
        batch = make_batch(rng, mix, rows=recipe.rows, width=recipe.width, other_weight=recipe.other_weight)
        if recipe.plain:
            _weigh_plainly(batch)
        batch.ids, batch.weight, batch.text = (t.to(self.device) for t in (batch.ids, batch.weight, batch.text))
        windows = self.windows if phase.windows is None else list(phase.windows)
        masks = base_masks(batch.text, windows)
        pressure = apply_knockouts(rng, batch, masks, windows, phase.knockouts_at(progress))
        active = Active(1, 1) if early else phase.active
        naming = 0.0 if early else phase.naming * max(0.0, 1 - 2 * progress)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.half):
            final, entering = stream(self.model, batch.ids, pressure, active, keep=3 if naming else None)
            asked = batch.weight[:, 1:] > 0
            logits = self.model.lm_head(final[:, :-1][asked]).float()
            weight = batch.weight[:, 1:][asked]
            losses = F.cross_entropy(logits, batch.ids[:, 1:][asked], reduction="none")
            loss = (losses * weight).sum() / weight.sum()
            if naming and entering is not None:
                loss = loss + naming * self._naming_loss(batch, entering)
        return loss

    def _naming_loss(self, batch: Batch, entering: Tensor) -> Tensor:
        rows, ends, wanted = [], [], []
        index = {token: number for number, token in enumerate(NAME_IDS)}
        for placed in batch.placed:
            if placed.kind == "ioi":
                for position in placed.positions("S2") + placed.positions("T2"):
                    rows.append(placed.row)
                    ends.append(placed.end)
                    wanted.append(index[int(batch.ids[placed.row, position])])
        if not rows:
            return entering.sum() * 0
        at_end = entering[rows, ends]
        at_end = at_end * torch.rsqrt(at_end.pow(2).mean(-1, keepdim=True) + 1e-6)
        return F.cross_entropy(self.namer(at_end).float(), torch.tensor(wanted, device=self.device))

    @torch.no_grad()
    def _enter(self, phase: Phase) -> None:
        torch.manual_seed(self.seed * 1000 + self.step)
        layers = self.model.model.layers
        d_head = self.model.config.hidden_size // self.model.config.num_attention_heads
        for number, layer in enumerate(layers):
            if phase.grow_mlps is not None and number >= phase.grow_mlps:
                layer.mlp.down_proj.weight.mul_(0.1)
            if phase.grow_attention is not None and number >= phase.grow_attention:
                layer.self_attn.o_proj.weight.mul_(0.1)
        if phase.revive_heads:
            for number, heads in (self.recipe.phases[0].active or Active(0, 0)).heads.items():
                for head, used in enumerate(heads):
                    if not used:
                        part = slice(head * d_head, (head + 1) * d_head)
                        attention = layers[number].self_attn
                        nn.init.normal_(attention.o_proj.weight[:, part], 0, 0.01)
                        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
                            nn.init.normal_(projection.weight[part], 0, self.recipe.init)


def _weigh_plainly(batch: Batch) -> None:
    batch.weight = (batch.text > 0).float()
    for placed in batch.placed:
        batch.weight[placed.row, placed.start] = 0
        for index in placed.document.unknowable:
            batch.weight[placed.row, placed.start + 1 + index] = 0


@torch.no_grad()
def _favour_recent(bias: Tensor, heads: int, most: float) -> None:
    # Equal biases on the unrotated half of queries and keys add a sum of cosines of the distance to the scores.
    parts = bias.view(heads, -1)
    for head, part in enumerate(parts):
        part[: part.shape[0] // 2] = most * head / max(1, heads - 1)
