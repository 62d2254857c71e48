"""Greater-than, agreement, addition and in-context tasks: what each needs, in numbers."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from mi_nb.core.edits import Edit
from mi_nb.core.model import Model
from mi_nb.core.sites import Site

from ..world.behaviours import grammar
from .questions import Questions, at, attention, from_cases, questions, replace_at, with_words


def without_mlp(model: Model, asked: Questions, layer: int) -> Tensor:
    """(question, vocabulary) logits with one layer's MLP output at the end replaced by its mean over the questions."""
    where = asked.end
    output = at(model.run(asked.prompts, [Site("mlp_out", layer=layer)])["mlp_out", layer], where)
    return asked.logits(model, dict([replace_at("mlp_out", layer, where, output.mean(0).expand_as(output))]))


def _masses(model: Model, asked: Questions, logits: Tensor) -> Tensor:
    vocabulary = model.tokenizer.get_vocab()
    probabilities = logits.softmax(-1)
    good = [float(p[[vocabulary[t] for t in c.answers]].sum()) for p, c in zip(probabilities, asked.cases, strict=True)]
    bad = [
        float(p[[vocabulary[t] for t in c.distractors]].sum()) for p, c in zip(probabilities, asked.cases, strict=True)
    ]
    return torch.tensor(good) - torch.tensor(bad)


def measure_greater_than(model: Model, n: int = 100, *, seed: int = 0) -> dict[str, float | list[float]]:
    """Hanna et al. (2023): attention brings the first year to the end, MLPs raise the years after it.

    Returns:
        "difference": probability of later minus that of earlier years; "year_attention": attention from the end to the
        first year, largest head, per layer; "without_mlp": the difference without each layer's MLP at the end;
        "without_mlps": without those of all layers from 1 on.
    """
    asked = questions(model, "greater_than", n, seed=seed)
    run = model.run(asked.prompts, ["pattern", "mlp_out"])
    to_year = attention(run, asked.end, asked.positions["start"])
    all_edits = {}
    for layer in range(1, model.n_layers):
        output = at(run["mlp_out", layer], asked.end)
        all_edits |= dict([replace_at("mlp_out", layer, asked.end, output.mean(0).expand_as(output))])
    return {
        "difference": float(_masses(model, asked, asked.logits(model)).mean()),
        "year_attention": [round(float(x), 3) for x in to_year.max(1).values],
        "without_mlp": [
            round(float(_masses(model, asked, without_mlp(model, asked, layer)).mean()), 3)
            for layer in range(model.n_layers)
        ],
        "without_mlps": float(_masses(model, asked, asked.logits(model, all_edits)).mean()),
    }


def measure_agreement(model: Model, n: int = 200, *, seed: int = 0) -> dict[str, float | list[float]]:
    """Where the subject's number can be read off linearly, and where it acts.

    Returns:
        "readable_at_end": accuracy of a ridge probe of the subject's number on the stream that enters each layer (and
        that leaves the last), at the end, behind another noun of either number; "patch_subject"
        and "patch_end": share of the effect of turning the subject's number around that the stream there carries.
    """
    rng = random.Random(f"measure-agreement-{seed}")
    cases = [grammar.agreement(rng, "test").case("agreement") for _ in range(4 * n)]
    asked = from_cases(model, [case for case in cases if "attractor" in case.positions][:n])
    plural = torch.tensor([" are" in case.answers for case in asked.cases])
    run = model.run(asked.prompts, ["resid_pre", "resid_post"])
    streams = [*run["resid_pre"], run["resid_post", model.n_layers - 1]]
    readable = [round(_probe(at(stream, asked.end), plural), 3) for stream in streams]
    vocabulary = model.tokenizer.get_vocab()
    good, bad = (
        torch.tensor([vocabulary[w] for w in words]) for words in (asked.cases[0].answers, asked.cases[0].distractors)
    )
    sign = torch.where(plural == plural[0], 1.0, -1.0)

    def difference(logits: Tensor) -> Tensor:
        return (sign * (logits[:, good].logsumexp(1) - logits[:, bad].logsumexp(1))).mean()

    corrupted = with_words(model, asked, "subject", [_other_number(model, asked, i) for i in range(len(asked))])
    best, worst = difference(asked.logits(model)), difference(asked.logits(model, prompts=corrupted))
    shares = {
        label: [
            round(
                float(
                    (
                        difference(
                            asked.logits(
                                model,
                                dict([replace_at("resid_pre", layer, where, at(run["resid_pre", layer], where))]),
                                corrupted,
                            )
                        )
                        - worst
                    )
                    / (best - worst)
                ),
                3,
            )
            for layer in range(model.n_layers)
        ]
        for label, where in (("patch_subject", asked.positions["subject"]), ("patch_end", asked.end))
    }
    return {"readable_at_end": readable, **shares}


