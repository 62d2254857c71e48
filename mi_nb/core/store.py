"""Results on disk: one safetensors file with its words as JSON in the header, hashed, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mi_nb.core.errors import LoadError

FORMAT = "mi_nb 1"


def _digest(tensors: Mapping[str, Tensor], words: str) -> str:
    digest = hashlib.sha256(words.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()


def write(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], words: Mapping[str, Any]) -> Path:
    """Writes tensors and JSON-able words to one file; an older file of that name stays whole until the new one is
    complete.

    Raises:
        OSError: the disk is full or the folder cannot be written; what was there before is intact.
        TypeError: a word is not JSON.
    """
    from safetensors.torch import save

    target = Path(path)
    text = json.dumps(words, sort_keys=True, allow_nan=False)
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    blob = save(kept, metadata={"format": FORMAT, "words": text, "sha256": _digest(kept, text)})
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")  # unique: two kernels may write at once
    try:
        with partial.open("xb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return target


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and words of a file that `write` made.

    Raises:
        FileNotFoundError: there is no such file.
        LoadError: the file is damaged, was changed, or is something else. Nothing in it is ever executed.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, UnicodeDecodeError) as error:
        raise LoadError(f"{path} is damaged or not a result: {error}") from error
    if header.get("format") != FORMAT:
        raise LoadError(f"{path} is a safetensors file but not a result of mi_nb")
    text = header.get("words", "")
    if header.get("sha256") != _digest(tensors, text):
        raise LoadError(f"{path} was changed or damaged after it was written: its contents do not match its hash")
    return tensors, json.loads(text)
