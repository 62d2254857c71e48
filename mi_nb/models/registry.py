"""The bundled models by name: load them, list them, and refuse files that are not the released ones."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from mi_nb.core.errors import LoadError
from mi_nb.core.loading import load as load_any
from mi_nb.core.model import Model

from . import store


def names() -> list[str]:
    """Names of the bundled models."""
    return sorted(json.loads((store.WEIGHTS / store.MANIFEST).read_text()))


def load(
    name: str | os.PathLike[str] | nn.Module,
    *,
    step: int | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | torch.device | None = None,
    revision: str | None = None,
    tokenizer: Any = None,
    **kwargs: Any,
) -> Model:
    """Opens a model: a bundled one, a Hugging Face id, a local folder, or a model object.

    Bundled models come with the package, need no network, and are checked against their released hashes; `mi.models()`
    lists them. Everything else is opened as it is by `mi_nb.core.model.load`.

    Args:
        name: A bundled name such as "mini", a Hugging Face id, a folder, or a transformers model.
        step: A training checkpoint of a bundled model (`mi.models("checkpoints")` lists them); the final weights by
            default.
        dtype: Floating-point type; float32 for bundled models, the checkpoint's own for others.
        device: Where to put the model; a GPU if there is one, else the CPU.
        revision: Branch, tag or commit on the hub.
        tokenizer: A tokenizer or its name; by default the checkpoint's own.
        **kwargs: Passed on to `from_pretrained`.

    Raises:
        LoadError: the name is unknown, the step does not exist, or a bundled file is not the released one.

    Example:
        >>> import mi_nb as mi
        >>> mi.load("mini").n_layers
        5
    """
    bundled = names()
    if isinstance(name, str) and name in bundled:
        return _load_bundled(name, step=step, dtype=dtype, device=device, tokenizer=tokenizer)
    if step is not None:
        raise LoadError(f"step= is for bundled models ({', '.join(bundled)}); for the hub pass revision=")
    if isinstance(name, str) and not os.path.isdir(name) and "/" not in name:
        near = difflib.get_close_matches(name, bundled, n=1, cutoff=0.75)
        if near:
            raise LoadError(f"no model is called {name!r}; did you mean {near[0]!r}? Bundled are: {', '.join(bundled)}")
    try:
        return load_any(name, dtype=dtype, device=device, revision=revision, tokenizer=tokenizer, **kwargs)
    except LoadError as error:
        raise LoadError(f"{error}\nBundled models, which need no network: {', '.join(bundled)}") from error


def _load_bundled(name: str, *, step: int | None, dtype: Any, device: Any, tokenizer: Any) -> Model:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = store.WEIGHTS / name
    verify_files(folder)
    if step is None:
        with _no_bar():
            hf = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype or torch.float32)
    else:
        steps = store.checkpoint_steps(folder / store.CHECKPOINTS) if (folder / store.CHECKPOINTS).exists() else []
        if step not in steps:
            raise LoadError(
                f"{name!r} has no checkpoint of step {step}; it has: {', '.join(map(str, steps)) or 'none'}"
            )
        hf = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
        hf.load_state_dict(store.load_checkpoint(folder / store.CHECKPOINTS, step), strict=False)
        hf.tie_weights()
        hf = hf.to(getattr(torch, dtype) if isinstance(dtype, str) else dtype) if dtype is not None else hf
    hf = hf.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()  # type: ignore[call-arg]
    if tokenizer is None or isinstance(tokenizer, str):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer or folder)
    return Model(hf, tokenizer, name=name, revision=None if step is None else f"step{step}")


@contextmanager
def _no_bar() -> Iterator[None]:
    """No progress bar for a file that is read in a blink."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def verify_files(folder: Path) -> None:
    """Compare a bundled model's files with the released hashes.

    Raises:
        LoadError: a file is missing or differs; the message names it.
    """
    released = json.loads((folder.parent / store.MANIFEST).read_text())[folder.name]
    for file, expected in released.items():
        path = folder / file
        if not path.exists():
            raise LoadError(f"{path} is missing: reinstall mi-nb")
        if store.sha256(path) != expected:
            raise LoadError(f"{path} is not the released file (its SHA-256 differs): reinstall mi-nb")


def card(name: str) -> dict[str, Any]:
    """Everything that is known about a bundled model."""
    if name not in names():
        raise LoadError(f"no bundled model is called {name!r}; there are: {', '.join(names())}")
    return json.loads((store.WEIGHTS / name / store.CARD).read_text())


def models(what: str = "cards") -> pd.DataFrame:
    """The bundled models as a table.

    Args:
        what: "cards" (one row per model: size, data, recipe, licence, ...), "accuracy" (one row per model and
            behaviour, with a 95% interval), "mechanisms" (one row per model and measurement), "checkpoints" (one row
            per model and step) or "history" (one row per model, checkpoint and measurement).

    Raises:
        ValueError: for another table; the message lists the tables.
    """
    tables = ("cards", "accuracy", "mechanisms", "checkpoints", "history")
    if what not in tables:
        raise ValueError(f"no table {what!r}; there are: {', '.join(tables)}")
    rows: list[dict[str, Any]] = []
    for name in names():
        entry = card(name)
        if what == "cards":
            rows.append({key: value for key, value in entry.items() if key not in tables})
        elif what == "checkpoints":
            rows += [{"name": name, "step": step} for step in entry["checkpoints"]]
        else:
            rows += [{"name": name, **row} for row in entry[what]]
    return pd.DataFrame(rows)
