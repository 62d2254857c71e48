"""A JupyterLab server and what a person does in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]


class Lab:
    """JupyterLab on a free port of this machine, with folders of its own.

    Args:
        folder: holds the server's settings, its log and the notebooks.
    """

    def __init__(self, folder: Path):
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._log = folder / "server.log"
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        names += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
        own = {name: str(folder / name.lower()) for name in names}
        settings = folder / "jupyterlab_settings_dir" / "@jupyter-widgets" / "jupyterlab-manager"
        settings.mkdir(parents=True)
        (settings / "plugin.jupyterlab-settings").write_text('{"saveState": true}')
        own["PYTHONPATH"] = str(ROOT)
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port_retries=0"),
            f"--port={self.url.rpartition(':')[2]}",
            f"--ServerApp.root_dir={self.notebooks}",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.expose_app_in_browser=True",
        ]
        with self._log.open("w") as log:
            self._server = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | own, start_new_session=True, cwd=folder
            )
        self._wait()

    def stop(self) -> None:
        """End the server and its kernels."""
        os.killpg(self._server.pid, signal.SIGTERM)
        self._server.wait(20)

    def write(self, name: str, sources: list[str]) -> Path:
        """A notebook with these code cells."""
        blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        cells = [blank | {"id": f"c{i}", "source": source} for i, source in enumerate(sources)]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = self.notebooks / name
        path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
        return path

    def open(self, page: Page, name: str) -> None:
        """Open a notebook and wait for it and its kernel."""
        page.goto(f"{self.url}/lab/tree/{name}?reset")
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=60_000)
        page.evaluate(
            """async () => {
              const notebook = jupyterapp.shell.currentWidget;
              await notebook.context.ready;
              await notebook.sessionContext.ready;
            }"""
        )

    def run(self, page: Page, cell: int) -> None:
        """Run a cell, and wait until it has run."""
        page.evaluate(
            """async (cell) => {
              jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
              await jupyterapp.commands.execute("notebook:run-cell");
            }""",
            cell,
        )

    def command(self, page: Page, name: str, **arguments: Any) -> None:
        """Execute a command of JupyterLab."""
        page.evaluate("([name, args]) => jupyterapp.commands.execute(name, args)", [name, arguments])

    def _wait(self) -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            if self._server.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/api/status", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
