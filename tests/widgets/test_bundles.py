"""The committed front end."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "mi_nb" / "widgets" / "static"
BUNDLES = sorted(path for path in STATIC.iterdir() if path.suffix in {".js", ".css"})


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name)
def test_a_bundle_is_small_and_loads_nothing(path):
    text = path.read_text(encoding="utf-8")
    assert 0 < len(text.encode()) < 60_000
    assert set(re.findall(r"https?://[^\s\"'`)]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\bfetch\(|XMLHttpRequest|@import|WebSocket|innerHTML|document\.write|\beval\(", text)


@pytest.mark.parametrize("name", ["heatmap", "token_grid"])
def test_styles_stay_inside_the_widget(name):
    text = (STATIC / f"{name}.css").read_text(encoding="utf-8")
    flat = re.sub(r"@(?:media|container)[^{]*\{", "", text)
    selectors = [part.strip() for group in re.findall(r"([^{}]+)\{", flat) for part in group.split(",")]
    assert len(selectors) > 50
    assert [selector for selector in selectors if ".mi-root" not in selector] == []
