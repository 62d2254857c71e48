"""Finds a Chromium for the browser tests, and installs one where that can be done: `python -m tools.browser`.

Looked for in this order: the CHROMIUM variable, the PATH, Playwright's own download. Installed, where none is there:
with the system's package manager for root on Debian or Ubuntu, else as Playwright's download.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HELP = (
    "The widget tests need Chromium, and none could be found or installed. Install it (Debian: apt-get install "
    "chromium; anywhere: python -m playwright install chromium), or name one: CHROMIUM=/path/to/chrome make test"
)


def find() -> str | None:
    """The path of a Chromium on this machine, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None) or downloaded()


def downloaded() -> str | None:
    """The Chromium that `playwright install chromium` puts aside for its user."""
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
    except Exception:  # Playwright absent, or without a driver for this machine: then there is no download of its own
        return None
    return path if Path(path).exists() else None


def install() -> str | None:
    """Installs a Chromium, and returns its path, or None where nothing worked."""
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    ways = [playwright]
    if shutil.which("apt-get") and os.geteuid() == 0:
        apt = "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation"
        ways = [["sh", "-c", apt], [*playwright, "--with-deps"]]
    for command in ways:
        print("installing a browser:", " ".join(command), file=sys.stderr, flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        if done.returncode == 0 and (path := find()):
            return path
    return None


def main() -> int:
    path = find() or (None if os.environ.get("CHROMIUM") else install())
    print(path or HELP, file=sys.stdout if path else sys.stderr)
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
