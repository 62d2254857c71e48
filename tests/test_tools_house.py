"""Files stay small enough to be read in one sitting, and what the build needs is named once."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment

ROOT = Path(__file__).parent.parent
WRITTEN = {".py", ".ts", ".tsx", ".mjs", ".js", ".css"}
GENERATED = ("mi_nb/widgets/static/", "widgets/node_modules/")
LONGEST, MEDIAN = 400, 150


def written_files() -> list[Path]:
    """The files that people write, as git sees them; in an unpacked archive, all files outside of hidden folders."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    names = done.stdout.splitlines() or [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    chosen = {name for name in names if not name.startswith(GENERATED) and "/." not in f"/{name}"}
    return sorted(ROOT / name for name in chosen if Path(name).suffix in WRITTEN and (ROOT / name).is_file())


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in written_files()}
    assert len(lengths) > 20
    too_long = {path.relative_to(ROOT).as_posix(): n for path, n in lengths.items() if n > LONGEST}
    assert not too_long, f"over {LONGEST} lines"
    assert statistics.median(lengths.values()) < MEDIAN


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 60


def test_every_requirement_is_pinned_once() -> None:
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert len(pins) == len(set(pins))
    project = (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[0].partition("dependencies = [")[2]
    wanted = set(re.findall(r'"([a-zA-Z][\w-]*)[><=]=', project))
    assert len(wanted) > 20
    assert wanted <= set(pins)


def test_torch_index_can_be_overridden(monkeypatch) -> None:
    monkeypatch.setenv("TORCH_INDEX", "")
    assert environment.torch_index() == ""
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/whl")
    assert environment.torch_index() == "https://example.org/whl"


def test_torch_index_without_a_network(monkeypatch) -> None:
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    monkeypatch.setattr(environment, "CPU_INDEX", "http://127.0.0.1:9")
    assert environment.torch_index() == ""


def test_an_unsupported_python_is_named(monkeypatch) -> None:
    monkeypatch.setattr(environment, "OLDEST", (4, 0))
    monkeypatch.setattr(sys, "argv", ["environment.py", "nowhere"])
    with pytest.raises(SystemExit, match=re.escape(sys.executable)):
        environment.main()
    assert not Path("nowhere").exists()
