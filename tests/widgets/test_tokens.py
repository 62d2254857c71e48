"""Tokens are shown alike by Python and by the front end."""

import json
from pathlib import Path

import pytest

from mi_nb.widgets.tokens import visible

CASES = json.loads((Path(__file__).parents[2] / "widgets" / "tests" / "glyph_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("token", "expected"), CASES)
def test_visible(token, expected):
    assert visible(token) == expected


def test_a_lone_surrogate_is_named():
    assert visible("\ud800") == "U+D800"
