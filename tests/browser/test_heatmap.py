"""The heatmap: pointer and keyboard to Python and back, facets, details of a cell, sizes, what one takes home."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from mi_nb.widgets import Heatmap, TokenGrid, export_html, link
from tests.browser.helpers import cell, until
from tests.widgets.lens_data import lens, long_prompt
from tests.widgets.sweep_data import heads, patching, prompts

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def scores() -> Heatmap:
    """Twelve layers of twelve heads; nothing live."""
    return Heatmap(**heads())


def written(text: str) -> float:
    return float(text.replace(MINUS, "-"))


def test_every_cell_has_its_number(page, show, scores):
    root = show(page, scores)
    expect(root.locator(".mi-cell")).to_have_count(144)
    values = heads()["values"]
    for row, column in ((0, 0), (9, 9), (10, 4)):
        assert written(cell(root, row, column).inner_text()) == pytest.approx(values[row, column], abs=0.0051)
        label = cell(root, row, column).get_attribute("aria-label")
        assert label.startswith(f"layer {row}, head {column}: ")
        assert written(label.split()[-2]) == pytest.approx(values[row, column], rel=6e-3)
    expect(root.get_by_role("rowheader").first).to_have_text("11")
    expect(root.locator(".mi-legend-name")).to_have_text("Colour: logit difference that a head adds (logits)")
    expect(root.locator(".mi-legend-tick").filter(has_text=re.compile("^0$"))).to_be_visible()


def test_positive_and_negative_differ_and_zero_is_the_background(page, show):
    arguments = heads(2, 2) | {"values": [[-1.0, 0.0], [1.0, np.nan]]}
    root = show(page, Heatmap(**arguments))
    colours = [cell(root, *at).evaluate("(e) => e.style.background") for at in ((0, 0), (0, 1), (1, 0))]
    red, blue = (list(map(int, re.findall(r"\d+", colour))) for colour in (colours[0], colours[2]))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert colours[1] == "rgb(255, 255, 255)"
    expect(cell(root, 1, 1)).to_have_class(re.compile("mi-missing"))
    expect(cell(root, 1, 1)).to_have_text("–")


def test_click_range_and_toggle_reach_python(page, show, scores):
    root = show(page, scores)
    cell(root, 3, 5).click()
    until(page, lambda: scores.selection == [{"layer": 3, "head": 5}])
    cell(root, 4, 6).click(modifiers=["Shift"])
    until(page, lambda: len(scores.selection) == 4)
    cell(root, 9, 1).click(modifiers=["Control"])
    until(page, lambda: scores.selection[-1] == {"layer": 9, "head": 1})
    expect(root.locator('[aria-selected="true"]')).to_have_count(5)


@pytest.mark.parametrize(
    ("key", "layer", "head"),
    [
        ("ArrowUp", 4, 5),
        ("ArrowDown", 2, 5),
        ("ArrowLeft", 3, 4),
        ("ArrowRight", 3, 6),
        ("Home", 3, 0),
        ("End", 3, 11),
        ("Control+Home", 11, 0),
    ],
)
def test_keys_move_select_and_clear(page, show, scores, key, layer, head):
    root = show(page, scores)
    cell(root, 3, 5).click()
    page.keyboard.press(key)
    expect(cell(root, layer, head)).to_be_focused()
    expect(root.locator(".mi-readout")).to_contain_text(f"layer {layer}, head {head}: ")
    page.keyboard.press("Enter")
    until(page, lambda: scores.selection == [{"layer": layer, "head": head}])
    page.keyboard.press("Escape")
    until(page, lambda: scores.selection == [])


def test_rows_that_are_no_layers_read_downwards(page, show):
    widget = Heatmap(**prompts())
    root = show(page, widget)
    expect(root.get_by_role("rowheader").first).to_have_text("a")
    cell(root, 0, 0).click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    until(page, lambda: widget.selection == [{"prompt": 0, "group": 1, "position": 0}])


def test_the_line_above_starts_at_the_largest_and_follows_the_pointer(page, show, scores):
    root = show(page, scores)
    line = root.locator(".mi-readout")
    expect(line).to_have_text("Largest: layer 9, head 9: 2.1 logits")
    expect(cell(root, 9, 9)).to_have_attribute("tabindex", "0")
    box = root.locator(".mi-grid").bounding_box()
    cell(root, 10, 4).hover()
    expect(line).to_have_text(f"layer 10, head 4: {MINUS}1.4 logits")
    assert root.locator(".mi-grid").bounding_box() == box
    root.locator(".mi-title").hover()
    expect(line).to_contain_text("Largest")


def test_facets_switch_with_the_control_and_from_python(page, show):
    widget = Heatmap(**patching())
    root = show(page, widget)
    root.get_by_role("radio", name="mlp_out").check(force=True)
    until(page, lambda: widget.facet == 2)
    expect(root.locator(".mi-readout")).to_contain_text("layer 2, position 7")
    assert written(cell(root, 0, 7).inner_text()) == pytest.approx(patching()["values"][2, 0, 7], abs=0.0051)
    cell(root, 5, 1).click()
    until(page, lambda: widget.selection == [{"site": "mlp_out", "layer": 5, "position": 1}])
    widget.selection = [{"site": "attn_out", "layer": 8, "position": 11}]
    expect(root.get_by_role("radio", name="attn_out")).to_be_checked()
    expect(cell(root, 8, 11)).to_have_attribute("aria-selected", "true")


def test_each_prompt_has_its_own_tokens(page, show):
    widget = Heatmap(**prompts())
    root = show(page, widget)
    expect(root.locator(".mi-grid-head")).to_have_count(12)
    root.get_by_label("prompt").select_option("1")
    expect(root.locator(".mi-grid-head")).to_have_count(8)
    expect(root.locator(".mi-grid-head").nth(2)).to_contain_text("␣Tom")
    root.locator(".mi-grid-head").nth(2).hover()
    expect(root.get_by_role("tooltip")).to_contain_text('" Tom", position 2')
    widget.title = "Changed"
    expect(root.get_by_role("tooltip")).to_be_hidden()


def test_a_facet_that_was_not_sent_arrives_when_it_is_chosen(page, show, monkeypatch):
    monkeypatch.setattr("mi_nb.widgets.heatmap_data.BUDGET", 1000)
    root = show(page, Heatmap(**patching()))
    root.get_by_role("radio", name="mlp_out").check(force=True)
    expect(cell(root, 0, 7)).to_have_text(f"{patching()['values'][2, 0, 7]:.2f}".lstrip("0"))


def detail(request, progress):
    for step in range(20):
        progress.update(step / 20, "Heads")
        time.sleep(0.005)
    return heads(1, 6, seed=request["layer"]) | {"title": f"Heads of layer {request['layer']}", "actions": {}}


@pytest.mark.parametrize("way", ["click", "Enter"])
@pytest.mark.parametrize("back", ["button", "Backspace"])
def test_a_cell_opens_its_details_and_back_returns(page, show, way, back):
    widget = Heatmap(**patching(), facet=1, actions={"cell": detail})
    root = show(page, widget)
    expect(root).to_contain_text("Click a cell, or press Enter, for its details.")
    expect(root.get_by_role("button", name="Back")).to_be_hidden()
    if way == "click":
        cell(root, 8, 11).click()
    else:
        cell(root, 8, 11).focus()
        page.keyboard.press("Enter")
    expect(root.locator(".mi-title")).to_have_text("Heads of layer 8")
    assert {name: widget.request[name] for name in ("kind", "site", "layer", "position")} == {
        "kind": "cell",
        "site": "attn_out",
        "layer": 8,
        "position": 11,
    }
    expect(root.locator('.mi-cell[tabindex="0"]')).to_be_focused()
    expect(root).not_to_contain_text("for its details")
    if back == "button":
        root.get_by_role("button", name="Back").click()
    else:
        page.keyboard.press("Backspace")
    expect(root.locator(".mi-title")).to_have_text(patching()["title"])
    expect(cell(root, 8, 11)).to_have_attribute("aria-selected", "true")
    expect(root.get_by_role("button", name="Back")).to_be_hidden()
    expect(cell(root, 8, 11)).to_be_focused()


def test_details_begin_at_their_left_end(new_page, show):
    page = new_page(viewport={"width": 300, "height": 800})
    columns = {"values": np.eye(1, 12), "actions": {}}
    widget = Heatmap(**patching(), actions={"cell": lambda request: heads(1, 12) | columns})
    root = show(page, widget)
    expect(root).to_contain_text("for its details")
    page.wait_for_timeout(50)
    root.locator(".mi-grid").evaluate("(e) => { e.scrollLeft = 1e6; }")
    cell(root, 3, 11).click()
    expect(root.get_by_role("button", name="Back")).to_be_visible()
    until(page, lambda: root.locator(".mi-grid").evaluate("(e) => e.scrollLeft") == 0)
    expect(cell(root, 0, 0)).to_be_focused()


def test_details_are_computed_with_progress_and_can_be_stopped(page, show):
    stopped = threading.Event()

    def slow(request, progress):
        try:
            for step in range(1000):
                progress.update(step / 1000, "Patching")
                time.sleep(0.01)
        finally:
            stopped.set()
        return heads()

    widget = Heatmap(**heads(), actions={"cell": slow})
    root = show(page, widget)
    expect(root).to_contain_text("for its details")
    cell(root, 2, 2).click()
    expect(root.locator(".mi-acting-text")).to_contain_text("Patching")
    root.get_by_role("button", name="Stop").click()
    until(page, stopped.is_set)
    expect(root.get_by_role("progressbar")).to_be_hidden()
    assert widget.depth == 0


def test_the_errors_own_words_are_shown(page, show):
    def fail(request):
        raise ValueError(f"layer {request['layer']} has no <b>heads</b>")

    root = show(page, Heatmap(**heads(), actions={"cell": fail}))
    expect(root).to_contain_text("for its details")
    cell(root, 2, 2).click()
    expect(root.get_by_role("alert")).to_contain_text("ValueError: layer 2 has no <b>heads</b>")
    root.get_by_role("button", name="Dismiss").click()
    expect(root.get_by_role("alert")).to_be_hidden()
    expect(root.locator(".mi-cell")).to_have_count(144)


def test_without_a_kernel_cells_are_selected_and_it_says_why(page, show):
    root = show(page, Heatmap(**heads(), actions={"cell": detail}), kernel=False)
    expect(root).to_contain_text("needs this notebook's kernel: run the cell again")
    cell(root, 2, 2).click()
    expect(cell(root, 2, 2)).to_have_attribute("aria-selected", "true")
    expect(root.get_by_role("progressbar")).to_be_hidden()


def test_a_link_marks_the_same_place_in_a_token_grid(page, show):
    patched, grid = Heatmap(**patching()), TokenGrid(**lens())
    link(patched, grid)
    root = show(page, patched)
    grid.selection = [{"prompt": 0, "layer": 6, "position": 4}]
    expect(cell(root, 6, 4)).to_have_attribute("aria-selected", "true")
    cell(root, 2, 1).click()
    until(page, lambda: grid.selection == [{"layer": 2, "position": 1}])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [300, 600, 1600])
def test_every_width_and_scheme_keeps_its_labels(new_page, show, width, scheme):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    root = show(page, Heatmap(**patching(), actions={"cell": detail}))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scrolls = root.locator(".mi-grid").evaluate("(e) => e.scrollWidth > e.clientWidth")
    assert scrolls == (width < 700)
    label = root.get_by_role("rowheader").first
    before = label.bounding_box()
    root.locator(".mi-grid").evaluate("(e) => { e.scrollLeft = 1e6; }")
    expect(cell(root, 11, 11)).to_be_in_viewport()
    assert label.bounding_box() == before
    empty = cell(root, 11, 10).evaluate("(e) => e.style.background.match(/\\d+/g).map(Number)")
    assert (sum(empty) > 3 * 200) == (scheme == "light")


def test_numbers_are_left_out_where_they_do_not_fit(new_page, show, scores):
    root = show(new_page(viewport={"width": 300, "height": 800}), scores)
    assert cell(root, 9, 9).bounding_box()["width"] < 32
    assert set(root.locator(".mi-cell").all_inner_texts()) == {""}


def test_wide_sweeps_scroll_from_the_largest(page, show):
    widget = Heatmap(**patching(tokens=long_prompt(1024)))
    root = show(page, widget)
    assert page.evaluate("window.drawn") < 1000
    assert root.locator(".mi-cell").count() < 12 * 60
    expect(root.locator(".mi-overview")).to_be_visible()
    widget.facet = 1
    cell(root, 3, 5).click()
    page.keyboard.press("End")
    expect(cell(root, 3, 1023)).to_be_focused()
    expect(cell(root, 3, 1023)).to_be_in_viewport()


def test_copy_gives_the_selection_as_a_table(page, show):
    root = show(page, Heatmap(**patching()))
    cell(root, 3, 5).click()
    cell(root, 3, 6).click(modifiers=["Shift"])
    text = page.evaluate("""() => {
      const clipboardData = new DataTransfer();
      const copy = new ClipboardEvent("copy", { clipboardData, bubbles: true, cancelable: true });
      document.activeElement.dispatchEvent(copy);
      return clipboardData.getData("text/plain");
    }""")
    rows = [line.split("\t") for line in text.split("\n")]
    assert rows[0] == ["site", "layer", "position", "token", "recovered share of the logit difference"]
    assert [row[:4] for row in rows[1:]] == [["resid_pre", "3", "5", " went"], ["resid_pre", "3", "6", ","]]
    assert float(rows[1][4]) == pytest.approx(float(patching()["values"][0, 3, 5]), rel=1e-6)


@pytest.mark.parametrize("kind", ["SVG", "PNG", "CSV"])
def test_the_menu_saves_files(page, show, scores, kind):
    root = show(page, scores)
    root.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        root.get_by_role("menuitem", name=kind).click()
    assert download.value.suggested_filename == f"direct-effect-of-each-head.{kind.lower()}"
    content = Path(download.value.path()).read_bytes()
    if kind == "CSV":
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
        found = np.array([float(row["logit difference that a head adds (logits)"]) for row in rows])
        assert found == pytest.approx(heads()["values"].ravel(), rel=1e-6)
    else:
        assert content.count(b"<rect") > 144 if kind == "SVG" else content.startswith(b"\x89PNG")


def test_hostile_labels_are_text_here_and_in_the_exported_page(page, new_page, show, tmp_path):
    hostile = "<img src=x onerror=alert(1)>"
    tokens = [hostile, "</script>", "\u202eevil"]
    arguments = heads(2, 3) | {"columns": tokens, "rows": [hostile, "b"], "token_columns": True, "title": hostile}
    widget = Heatmap(**arguments, actions={"cell": detail})
    other = new_page()
    other.context.set_offline(True)
    other.goto(export_html(widget, tmp_path / "page.html").as_uri())
    for root in (show(page, widget), other.locator(".mi-root")):
        expect(root.locator("img, script")).to_have_count(0)
        expect(root.locator(".mi-title")).to_have_text(hostile)
        expect(root.locator(".mi-grid-head").nth(2)).to_contain_text("U+202Eevil")
        expect(root.get_by_role("rowheader").last).to_have_text(hostile)
    cell(root, 1, 1).click()
    expect(cell(root, 1, 1)).to_have_attribute("aria-selected", "true")
    expect(root).to_contain_text("Recomputing needs Python: open the notebook and run it.")
