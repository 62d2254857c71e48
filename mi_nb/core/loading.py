"""`load`: from a name, a folder or a model object to a `Model`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
            tokenizer = _tokenizer_of(source, local_files_only=True)
        return Model(name, AutoTokenizer.from_pretrained(tokenizer) if isinstance(tokenizer, str) else tokenizer)
    path = os.fspath(name)
    if not Path(path).is_dir() and _no_network():
        kwargs.setdefault("local_files_only", True)  # else the hub's client retries for half a minute
    local = {"local_files_only": kwargs.get("local_files_only", False)}
    try:
        config = AutoConfig.from_pretrained(
            path, revision=revision, trust_remote_code=kwargs.get("trust_remote_code", False), **local
        )
        kinds = getattr(config, "architectures", None) or []
        auto = AutoModelForMaskedLM if any("MaskedLM" in k for k in kinds) else AutoModelForCausalLM
        hf: Any = auto.from_pretrained(path, revision=revision, **kwargs, **({} if dtype is None else {"dtype": dtype}))
    except (OSError, ValueError, KeyError) as error:
        raise LoadError(_how_to_load(path, error)) from error
    if "device_map" not in kwargs:
        hf = hf.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if isinstance(tokenizer, str):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer)
    elif tokenizer is None:
        tokenizer = _tokenizer_of(path, revision=revision, **local)
    model = Model(hf.eval(), tokenizer, name=path, revision=revision)
    _ = model.proof  # what does not hold is known from the start
    return model


def _tokenizer_of(source: str, **kwargs: Any) -> Any:
    """The checkpoint's tokenizer, or None: a folder of weights alone can still be run on token ids."""
    from transformers import AutoTokenizer

    folder = Path(source)
    if folder.is_dir() and not any(folder.glob("*token*")) and not any(folder.glob("*.model")):
        return None  # transformers would make an empty one up
    try:
        return AutoTokenizer.from_pretrained(source, **kwargs)
    except (OSError, ValueError, KeyError, ImportError):
        return None


def _no_network() -> bool:
    """Whether the hub's name cannot even be looked up; a proxy would look it up for us."""
    if any(name.lower() in ("https_proxy", "http_proxy", "all_proxy") for name in os.environ):
        return False
    try:
        socket.getaddrinfo(urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co")).hostname, 443)
    except OSError:
        return True
    return False


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
