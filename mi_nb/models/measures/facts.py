"""Where a model looks facts up, and how they reach the end of the prompt."""

from __future__ import annotations

import torch
from torch import Tensor

from mi_nb.core.model import Model

from ..world.document import Case, Document
from ..world.people import PEOPLE
from .questions import at, attention, from_cases, replace_at

_SENTENCES = {
    "job": "Today {person:subject}{aside} works as a {value!}.",
    "city": "Today {person:subject}{aside} lives in {value!}.",
    "pet": "Today {person:subject}{aside} owns a {value!}.",
    "country": "Today {person:subject}{aside} comes from {value!}.",
}
_ASIDES = ["", " quietly", " in the morning"]


def measure_facts(model: Model, n: int = 72, relation: str = "job") -> dict[str, float | list[float]]:
    """Causal tracing (Meng et al., 2022) with another person's name as the corruption.

    Returns:
        Shares of the clean-corrupted logit difference that come back by restoring, in the corrupted prompt,
        "mlp_subject" each layer's MLP output at the name's last token (its sum over layers 0 and 1 at once:
        "early_mlps_subject"), "mlps_end" all MLP outputs at the end, "stream_subject" and "stream_end" the stream that
        enters each layer. "mover": the largest attention from the end to the name, and "mover_layer".
    """
    clean, other = [], []
    for index in range(n):
        person, stranger = PEOPLE[index % len(PEOPLE)], PEOPLE[(index + 17) % len(PEOPLE)]
        if person.facts[relation] == stranger.facts[relation]:
            continue
        for who, cases in ((person, clean), (stranger, other)):
            document = Document().add(
                _SENTENCES[relation], person=who.name, aside=_ASIDES[index % 3], value=person.facts[relation]
            )
            document.distractors = (f" {stranger.facts[relation]}",)
            document.answers = (f" {person.facts[relation]}",)
            cases.append(
                Case(
                    "facts",
                    document.case("facts").prompt,
                    document.answers,
                    document.distractors,
                    document.case("facts").positions,
                )
            )
    asked = from_cases(model, clean)
    corrupted = [case.prompt for case in other]
    run = model.run(asked.prompts, ["pattern", "mlp_out", "resid_pre"])
    subject, end = asked.positions["subject"], asked.end
    best = asked.difference(asked.logits(model)).mean()
    worst = asked.difference(asked.logits(model, prompts=corrupted)).mean()

    def share(site: str, layers: list[int], where: Tensor) -> float:
        edit = dict(replace_at(site, layer, where, at(run[site, layer], where)) for layer in layers)
        got = asked.difference(asked.logits(model, edit, corrupted)).mean()
        return round(float((got - worst) / (best - worst)), 3)

    layers = list(range(model.n_layers))
    to_subject = attention(run, end, subject)
    return {
        "accuracy": asked.right(asked.logits(model)),
        "mlp_subject": [share("mlp_out", [layer], subject) for layer in layers],
        "early_mlps_subject": share("mlp_out", [0, 1], subject),
        "mlps_end": share("mlp_out", layers, end),
        "stream_subject": [share("resid_pre", [layer], subject) for layer in layers],
        "stream_end": [share("resid_pre", [layer], end) for layer in layers],
        "mover": float(to_subject.max()),
        "mover_layer": float(torch.argmax(to_subject.max(1).values)),
    }
