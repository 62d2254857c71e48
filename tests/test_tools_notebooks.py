"""The tool that keeps committed notebooks clean, and the notebooks themselves."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks

ROOT = Path(__file__).parent.parent
TABLE = "<table><tr><td style='background:#123'>1</td></tr></table>"


def saved_by_lab() -> nbformat.NotebookNode:
    """A notebook as JupyterLab saves it after a run with a widget in it."""
    bundle = {notebooks.WIDGET_VIEW: {"model_id": "1f"}, "text/html": TABLE, "text/plain": "TokenGrid(2 x 3)"}
    bar = {notebooks.WIDGET_VIEW: {"model_id": "2f"}, "text/plain": "  0%|          | 0/8 [00:00<?, ?it/s]"}
    cell = new_code_cell("lens", id="0f3c9a1b", execution_count=7, metadata={"execution": {"started": "now"}})
    cell.outputs = [
        new_output("display_data", bar),
        new_output("stream", name="stderr", text="\r 50%|#####     | 4/8\r100%|##########| 8/8\n"),
        new_output("execute_result", bundle, execution_count=7, metadata={notebooks.WIDGET_VIEW: {}}),
    ]
    exercise = new_code_cell("answer = ...", id="exercise-1", metadata={"tags": ["exercise"], "collapsed": False})
    notebook = new_notebook(cells=[new_markdown_cell("# Question"), cell, exercise])
    notebook.metadata.update(widgets={"state": {}}, vscode={"interpreter": "x"}, mi_nb={"minutes": 5})
    return notebook


def test_strip_leaves_what_a_reader_sees_and_nothing_else() -> None:
    notebook = notebooks.strip(saved_by_lab())
    _, cell, exercise = notebook.cells
    assert set(notebook.metadata) == {"kernelspec", "language_info", "mi_nb"}
    assert (cell.execution_count, exercise.execution_count) == (1, 2)
    assert not cell.metadata
    assert [dict(output.data) for output in cell.outputs] == [{"text/html": TABLE, "text/plain": "TokenGrid(2 x 3)"}]
    assert cell.outputs[0].execution_count == 1
    assert exercise.metadata == {"tags": ["exercise"]}
    nbformat.validate(notebook)


def test_strip_is_idempotent_and_independent_of_the_run() -> None:
    once = notebooks.dumps(notebooks.strip(saved_by_lab()))
    assert notebooks.dumps(notebooks.strip(nbformat.reads(once, as_version=4))) == once
    again = saved_by_lab()
    again.cells[0].id, again.cells[1].id, again.cells[1].execution_count = "77777777", "a" * 8, 3
    assert notebooks.dumps(notebooks.strip(again)) == once


def test_cell_ids_are_unique_and_a_persons_own_are_kept() -> None:
    cells = [new_markdown_cell("same", id="deadbeef"), new_markdown_cell("same", id="deadbee0")]
    notebook = new_notebook(cells=[*cells, new_markdown_cell("a", id="guess-first"), new_markdown_cell("b")])
    notebook.cells[3].id = "guess-first"
    ids = [cell.id for cell in notebooks.strip(notebook).cells]
    assert len(set(ids)) == 4
    assert ids[2] == "guess-first"


def clean() -> nbformat.NotebookNode:
    return notebooks.strip(saved_by_lab())


def spoil(notebook: nbformat.NotebookNode, fault: str) -> None:
    cell = notebook.cells[1]
    if fault == "widget state":
        notebook.metadata["widgets"] = {"state": {}}
    elif fault == "widget view":
        cell.outputs[0].data[notebooks.WIDGET_VIEW] = {"model_id": "1f"}
    elif fault == "execution count":
        cell.execution_count = 7
    elif fault == "error":
        cell.outputs = [new_output("error", ename="E", evalue="e", traceback=[])]
    elif fault == "warning":
        cell.outputs.append(new_output("stream", name="stderr", text="UserWarning: no"))
    else:
        cell.outputs = []


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("widget state", "not stripped"),
        ("widget view", "not stripped"),
        ("execution count", "not stripped"),
        ("error", "ends in an error"),
        ("warning", "stderr"),
        ("no output", "has no output"),
    ],
)
def test_check_finds(fault: str, complaint: str) -> None:
    notebook = clean()
    assert notebooks.problems(notebook) == []
    spoil(notebook, fault)
    before = copy.deepcopy(notebook)
    (found,) = notebooks.problems(notebook)
    assert complaint in found
    assert notebook == before


@pytest.mark.parametrize(
    ("source", "shows"),
    [("x", True), ("f(x)", True), ("x;", False), ("x = 1", False), ("...", False), ("%pip list", False), ("", False)],
)
def test_shows_something(source: str, shows: bool) -> None:
    assert notebooks.shows_something(source) is shows


def test_run_executes_in_place_and_strips(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    source = "import os\nfrom pathlib import Path\nPath('here').touch()\nos.environ['HF_HUB_OFFLINE']"
    path.write_text(notebooks.dumps(new_notebook(cells=[new_code_cell(source)])))
    assert notebooks.main(["run", str(path)]) == 0
    assert (tmp_path / "here").exists()
    assert notebooks.read(path).cells[0].outputs[0].data["text/plain"] == "'1'"
    assert notebooks.main(["check", str(tmp_path)]) == 0


@pytest.mark.parametrize("path", notebooks.find([str(ROOT)]), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_committed_notebooks_are_clean(path: Path) -> None:
    assert notebooks.problems(notebooks.read(path)) == []
