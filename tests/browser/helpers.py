"""What several browser tests do: find a cell, wait for Python, start Chromium."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, Playwright

from tools import browser as chromium


def cell(root: Locator, row: int, column: int) -> Locator:
    """A cell of a grid, rows counted from the bottom."""
    return root.locator(f'.mi-cell[data-row="{row}"][data-column="{column}"]')


def record(layer: int, position: int, prompt: int = 0) -> dict[str, int]:
    """The selection record of a cell."""
    return {"prompt": prompt, "layer": layer, "position": position}


def until(page: Page, holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Let the page and its messages run until a condition holds; fails when it never does."""
    for _ in range(int(seconds / 0.01)):
        if holds():
            return
        page.wait_for_timeout(10)
    raise AssertionError("the condition never held")


def launch(playwright: Playwright) -> Browser:
    """Start Chromium.

    Raises:
        RuntimeError: there is none; the message says how to install one.
    """
    path = chromium.find()
    if path is None:
        raise RuntimeError(chromium.HELP)
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
