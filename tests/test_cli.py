"""The command line: what it prints, what it writes, and what it says when it cannot."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from mi_nb import cli

ROOT = Path(__file__).parent.parent
SHARES = (0.5, 0.25, 0.1, 0.05, 0.01)


def lens_data(tokens: list[str]) -> pd.DataFrame:
    rows = [
        {"layer": layer, "position": position, "rank": rank, "prediction": token, "log_prob": math.log(SHARES[rank])}
        for layer in (1, 0)
        for position in (0, 1)
        for rank, token in reversed(list(enumerate(tokens)))
    ]
    return pd.DataFrame(rows).assign(entropy=1.25)


def test_terminal_table_has_a_line_per_layer_and_the_best_first() -> None:
    head, *lines, unit = cli.terminal_table(lens_data([" Mary", " John", " the", " a", " an"])).splitlines()
    assert head.split() == ["layer", "entropy", "prediction", "2nd", "3rd", "4th"]
    assert [line.split() for line in lines] == [
        [str(layer), "1.25", "Mary", "50%", "John", "25%", "the", "10%", "a", "5%"] for layer in (0, 1)
    ]
    assert "nats" in unit


@pytest.mark.parametrize(
    ("token", "shown"),
    [(" a", " a"), ("  ", "\u2423\u2423"), ("\n", "\\n"), ("\x1b[2J", "\\x1b[2J"), ("", "(empty)"), ("é漢", "é漢")],
)
def test_tokens_cannot_steer_the_terminal(token: str, shown: str) -> None:
    assert cli.visible(token) == shown


@pytest.mark.parametrize(("p", "shown"), [(0.996, ">99%"), (0.5, "50%"), (0.004, "<1%"), (0.0, "0%"), (1.0, "100%")])
def test_percent(p: float, shown: str) -> None:
    assert cli.percent(p) == shown


def test_tutorials_are_copied_and_edits_survive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tutorials", str(tmp_path)]) == 0
    copied = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.ipynb")}
    assert copied == {path.relative_to(ROOT / "tutorials") for path in (ROOT / "tutorials").rglob("*.ipynb")}
    assert Path("00_start_here.ipynb") in copied
    (tmp_path / "00_start_here.ipynb").write_text("mine")
    assert cli.main(["tutorials", str(tmp_path)]) == 0
    assert (tmp_path / "00_start_here.ipynb").read_text() == "mine"
    assert f"{len(copied)} kept" in capsys.readouterr().out


def test_tutorials_need_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["tutorials", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err


def test_demo_prints_a_table_and_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "demo.html"
    prompt = 'Mary said "no", and John didn\'t'
    assert cli.main(["demo", f"--prompt={prompt}", f"--output={page}"]) == 0
    out = capsys.readouterr().out
    assert prompt in out
    assert "entropy" in out
    assert page.as_uri() in out
    assert "<html" in page.read_text(encoding="utf-8")


def test_demo_of_an_unknown_model_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--model=no-such/model", f"--output={tmp_path / 'demo.html'}"]) == 1
    assert "no-such/model" in capsys.readouterr().err
    assert not (tmp_path / "demo.html").exists()
