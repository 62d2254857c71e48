"""Where the browser of the widget tests is looked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import browser


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a browser; the returned folder is its PATH."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "downloaded", lambda: None)
    return tmp_path


def program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_found_on_the_path(bare: Path) -> None:
    assert browser.find() is None
    assert program(bare / "google-chrome") == browser.find()
    assert program(bare / "chromium") == browser.find()


def test_a_named_one_comes_first_and_nothing_takes_its_place(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(bare / "chromium")
    monkeypatch.setenv("CHROMIUM", program(bare / "mine"))
    assert browser.find() == str(bare / "mine")
    monkeypatch.setenv("CHROMIUM", str(bare / "gone"))
    assert browser.main() == 1
    assert "CHROMIUM=" in capsys.readouterr().err


def test_installed_in_the_first_way_that_works(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "apt-get")
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    tried = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        tried.append(" ".join(command))
        if "playwright" in tried[-1]:
            program(bare / "chromium")
        return subprocess.CompletedProcess(command, 0 if "playwright" in tried[-1] else 100)

    monkeypatch.setattr(browser.subprocess, "run", run)
    assert browser.install() == str(bare / "chromium")
    assert ["apt-get" in command for command in tried] == [True, False]


def test_a_failure_is_said(bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(browser.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    assert browser.main() == 1
    assert "apt-get install chromium" in capsys.readouterr().err
