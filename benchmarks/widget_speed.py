"""First draw and hover of the token grid in Chromium, in milliseconds.

Run: python benchmarks/widget_speed.py [--layers 12] [--positions 1024] [--repeats 7]

First draw is the time from the call of `render` to the frame in which the picture is on the screen, in a fresh page
each time; hover is the time that a move to another cell keeps the page busy, layout included.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from mi_nb.widgets import TokenGrid
from tests.browser.bridge import show
from tests.browser.helpers import launch
from tests.widgets.lens_data import lens, long_prompt

HOVER = """() => {
  const root = document.querySelector(".mi-root");
  const cells = [...root.querySelectorAll(".mi-cell")].slice(0, 120);
  return cells.map((cell, at) => {
    const began = performance.now();
    cell.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, clientX: at }));
    root.getBoundingClientRect();
    return performance.now() - began;
  });
}"""


def main() -> None:
    """Print the medians and the worst of the repeats."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--positions", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    arguments = lens([long_prompt(options.positions)], layers=options.layers, words=300)
    draws, hovers = [], []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for _ in range(options.repeats):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            draw, hover = measure(page, arguments)
            draws.append(draw)
            hovers.extend(hover)
            page.close()
        browser.close()
    size = f"{options.layers} layers x {options.positions} positions"
    print(f"{size}: first draw {summary(draws)}, hover {summary(hovers)}")


def measure(page: Page, arguments: dict) -> tuple[float, list[float]]:
    """First draw and the hovers of one page."""
    show(page, TokenGrid(**arguments))
    page.wait_for_timeout(100)
    return page.evaluate("window.drawn"), page.evaluate(HOVER)


def summary(times: list[float]) -> str:
    """Median and maximum."""
    return f"median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"


if __name__ == "__main__":
    main()
