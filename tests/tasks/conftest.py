"""Makes `vocabularies` importable by the tests of tasks, and loads the bundled model once."""

import sys
from pathlib import Path

import pytest

from mi_nb.models import load

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def mini():
    return load("mini", device="cpu")
