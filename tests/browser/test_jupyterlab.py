"""What only a notebook shows: real comms, a saved and reopened notebook, Lab's themes and keys."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from mi_nb.widgets import Heatmap
from tests.browser.helpers import cell
from tests.browser.lab import Lab
from tests.widgets.sweep_data import patching

SHOW = """from tests.widgets.lens_data import lens
from mi_nb.widgets import TokenGrid
import time
def compute(request, progress):
    for step in range(20):
        progress.update(step / 20, "working")
        time.sleep(.05)
    return lens([request["text"].split()])
w = TokenGrid(**lens(), actions={"prompt": compute})
w"""


HEATMAP = """from tests.widgets.sweep_data import heads, patching
from mi_nb.widgets import Heatmap
def detail(request):
    return heads(1, 6) | {"title": f"Heads of layer {request['layer']}", "actions": {}}
w = Heatmap(**patching(), actions={"cell": detail})
w"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def lab_page(new_page) -> Page:
    """A wide page; JupyterLab logs errors of its own, which do not count."""
    page = new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(30_000)
    yield page
    page.errors.clear()


def output(page: Page, text: str):
    return page.locator(".jp-OutputArea-output").filter(has_text=text)


def test_live(lab, lab_page):
    length = "print('LENGTH', len(w.spec['prompts'][0]['tokens']))"
    lab.write("live.ipynb", [SHOW, "print('SELECTED', w.selection)", "w.title = 'Changed'", length])
    lab.open(lab_page, "live.ipynb")
    lab.run(lab_page, 0)
    root = lab_page.locator(".mi-root")
    cell(root, 3, 5).click()
    lab_page.keyboard.press("ArrowRight")
    lab_page.keyboard.press("Enter")
    expect(cell(root, 3, 6)).to_have_attribute("aria-selected", "true")
    assert lab_page.locator(".jp-Notebook .jp-Cell").count() == 4, "a key of the widget reached the notebook"
    lab.run(lab_page, 1)
    expect(output(lab_page, "SELECTED [{'prompt': 0, 'layer': 2, 'position': 6}]")).to_be_visible()
    lab.run(lab_page, 2)
    expect(root.locator(".mi-title")).to_have_text("Changed")
    box = root.get_by_label("New prompt")
    box.fill("a new prompt of six words")
    box.press("Enter")
    expect(root.get_by_role("progressbar")).to_be_visible()
    expect(root.locator(".mi-grid-head")).to_have_count(6)
    box.fill("never finished")
    box.press("Enter")
    root.get_by_role("button", name="Stop").click()
    expect(root.get_by_role("progressbar")).to_be_hidden()
    lab.run(lab_page, 3)
    expect(output(lab_page, "LENGTH 6")).to_be_visible()


def test_saved_and_reopened(lab, lab_page):
    path = lab.write("saved.ipynb", [SHOW])
    lab.open(lab_page, "saved.ipynb")
    lab.run(lab_page, 0)
    root = lab_page.locator(".mi-root")
    cell(root, 9, 4).click()
    expect(cell(root, 9, 4)).to_have_attribute("aria-selected", "true")
    lab_page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    kinds = json.loads(path.read_text())["cells"][0]["outputs"][0]["data"]
    assert "".join(kinds["text/plain"]) == "TokenGrid('Logit lens': 2 prompts, 13 rows, 10 positions, top 10)"
    assert "<table" in "".join(kinds["text/html"])
    lab_page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    lab.open(lab_page, "saved.ipynb")
    expect(root).to_be_visible()
    expect(cell(root, 12, 9)).to_have_text("␣Paris")
    expect(cell(root, 9, 4)).to_have_attribute("aria-selected", "true")
    expect(root.get_by_label("New prompt")).to_be_disabled()
    expect(root.locator(".mi-prompt-form")).to_contain_text("run the cell again")
    cell(root, 3, 3).hover()
    expect(root.get_by_role("region", name="Cell")).to_contain_text("layer 2, position 3")


def test_a_heatmap_live_saved_and_reopened(lab, lab_page):
    path = lab.write("heatmap.ipynb", [HEATMAP, "print('SELECTED', w.selection, w.depth)"])
    lab.open(lab_page, "heatmap.ipynb")
    lab.run(lab_page, 0)
    root = lab_page.locator(".mi-root")
    expect(root).to_contain_text("for its details")
    cell(root, 8, 11).click()
    expect(root.locator(".mi-title")).to_have_text("Heads of layer 8")
    lab_page.keyboard.press("Backspace")
    expect(cell(root, 8, 11)).to_be_focused()
    assert lab_page.locator(".jp-Notebook .jp-Cell").count() == 2, "a key of the widget reached the notebook"
    lab.run(lab_page, 1)
    selected = "SELECTED [{'site': 'resid_pre', 'layer': 8, 'position': 11}] 0"
    expect(output(lab_page, selected)).to_be_visible()
    lab_page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    kinds = json.loads(path.read_text())["cells"][0]["outputs"][0]["data"]
    assert "".join(kinds["text/plain"]) == repr(Heatmap(**patching()))
    assert "".join(kinds["text/html"]) == Heatmap(**patching()).static_html()
    lab_page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    lab.open(lab_page, "heatmap.ipynb")
    expect(cell(root, 8, 11)).to_have_attribute("aria-selected", "true")
    expect(root).to_contain_text("run the cell again")
    root.get_by_role("radio", name="mlp_out").check(force=True)
    expect(cell(root, 0, 7)).to_have_text(f"{patching()['values'][2, 0, 7]:.2f}".lstrip("0"))


def test_theme_change(lab, lab_page):
    lab.write("theme.ipynb", [SHOW])
    lab.open(lab_page, "theme.ipynb")
    lab.run(lab_page, 0)
    root = lab_page.locator(".mi-root")
    expect(root).to_be_visible()
    before = cell(root, 0, 0).evaluate("(e) => e.style.background")
    lab.command(lab_page, "apputils:change-theme", theme="JupyterLab Dark")
    lab_page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    expect(root).to_have_class("mi-root mi-column mi-token-grid mi-dark")
    assert cell(root, 0, 0).evaluate("(e) => e.style.background") != before
    assert root.evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(17, 17, 17)"
