"""mi_nb: open up transformer language models, in the notebook.

Every public name is imported when it is first used, so `import mi_nb` is quick and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from mi_nb.survey.techniques import TECHNIQUES

__version__ = "0.1.0"

_NAMES = {
    "mi_nb.core.architectures": ("Architecture", "register_architecture"),
    "mi_nb.core.edits": ("add", "mean", "scale", "set_to", "zero"),
    "mi_nb.core.errors": ("EditError", "LoadError", "PromptError", "SiteError"),
    "mi_nb.core.metrics": ("Metric",),
    "mi_nb.core.model": ("Model",),
    "mi_nb.core.result": ("Result",),
    "mi_nb.core.run": ("Run",),
    "mi_nb.core.sites": ("Site",),
    "mi_nb.core.sweep": ("sweep",),
    "mi_nb.models.registry": ("load", "models"),
    "mi_nb.tasks.task": ("Task",),
    "mi_nb.models.world": ("world",),
    "mi_nb.widgets": ("link",),
    **{row.module: (row.name, row.result) for row in TECHNIQUES},
}
_MODULES = {"metrics": "mi_nb.core.metrics", "tasks": "mi_nb.tasks"}
_WHERE = {name: module for module, names in _NAMES.items() for name in names}


def sites(model: Any) -> Any:
    """The site table of a model: site, shape, meaning, TransformerLens name, and why it is absent where it is."""
    return model.sites()


__all__ = ["TECHNIQUES", "sites", *_MODULES, *_WHERE]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
    else:
        raise AttributeError(f"mi_nb has no {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
