"""Committed notebooks: `python -m tools.notebooks strip|check|run [paths]`, by default every notebook of the tutorials.

A saved notebook carries what makes it differ from run to run (execution counts, timings, progress bars, random cell
ids) and what breaks it elsewhere: a widget view without its kernel hides the table and the picture that stand in for
it. `strip` takes both out and leaves every output that a reader sees; `check` fails where something is left, and where
a cell has no output or an error; `run` executes a notebook in place, offline, and strips it.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import itertools
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_METADATA = ("tags", "mi_nb", "nbgrader", "jupyter", "editable", "deletable", "slideshow")
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
READABLE_ID = re.compile(r"(?![0-9a-f]{8}(-|$))[a-z][a-z0-9-]*")  # not the random hexadecimal of nbformat and Jupyter
PROGRESS = re.compile(r"^\s*(.*\d+%\|.*|)\s*$")  # a line drawn by tqdm


def find(paths: Sequence[str] = ()) -> list[Path]:
    """The notebooks in the given files and folders."""
    found: set[Path] = set()
    for path in [Path(path) for path in paths] or [ROOT / "tutorials"]:
        found.update([path] if path.suffix == ".ipynb" else path.rglob("*.ipynb"))
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def dumps(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


def strip(notebook: NotebookNode) -> NotebookNode:
    """Takes out, in place, all that a committed notebook must not carry."""
    own = {key: notebook.metadata[key] for key in ("mi_nb",) if key in notebook.metadata}
    notebook.metadata = nbformat.from_dict({**NOTEBOOK_METADATA, **own})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken: set[str] = set()
    counts = itertools.count(1)
    for cell in notebook.cells:
        cell.id = cell_id(cell, taken)
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
        if cell.cell_type == "code":
            cell.execution_count = next(counts) if cell.source.strip() else None  # nbval takes None for never run
            kept = (strip_output(output, cell.execution_count) for output in cell.outputs)
            cell.outputs = [output for output in kept if output is not None]
    return notebook


def cell_id(cell: NotebookNode, taken: set[str]) -> str:
    """The cell's own id where a person could have chosen it, else one derived from its source, kept from then on."""
    name = cell.get("id", "")
    if name in taken or not READABLE_ID.fullmatch(name):
        stem = "cell-" + hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        name = next(name for i in itertools.count(1) if (name := stem if i == 1 else f"{stem}-{i}") not in taken)
    taken.add(name)
    return name


def strip_output(output: NotebookNode, count: int | None) -> NotebookNode | None:
    """The output without widget view and progress bars, numbered by its cell; None where nothing is left."""
    if output.output_type == "stream":
        if output.name == "stderr":
            lines = [line for line in re.split(r"[\r\n]+", output.text) if not PROGRESS.match(line)]
            output.text = "\n".join(lines)
        return output if output.text.strip() else None
    if "execution_count" in output:
        output.execution_count = count
    if "data" in output:
        was_widget = output.data.pop(WIDGET_VIEW, None)
        if was_widget and list(output.data) == ["text/plain"] and PROGRESS.match(output.data["text/plain"]):
            return None
        output.metadata = NotebookNode({key: value for key, value in output.metadata.items() if key in output.data})
        return output if output.data else None
    return output


def problems(notebook: NotebookNode) -> list[str]:
    """What a reviewer would send back: one sentence per fault, with the cell's id."""
    found = []
    stripped = strip(copy.deepcopy(notebook))
    if dumps(stripped) != dumps(notebook):
        found.append("is not stripped: python -m tools.notebooks strip")
    for cell in stripped.cells:
        if cell.cell_type != "code":
            continue
        if any(output.output_type == "error" for output in cell.outputs):
            found.append(f"cell {cell.id} ends in an error")
        if any(output.output_type == "stream" and output.name == "stderr" for output in cell.outputs):
            found.append(f"cell {cell.id} writes to stderr: its reader would see a warning")
        if shows_something(cell.source) and not cell.outputs:
            found.append(f"cell {cell.id} shows something but has no output: python -m tools.notebooks run")
    return found


def shows_something(source: str) -> bool:
    """Whether a cell ends with an expression: a notebook displays its value, unless a semicolon follows."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        body = ast.parse("\n".join(lines)).body
    except SyntaxError:
        return False
    if not body or source.rstrip().endswith(";") or not isinstance(body[-1], ast.Expr):
        return False
    return not (isinstance(body[-1].value, ast.Constant) and body[-1].value.value in (None, Ellipsis))


def run(path: Path, timeout: float = 300) -> None:
    """Executes a notebook in place with the network switched off for the hub, then strips it."""
    from nbclient import NotebookClient

    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", TQDM_DISABLE="1")
    notebook = read(path)
    place = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=place).execute()
    path.write_text(dumps(strip(notebook)), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("action", choices=["strip", "check", "run"])
    parser.add_argument("paths", nargs="*", help="notebooks or folders (default: tutorials)")
    options = parser.parse_args(arguments)
    failed = False
    for path in find(options.paths):
        if options.action == "run":
            run(path)
        elif options.action == "strip":
            text = dumps(strip(read(path)))
            if text != path.read_text(encoding="utf-8"):
                path.write_text(text, encoding="utf-8")
                print("stripped", path)
        else:
            for problem in problems(read(path)):
                failed = True
                print(f"{path}: {problem}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
