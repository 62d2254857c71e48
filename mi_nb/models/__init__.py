"""The bundled models, the world they were trained on, and the recipes that trained them."""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from .registry import card, load, models
    from .world import World, world

_HOME = {"card": "registry", "load": "registry", "models": "registry", "World": "world", "world": "world"}

__all__ = ["World", "card", "load", "models", "world"]


class _Callable(types.ModuleType):
    """This package under the name `mi_nb.models` is also the function `mi.models()`: Python binds a name only once."""

    def __call__(self, what: str = "cards") -> pd.DataFrame:
        return importlib.import_module(f"{__name__}.registry").models(what)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


sys.modules[__name__].__class__ = _Callable
