"""Made-up lens numbers with the shape of real ones: guesses sharpen towards the last layer."""

from __future__ import annotations

from typing import Any

import numpy as np

EIFFEL = ["<bos>", "The", " E", "iffel", " Tower", " is", " in", " the", " city", " of"]
COLOSSEUM = ["<bos>", "The", " Col", "os", "seum", " is", " in", " the", " city", " of"]
WORDS = (
    " the| a| of| in| and|,|.|\n| is| was| to| city| Paris| Rome| London| France| Italy| tower| located| heart| centre"
    "| famous| world| north| south| capital| one| known| for| its| that| which| great| old| new| Berlin| Madrid| river"
    "| country|iffel|seum| Tower|ossal| light| love| by| on| with| town"
).split("|")


def vocabulary(size: int = 400) -> dict[int, str]:
    """Token strings by id: words first, then word pieces."""
    pieces = [f"{' ' if index % 3 else ''}w{index}" for index in range(len(WORDS), size)]
    return dict(enumerate([*WORDS, *pieces]))


def lens(
    prompts: list[list[str]] | None = None, *, layers: int = 12, top: int = 10, words: int = 400, seed: int = 0
) -> dict[str, Any]:
    """Arguments of a `TokenGrid` for some prompts."""
    prompts = prompts or [EIFFEL, COLOSSEUM]
    rng = np.random.default_rng(seed)
    count, rows, length = len(prompts), layers + 1, max(len(tokens) for tokens in prompts)
    logits = _logits(rng, prompts, rows, words)
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    probs = np.exp(log_probs)
    order = np.argsort(-probs, axis=-1)[..., :top]
    values = np.take_along_axis(probs, order, -1)
    final = log_probs[:, -1:]
    kl = (np.exp(final) * (final - log_probs)).sum(-1)
    targets = [{"id": WORDS.index(word), "token": word} for word in (" Paris", " Rome")]
    ids = [target["id"] for target in targets]
    target_probs = np.moveaxis(probs[..., ids], -1, 0)
    target_ranks = np.moveaxis(np.stack([(probs > probs[..., [i]]).sum(-1) + 1 for i in ids], -1), -1, 0)
    padding = np.zeros((count, 1, length), bool)
    for index, tokens in enumerate(prompts):
        padding[index, :, len(tokens) :] = True

    def padded(array: np.ndarray) -> np.ndarray:
        return np.where(padding, np.nan, array).astype(np.float32)

    return {
        "title": "Logit lens",
        "prompts": [{"tokens": tokens, "ids": list(range(100, 100 + len(tokens)))} for tokens in prompts],
        "rows": ["embed", *map(str, range(layers))],
        "row_values": list(range(-1, layers)),
        "measures": {
            "probability": {
                "values": padded(values[..., 0]),
                "unit": "probability",
                "kind": "sequential",
                "domain": (0, 1),
                "description": "of the top token",
            },
            "entropy": {
                "values": padded(-(probs * log_probs).sum(-1)),
                "unit": "nats",
                "kind": "sequential",
                "domain": None,
                "description": "of the predicted distribution",
            },
            "KL": {
                "values": padded(np.maximum(kl, 0)),
                "unit": "nats",
                "kind": "sequential",
                "domain": None,
                "description": "from the last layer's distribution to this one",
            },
            "logit difference": {
                "values": padded(logits[..., ids[0]] - logits[..., ids[1]]),
                "unit": "logits",
                "kind": "diverging",
                "domain": None,
                "description": "between ␣Paris and ␣Rome",
            },
        },
        "top_ids": order.astype(np.int32),
        "top_values": values.astype(np.float32),
        "vocabulary": vocabulary(words),
        "targets": targets,
        "target_measures": {"probability": padded(target_probs), "rank": padded(target_ranks)},
    }


def _logits(rng: np.random.Generator, prompts: list[list[str]], rows: int, words: int) -> np.ndarray:
    """Noise plus a guess per position that grows with the layer, and a wrong guess that it overtakes."""
    length = max(len(tokens) for tokens in prompts)
    logits = rng.normal(0, 1.0, (len(prompts), rows, length, words))
    depth = np.linspace(0, 1, rows)
    for index, tokens in enumerate(prompts):
        for position in range(len(tokens)):
            following = tokens[position + 1] if position + 1 < len(tokens) else None
            answer = _answer(tokens, following, rng)
            early = int(rng.integers(0, 45))
            sharpness = 5 + 7 * rng.random() ** 0.5
            logits[index, :, position, answer] += sharpness * depth ** (1.2 + 2 * rng.random()) * 1.1
            logits[index, :, position, early] += 5.5 * np.exp(-(((depth - 0.3) / 0.28) ** 2))
    paris, rome = WORDS.index(" Paris"), WORDS.index(" Rome")
    for index, tokens in enumerate(prompts):
        last = len(tokens) - 1
        logits[index, :, last, [paris, rome]] += np.outer([1, 0.8] if "iffel" in tokens else [0.8, 1], 3.5 * depth)
    return logits


def _answer(tokens: list[str], following: str | None, rng: np.random.Generator) -> int:
    if following is None:
        return WORDS.index(" Paris" if "iffel" in tokens else " Rome")
    return WORDS.index(following) if following in WORDS and rng.random() < 0.8 else int(rng.integers(0, 45))


def long_prompt(length: int) -> list[str]:
    """Tokens of a text of any length."""
    rng = np.random.default_rng(1)
    return ["<bos>", *[WORDS[index] for index in rng.integers(0, 45, length - 1)]]
