"""One way to show progress, for every long job."""

from __future__ import annotations

import os

from tqdm.auto import tqdm


def progress_bar(total: int, what: str, *, unit: str = "it", show: bool = True) -> tqdm:
    """A bar that appears once a job has lasted a second, and leaves nothing behind.

    Args:
        total: How many units there are.
        what: Name of the job.
        unit: What is counted.
        show: False for no bar. `TQDM_DISABLE` in the environment silences all of them; tqdm's notebook bar would ignore
            it.
    """
    hidden = not show or bool(os.environ.get("TQDM_DISABLE"))
    return tqdm(total=total, desc=what, unit=unit, delay=1, leave=False, disable=hidden)
