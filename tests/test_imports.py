"""Imports point one way, widgets stay light, and `import mi_nb` loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mi_nb"
LEVELS = [
    {"core", "widgets"},
    {"circuits", "tasks", "models"},
    {"techniques", "evaluation", "findings", "applications"},
    {"course", "scale", "survey"},
    {"cli", ""},  # "" is the package itself, with its lazy public names
]
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}
LIGHT = {"numpy", "anywidget", "traitlets", "mi_nb"} | set(sys.stdlib_module_names)


def package_of(module: str) -> str:
    """The part of mi_nb that a dotted name lies in; a public name such as mi_nb.load lies in the package itself."""
    part = f"{module}.".split(".")[1]
    return part if (PACKAGE / part).is_dir() or part == "cli" else ""


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every imported name in full, and whether importing the file imports it too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.If))]
    later = {id(node) for scope in scopes for node in ast.walk(scope)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(name.name, id(node) not in later) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(PACKAGE.parent).parts[: -node.level]) + "." if node.level else ""
            module = f"{package}{node.module}" if node.module else package.rstrip(".")
            found += [(f"{module}.{name.name}", id(node) not in later) for name in node.names]
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    here = package_of("mi_nb." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    for name, at_once in imports(path):
        top = name.split(".")[0]
        assert here != "widgets" or not at_once or top in LIGHT, f"widgets import numpy and anywidget only, not {name}"
        there = package_of(name) if top == "mi_nb" else here
        if there == here:
            continue
        assert LEVEL[there] <= LEVEL[here], f"{here} must not import {name}, which stands above it"
        assert here != "widgets", f"widgets must know nothing of {name}"
        assert there != "widgets" or not at_once or here == "", f"import {name} inside of the function that needs it"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_is_light() -> None:
    heavy = "('torch', 'transformers', 'pandas', 'altair', 'anywidget')"
    assert run(f"import sys, mi_nb; print([name for name in {heavy} if name in sys.modules])") == "[]"
