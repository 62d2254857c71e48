"""Shared by all tests: offline, one torch thread per worker, and every shape in a signature checked while tests run."""

from __future__ import annotations

import importlib.util
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # else jupyter_core warns that its paths will move
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

install_import_hook("mi_nb", "beartype.beartype")  # before anything imports mi_nb

# `make peers` has an environment of its own
collect_ignore = [] if importlib.util.find_spec("transformer_lens") else ["peers"]
