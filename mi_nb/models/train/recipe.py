"""What a recipe is: an architecture, and phases of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .forward import Active
from .knockouts import Knockouts


@dataclass(frozen=True)
class Phase:
    """One phase: what trains, on what, for how long.

    `early_exit` is the share of steps on cards alone whose answers are read after layer 0. Knock-outs hold until
    `fade[0]` of the phase and are gone at `fade[1]`. `grow` scales the outputs of layers from there on by .1 first.
    `naming` is the weight of a discarded linear head that names the acting person at END after layer 2. `windows`
    replaces the attention windows of the architecture's layers while the phase lasts.
    """

    name: str
    steps: int
    rate: float
    mix: Mapping[str, float]
    active: Active | None = None
    final_rate: float = 0.05
    early_exit: float = 0.0
    knockouts: Knockouts = field(default_factory=Knockouts)
    fade: tuple[float, float] = (1.0, 1.0)
    naming: float = 0.0
    grow_attention: int | None = None
    grow_mlps: int | None = None
    revive_heads: bool = False
    windows: tuple[int | None, ...] | None = None

    def knockouts_at(self, progress: float) -> Knockouts:
        """The knock-outs' rates at a share of the phase."""
        start, stop = self.fade
        if progress <= start:
            return self.knockouts
        return self.knockouts.scaled(max(0.0, 1 - (progress - start) / max(stop - start, 1e-9)))


@dataclass(frozen=True)
class Recipe:
    """How one bundled model comes about.

    With `recency` the heads of each layer start with biases of queries and keys that favour recent tokens, from not at
    all (the first head) to this much (the last): with rotary positions attention by distance grows from such biases.

    A `plain` recipe is ordinary language modelling: every token that can be known weighs the same.
    """

    name: str
    architecture: str
    config: Mapping[str, Any]
    phases: tuple[Phase, ...]
    checkpoints: tuple[int, ...]
    rows: int = 16
    width: int = 64
    weight_decay: float = 0.05
    other_weight: float = 0.02
    init: float = 0.06
    embedding_init: float = 0.05
    recency: float = 0.0
    plain: bool = False

    @property
    def steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phases)

    @property
    def has_mlps(self) -> bool:
        """Whether any phase runs an MLP; without, they write nothing."""
        return any(phase.active is None or phase.active.mlps for phase in self.phases)

    def at(self, step: int) -> tuple[Phase, int]:
        """The phase of a step, and the step within it."""
        for phase in self.phases:
            if step < phase.steps:
                return phase, step
            step -= phase.steps
        raise IndexError(f"{self.name} has {self.steps} steps")


def spaced(steps: int, count: int = 20, first: int = 16) -> tuple[int, ...]:
    """About `count` steps from 0 to the last, in a geometric series."""
    ratio = (steps / first) ** (1 / (count - 2))
    return (0, *sorted({round(first * ratio**i) for i in range(count - 1)} - {0}))
