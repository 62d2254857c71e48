"""Themes, sizes, hostile tokens, and the exported page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mi_nb.widgets import TokenGrid, export_html
from tests.browser.helpers import cell, until
from tests.widgets.lens_data import lens, vocabulary

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "<!--",
    "\u202eevil",
    "\u0000\u0007",
    "\u200b",
    "שלום",
    "👩\u200d👩\u200d👧",
    "\n\t",
    "&amp;",
]
JUPYTER = "--jp-layout-color0: {}; --jp-ui-font-color1: {};"


def background(root) -> str:
    return root.evaluate("(e) => getComputedStyle(e).backgroundColor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_systems_scheme_decides_where_nobody_else_does(new_page, show, grid, scheme):
    root = show(new_page(color_scheme=scheme), grid)
    assert background(root) == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
    lowest = cell(root, 0, 0).evaluate("(e) => e.style.background.match(/\\d+/g).map(Number)")
    assert (sum(lowest) > 3 * 180) == (scheme == "light")


def test_a_theme_change_recolours_the_cells(page, show, grid):
    root = show(page, grid)
    page.evaluate("(style) => { document.body.style = style; }", JUPYTER.format("#111111", "#eeeeee"))
    expect(root).to_have_class("mi-root mi-column mi-token-grid mi-dark")
    assert background(root) == "rgb(17, 17, 17)"
    page.evaluate("(style) => { document.body.style = style; }", JUPYTER.format("#ffffff", "#222222"))
    expect(root).to_have_class("mi-root mi-column mi-token-grid")


def test_vs_code_and_colab_bring_their_own_colours(page, show, grid):
    root = show(page, grid)
    for variable in ("--vscode-editor-background", "--colab-primary-surface-color"):
        page.evaluate("(name) => { document.body.style = `${name}: rgb(30, 30, 46)`; }", variable)
        until(page, lambda: background(root) == "rgb(30, 30, 46)")


@pytest.mark.parametrize("width", [300, 500, 900, 1600])
def test_every_width_keeps_inside_the_page(new_page, show, grid, width):
    root = show(new_page(viewport={"width": width, "height": 900}), grid)
    assert root.page.evaluate("document.documentElement.scrollWidth") <= width
    scrolls = root.locator(".mi-grid").evaluate("(e) => e.scrollWidth > e.clientWidth")
    assert scrolls == (width < 1000)
    expect(root.locator(".mi-grid-frame")).to_have_class("mi-grid-frame mi-more-left" if scrolls else "mi-grid-frame")
    side = root.locator(".mi-panel").bounding_box()["y"] < root.locator(".mi-legend").bounding_box()["y"]
    assert side == (width >= 900)


def test_the_picture_follows_its_room(page, show, grid):
    root = show(page, grid)
    width = "(e) => parseInt(e.style.getPropertyValue('--mi-cell-width'))"
    before = root.locator(".mi-grid").evaluate(width)
    page.set_viewport_size({"width": 860, "height": 900})
    until(page, lambda: root.locator(".mi-grid").evaluate(width) < before)


def test_the_grid_is_told_to_screen_readers(page, show, grid):
    root = show(page, grid)
    table = root.get_by_role("grid")
    expect(table).to_have_attribute("aria-rowcount", "14")
    expect(table).to_have_attribute("aria-colcount", "11")
    assert table.get_by_role("row").count() == 14
    assert table.get_by_role("columnheader").count() == 11
    share = lens()["measures"]["probability"]["values"][0, 12, 9]
    label = f"layer 11, position 9 after ␣of: ␣Paris, probability {share:.3f}"
    expect(cell(root, 12, 9)).to_have_attribute("aria-label", label)


def hostile_arguments() -> dict:
    arguments = lens([HOSTILE])
    arguments["vocabulary"] = {key: HOSTILE[key % len(HOSTILE)] for key in vocabulary()}
    return arguments | {"title": "<i>title</i>"}


def assert_harmless(root) -> None:
    expect(root.locator("img, script, i")).to_have_count(0)
    expect(root.locator(".mi-title")).to_have_text("<i>title</i>")
    heads = root.locator(".mi-grid-head")
    expect(heads.nth(0)).to_contain_text("<img␣src=x␣onerror=alert(1)>")
    expect(heads.nth(3)).to_contain_text("U+202Eevil")
    expect(heads.nth(4)).to_contain_text("U+0000U+0007")
    expect(heads.nth(5)).to_contain_text("U+200B")
    expect(heads.nth(8)).to_contain_text("\\n\\t")


def test_hostile_tokens_are_text(page, show):
    page.on("dialog", lambda dialog: pytest.fail(f"a token ran: {dialog.message}"))
    assert_harmless(show(page, TokenGrid(**hostile_arguments())))


@pytest.fixture
def exported(new_page, tmp_path):
    """Opens a widget's exported page from the disk; anything it asks of a network fails the test."""

    def open_exported(widget):
        path = export_html(widget, tmp_path / "page.html")
        page = new_page()
        page.on("dialog", lambda dialog: pytest.fail(f"a token ran: {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.context.set_offline(True)
        page.goto(path.as_uri())
        return page.locator(".mi-root")

    asked: list[str] = []
    yield open_exported
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []


def test_the_exported_page_works_from_the_disk(exported):
    widget = TokenGrid(**lens(), actions={"prompt": lambda request: {}}, measure="entropy")
    widget.selection = [{"prompt": 0, "layer": 3, "position": 2}]
    root = exported(widget)
    expect(root.locator(".mi-cell")).to_have_count(130)
    expect(root.get_by_role("radio", name="entropy")).to_be_checked()
    expect(cell(root, 4, 2)).to_have_attribute("aria-selected", "true")
    cell(root, 9, 4).click()
    expect(cell(root, 9, 4)).to_have_attribute("aria-selected", "true")
    root.get_by_label("Prompt", exact=True).select_option("1")
    expect(root.locator(".mi-grid-head").nth(4)).to_contain_text("seum")
    expect(root.get_by_label("New prompt")).to_be_disabled()
    expect(root.locator(".mi-prompt-form")).to_contain_text("Recomputing needs Python: open the notebook and run it.")


def test_hostile_tokens_are_text_in_the_exported_page(exported):
    assert_harmless(exported(TokenGrid(**hostile_arguments())))
