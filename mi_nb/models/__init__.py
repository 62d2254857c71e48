"""The bundled models, the world they were trained on, and the recipes that trained them.

`mi_nb.models` is this package and also a function: `mi_nb.models()` lists the bundled models.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

_HOME = {"card": "registry", "load": "registry", "models": "registry", "World": "world"}

__all__ = ["World", "card", "load", "models"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


class _Package(types.ModuleType):
    """Importing a sub-package makes it an attribute of its parent, where users expect the function of that name."""

    def __call__(self, what: str = "cards") -> Any:
        return self.models(what)


sys.modules[__name__].__class__ = _Package
