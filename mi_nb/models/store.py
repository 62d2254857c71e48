"""How bundled models lie on disk: a checkpoint folder, a card, training checkpoints in one compact file, and hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

WEIGHTS = Path(__file__).parent / "weights"
CHECKPOINTS = "checkpoints.safetensors"
CARD = "card.json"
MANIFEST = "manifest.json"


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def quantise(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """A tensor as int8 with one float32 scale per row; vectors stay float16 and get an empty scale."""
    if tensor.dim() < 2:
        return tensor.half(), torch.empty(0)
    scale = tensor.float().abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
    return (tensor.float() / scale).round().to(torch.int8), scale[:, 0]


def restore(stored: Tensor, scale: Tensor | None) -> Tensor:
    """The float32 tensor of a stored one."""
    return stored.float() if scale is None else stored.float() * scale[:, None]


def save_checkpoints(path: Path, states: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Write training checkpoints to one file; a tensor that did not change since the last checkpoint is stored once."""
    tensors: dict[str, Tensor] = {}
    sources: dict[str, dict[str, int]] = {}
    last: dict[str, tuple[int, Tensor]] = {}
    for step in sorted(states):
        sources[str(step)] = {}
        for name, tensor in states[step].items():
            if name == "lm_head.weight":
                continue
            if name not in last or not torch.equal(last[name][1], tensor):
                stored, scale = quantise(tensor)
                tensors[f"{step}/{name}"] = stored.contiguous()
                if scale.numel():
                    tensors[f"{step}/{name}.scale"] = scale.contiguous()
                last[name] = step, tensor
            sources[str(step)][name] = last[name][0]
    save_file(tensors, path, metadata={"sources": json.dumps(sources)})


def checkpoint_steps(path: Path) -> list[int]:
    """Steps that a checkpoint file holds."""
    with safe_open(path, "pt") as file:
        return sorted(map(int, json.loads(file.metadata()["sources"])))


def load_checkpoint(path: Path, step: int) -> dict[str, Tensor]:
    """The float32 state dict of a step."""
    with safe_open(path, "pt") as file:
        sources = json.loads(file.metadata()["sources"])[str(step)]
        keys = set(file.keys())
        state = {}
        for name, source in sources.items():
            key = f"{source}/{name}"
            scale = file.get_tensor(f"{key}.scale") if f"{key}.scale" in keys else None
            state[name] = restore(file.get_tensor(key), scale)
    return state


def save_model(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: Any,
    card: Mapping[str, Any],
    checkpoints: Mapping[int, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write a bundled model's folder. Weights are stored in half precision and load in single precision."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text()) | {
        "tokenizer_class": "PreTrainedTokenizerFast"
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
    halved = {
        name: tensor.half().contiguous() for name, tensor in model.state_dict().items() if name != "lm_head.weight"
    }
    config = json.loads(model.config.to_json_string(use_diff=False))
    config = {key: value for key, value in model.config.to_diff_dict().items() if key != "_name_or_path"} | {
        "architectures": [type(model).__name__],
        "dtype": "float32",
        "model_type": config["model_type"],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    generation = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n")
    save_file(halved, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n")
    if checkpoints:
        save_checkpoints(folder / CHECKPOINTS, checkpoints)
    for file in folder.iterdir():
        file.chmod(0o644)


def write_manifest(weights: Path = WEIGHTS) -> None:
    """Record the hashes of all files of all models."""
    hashes = {
        folder.name: {file.name: sha256(file) for file in sorted(folder.iterdir()) if file.is_file()}
        for folder in sorted(weights.iterdir())
        if folder.is_dir()
    }
    (weights / MANIFEST).write_text(json.dumps(hashes, indent=1) + "\n")
