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
    "mi_nb.core.model": ("Model",),
    "mi_nb.core.result": ("Result",),
    "mi_nb.core.run": ("Run",),
    "mi_nb.core.sites": ("Site",),
    "mi_nb.models.registry": ("load", "models"),
    "mi_nb.models.world": ("world",),
    "mi_nb.widgets": ("link",),
    **{row.module: (row.name, row.result) for row in TECHNIQUES},
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names}


def sites(model: Any) -> Any:
    """The site table of a model: site, shape, meaning, TransformerLens name, and why it is absent where it is."""
    return model.sites()


__all__ = ["TECHNIQUES", "sites", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"mi_nb has no {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