def _other_number(model: Model, asked: Questions, index: int) -> str:
    from ..world.lexicon import PLURAL_NOUNS, SINGULAR_NOUNS

    ids = model.tokenizer(asked.prompts[index])["input_ids"]
    noun = model.tokenizer.convert_ids_to_tokens(ids)[int(asked.positions["subject"][index])][1:]
    pairs = dict(zip(SINGULAR_NOUNS + PLURAL_NOUNS, PLURAL_NOUNS + SINGULAR_NOUNS, strict=True))
    return f" {pairs[noun]}"


def _probe(features: Tensor, label: Tensor, ridge: float = 1.0) -> float:
    """Accuracy on the second half of a ridge regression fitted on the first half."""
    half = len(label) // 2
    x = torch.cat([features.float(), torch.ones(len(features), 1)], 1)
    y = label.float() * 2 - 1
    train = x[:half]
    weight = torch.linalg.solve(train.T @ train + ridge * torch.eye(x.shape[1]), train.T @ y[:half])
    return float(((x[half:] @ weight > 0) == label[half:]).float().mean())


def measure_addition(model: Model, n: int = 200, *, seed: int = 0) -> dict[str, float | list[float]]:
    """How the last digit of a sum comes about.

    Returns:
        "operands": the smaller of the attention that either ones digit gets from "=" or from the end (largest head of
        any layer); "without_mlp": accuracy of the last digit without each layer's MLP from "=" to the end.
    """
    asked = questions(model, "addition", n, seed=seed)
    run = model.run(asked.prompts, ["pattern"])
    equals = asked.positions["ones_b"] + 1
    reads = [
        max(attention(run, source, asked.positions[label]).max() for source in (equals, asked.end))
        for label in ("ones_a", "ones_b")
    ]

    def without(layer: int) -> float:
        def mean(old: Tensor) -> Tensor:
            new = old.clone()
            new[:, int(equals[0]) :] = old[:, int(equals[0]) :].mean(0)
            return new

        return asked.right(asked.logits(model, {Site("mlp_out", layer=layer): Edit("function", function=mean)}))

    return {
        "accuracy": asked.right(asked.logits(model)),
        "operands": float(min(reads)),
        "without_mlp": [round(without(layer), 3) for layer in range(model.n_layers)],
    }


MATCHES = {
    "coloured_objects": ("color", (0, 1, 2)),
    "multiple_choice": ("letter", (0, 1, 2, 3)),
    "multiple_choice_category": ("letter", (0, 1, 2, 3)),
    "multiple_choice_question_first": ("letter", (0, 1, 2, 3)),
}


def measure_matching(model: Model, n: int = 100, *, seed: int = 0) -> dict[str, float]:
    """Attention from the end, or from the queried word, to the item that answers (the best head's, summed over it).

    Returns:
        One number per in-context behaviour; for few-shot labels the attention to all earlier labels of the right kind
        minus that to the others.
    """
    found = {}
    for behaviour, (label, steps) in MATCHES.items():
        asked = questions(model, behaviour, n, seed=seed)
        run = model.run(asked.prompts, ["pattern"])
        sources = [asked.end] + ([asked.positions["query"]] if "first" not in behaviour else [])
        tables = [sum(attention(run, source, asked.positions[label] + step) for step in steps) for source in sources]
        found[behaviour] = max(float(table.max()) for table in tables)  # type: ignore[union-attr]
    asked = questions(model, "few_shot", n, seed=seed)
    run = model.run(asked.prompts, ["pattern"])
    scores = torch.zeros(model.n_layers, model.n_heads)
    for row, case in enumerate(asked.cases):
        for name, place in case.positions.items():
            if name.startswith(("same_label", "other_label")) and name[-1].isdigit():
                sign = 1 if name.startswith("same") else -1
                scores += sign * run["pattern"][:, row, :, case.positions["end"], place]
    found["few_shot"] = float((scores / len(asked)).max())
    return found


def layer_use(model: Model, behaviours: list[str], n: int = 60, *, seed: int = 0) -> dict[str, list[float]]:
    """Accuracy without each layer (its attention and MLP outputs set to zero); the last entry is the whole model's."""
    table = {}
    for behaviour in behaviours:
        asked = questions(model, behaviour, n, seed=seed)
        row = []
        for layer in range(model.n_layers):
            edit = {Site("attn_out", layer=layer): Edit("zero"), Site("mlp_out", layer=layer): Edit("zero")}
            row.append(round(asked.right(asked.logits(model, edit)), 3))
        table[behaviour] = [*row, round(asked.right(asked.logits(model)), 3)]
    return table


def lens_depth(model: Model, behaviours: list[str], n: int = 60, *, seed: int = 0) -> dict[str, list[float]]:
    """Share of answers that are the logit lens's first choice after each layer."""
    table = {}
    for behaviour in behaviours:
        asked = questions(model, behaviour, n, seed=seed)
        run = model.run(asked.prompts, ["resid_post"])
        table[behaviour] = [
            round(asked.right(model.unembed(at(stream, asked.end)).float()), 3) for stream in run["resid_post"]
        ]
    return table
