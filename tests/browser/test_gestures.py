"""Pointer and keyboard on the token grid, from the page to Python and back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import cell, record, until

UNITS = {"entropy": "nats", "KL": "nats", "logit difference": "logits"}


def test_every_cell_shows_its_top_token(page, show, grid):
    root = show(page, grid)
    expect(root.locator(".mi-cell")).to_have_count(13 * 10)
    expect(cell(root, 12, 9)).to_have_text("␣Paris")
    expect(root.get_by_role("rowheader").first).to_have_text("11")
    expect(root.locator(".mi-grid-head").nth(3)).to_contain_text("iffel")


def test_click_selects_and_reaches_python(page, show, grid):
    root = show(page, grid)
    cell(root, 3, 5).click()
    until(page, lambda: grid.selection == [record(2, 5)])
    expect(cell(root, 3, 5)).to_have_attribute("aria-selected", "true")
    cell(root, 0, 0).click()
    until(page, lambda: grid.selection == [record(-1, 0)])
    expect(root.locator('[aria-selected="true"]')).to_have_count(1)


def test_shift_click_selects_a_range_and_control_click_adds(page, show, grid):
    root = show(page, grid)
    cell(root, 3, 5).click()
    cell(root, 4, 7).click(modifiers=["Shift"])
    wanted = [record(layer, position) for layer in (2, 3) for position in (5, 6, 7)]
    until(page, lambda: grid.selection == wanted)
    cell(root, 9, 1).click(modifiers=["Control"])
    until(page, lambda: grid.selection == [*wanted, record(8, 1)])
    cell(root, 9, 1).click(modifiers=["Control"])
    until(page, lambda: grid.selection == wanted)


@pytest.mark.parametrize(
    ("key", "layer", "position"),
    [
        ("ArrowUp", 3, 5),
        ("ArrowDown", 1, 5),
        ("ArrowLeft", 2, 4),
        ("ArrowRight", 2, 6),
        ("Home", 2, 0),
        ("End", 2, 9),
        ("Control+Home", 11, 0),
        ("Control+End", -1, 9),
    ],
)
@pytest.mark.parametrize("select", ["Enter", "Space"])
def test_keys_move_and_select(page, show, grid, key, layer, position, select):
    root = show(page, grid)
    cell(root, 3, 5).click()
    page.keyboard.press(key)
    expect(cell(root, layer + 1, position)).to_be_focused()
    assert grid.selection == [record(2, 5)]
    page.keyboard.press(select)
    until(page, lambda: grid.selection == [record(layer, position)])


def test_shift_and_arrows_extend_and_escape_clears(page, show, grid):
    root = show(page, grid)
    cell(root, 3, 5).click()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    until(page, lambda: len(grid.selection) == 4)
    page.keyboard.press("Escape")
    until(page, lambda: grid.selection == [])
    expect(root.locator('[aria-selected="true"]')).to_have_count(0)


def test_a_range_begins_where_the_focus_was(page, show, grid):
    root = show(page, grid)
    cell(root, 3, 5).click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    until(page, lambda: grid.selection == [record(2, 6), record(2, 7)])


def test_only_one_cell_is_in_the_tab_order(page, show, grid):
    root = show(page, grid)
    expect(root.locator('.mi-cell[tabindex="0"]')).to_have_count(1)
    cell(root, 2, 2).click()
    expect(root.locator('.mi-cell[tabindex="0"]')).to_have_count(1)
    expect(cell(root, 2, 2)).to_have_attribute("tabindex", "0")


def test_python_sets_the_selection(page, show, grid):
    root = show(page, grid)
    grid.selection = [record(0, 1), {"position": 4}]
    expect(cell(root, 1, 1)).to_have_attribute("aria-selected", "true")
    expect(root.locator('[aria-selected="true"]')).to_have_count(1 + 13)


def test_a_selection_in_another_prompt_shows_that_prompt(page, show, grid):
    root = show(page, grid)
    grid.selection = [record(4, 2, prompt=1)]
    expect(root.locator(".mi-grid-head").nth(4)).to_contain_text("seum")
    expect(cell(root, 5, 2)).to_have_attribute("aria-selected", "true")


def test_question_mark_lists_the_keys(page, show, grid):
    root = show(page, grid)
    cell(root, 3, 5).click()
    page.keyboard.press("?")
    keys = root.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("select a range")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(cell(root, 3, 5)).to_be_focused()
    assert grid.selection == [record(2, 5)]


def test_widget_keys_stay_in_the_widget(page, show, grid):
    root = show(page, grid)
    page.evaluate("document.addEventListener('keydown', (e) => { (window.heard ??= []).push(e.key); })")
    cell(root, 3, 5).click()
    for key in ("ArrowUp", "Enter", "a", "?", "Escape"):
        page.keyboard.press(key)
    assert page.evaluate("window.heard") is None
    page.keyboard.press("F8")
    assert page.evaluate("window.heard") == ["F8"]


def test_hover_shows_the_cell_and_leaving_goes_back(page, show, grid):
    root = show(page, grid)
    panel = root.get_by_role("region", name="Cell")
    expect(panel).to_contain_text("layer 11, position 9")
    cell(root, 9, 4).hover()
    expect(panel).to_contain_text("layer 8, position 4")
    expect(panel.locator(".mi-top-token").first).to_have_text(cell(root, 9, 4).inner_text())
    box = panel.bounding_box()
    cell(root, 2, 1).hover()
    expect(panel).to_contain_text("layer 1, position 1")
    assert panel.bounding_box() == box
    root.locator(".mi-title").hover()
    expect(panel).to_contain_text("layer 11, position 9")


def test_tooltip_has_the_raw_token_and_goes_with_the_data(page, show, grid):
    root = show(page, grid)
    root.locator(".mi-grid-head").nth(4).hover()
    tooltip = root.get_by_role("tooltip")
    expect(tooltip).to_contain_text('" Tower", id 104, position 4')
    grid.measure = "entropy"
    expect(tooltip).to_be_hidden()
    root.locator(".mi-top").first.focus()
    expect(tooltip).to_contain_text('" Paris", id')


@pytest.mark.parametrize("name", UNITS)
def test_colour_follows_the_chosen_measure(page, show, grid, name):
    root = show(page, grid)
    before = cell(root, 6, 4).evaluate("(e) => e.style.background")
    root.get_by_role("radio", name=name).check(force=True)
    until(page, lambda: grid.measure == name)
    expect(root.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(rf"^Colour scale: {name} [^(]+ \({UNITS[name]}\), from ")
    )
    assert cell(root, 6, 4).evaluate("(e) => e.style.background") != before
    grid.measure = "probability"
    expect(root.get_by_role("radio", name="probability")).to_be_checked()
    expect(cell(root, 6, 4)).to_have_attribute("style", re.compile(re.escape(before)))


def test_the_legend_says_in_full_what_the_colour_is(page, show, grid):
    root = show(page, grid)
    legend = root.locator(".mi-legend-name")
    expect(legend).to_have_text("Colour: probability of the top token")
    expect(root.locator(".mi-head")).not_to_contain_text("of the top token")
    grid.measure = "entropy"
    expect(legend).to_have_text("Colour: entropy of the predicted distribution (nats)")
