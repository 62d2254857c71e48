"""`load`: from a name, a folder or a model object to a `Model`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mi_nb.core.errors import LoadError
from mi_nb.core.model import Model


def load(
    name: str | os.PathLike[str] | nn.Module,
    *,
    tokenizer: Any = None,
    dtype: torch.dtype | str | None = None,
    device: str | torch.device | None = None,
    revision: str | None = None,
    **kwargs: Any,
) -> Model:
    """Opens a model: a Hugging Face id, a local checkpoint folder, or a model object, which is used as it is.

    Args:
        name: Id, folder or object (fine-tuned, PEFT-wrapped, quantised, spread over devices: as you have it).
        tokenizer: A tokenizer or its name; by default the checkpoint's own.
        dtype: Floating-point type to load the weights in; the checkpoint's own by default.
        device: Where to put a model loaded by name; a GPU if there is one, else the CPU.
        revision: Branch, tag or commit of the checkpoint.
        **kwargs: Passed on to `from_pretrained` (`device_map`, `quantization_config`, ...).

    Raises:
        LoadError: the model cannot be found or opened; the message says what to do.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

    if isinstance(name, nn.Module):
        if dtype is not None or device is not None or revision is not None:
            raise LoadError(
                "dtype, device and revision are for loading by name: convert your model yourself and pass it"
            )
        source = getattr(getattr(name, "config", None), "_name_or_path", "")
        if tokenizer is None and source:
            try:
                tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
            except (OSError, ValueError, KeyError, ImportError):
                tokenizer = None
        return Model(name, AutoTokenizer.from_pretrained(tokenizer) if isinstance(tokenizer, str) else tokenizer)
    path = os.fspath(name)
    try:
        config = AutoConfig.from_pretrained(
            path, revision=revision, trust_remote_code=kwargs.get("trust_remote_code", False)
        )
        kinds = getattr(config, "architectures", None) or []
        auto = AutoModelForMaskedLM if any("MaskedLM" in k for k in kinds) else AutoModelForCausalLM
        hf: Any = auto.from_pretrained(path, revision=revision, **kwargs, **({} if dtype is None else {"dtype": dtype}))
    except (OSError, ValueError, KeyError) as error:
        raise LoadError(_how_to_load(path, error)) from error
    if "device_map" not in kwargs:
        hf = hf.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if tokenizer is None or isinstance(tokenizer, str):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer or path, revision=revision)
    return Model(hf.eval(), tokenizer, name=path, revision=revision)


def _how_to_load(path: str, error: Exception) -> str:
    if Path(path).is_dir():
        return f"{path!r} is a folder but no checkpoint that transformers can open: {error}"
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"could not load {path!r}: it is no local folder, and the Hugging Face hub did not give it ({first}).\n"
        "  - without a network: load a bundled model (mi_nb.models() lists them) or a folder of save_pretrained()\n"
        "  - behind a mirror: set HF_ENDPOINT; with files already in the cache: set HF_HUB_OFFLINE=1\n"
        "  - a private or gated model: log in with `hf auth login`"
    )
