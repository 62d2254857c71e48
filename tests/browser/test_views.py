"""Following a token, switching and comparing prompts, long prompts, and taking things home."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from mi_nb.widgets import TokenGrid
from tests.browser.helpers import cell, record, until
from tests.widgets.lens_data import WORDS, lens, long_prompt

PARIS, ROME = WORDS.index(" Paris"), WORDS.index(" Rome")


def test_a_click_in_the_list_follows_the_token(page, show, grid):
    root = show(page, grid)
    root.locator(".mi-top").first.click()
    until(page, lambda: grid.follow == PARIS)
    expect(root.locator(".mi-legend-name")).to_have_text("Colour: probability of ␣Paris")
    expect(root.locator(".mi-path-bar")).to_have_count(13)
    root.get_by_role("radio", name="rank").check(force=True)
    expect(cell(root, 12, 9)).to_have_text("1")
    ranks = lens()["target_measures"]["rank"][0, 0]
    expect(cell(root, 3, 4)).to_have_text(str(int(ranks[3, 4])))
    root.locator(".mi-top").first.click()
    until(page, lambda: grid.follow is None)
    expect(cell(root, 12, 9)).to_have_text("␣Paris")


def test_chips_follow_targets_and_escape_lets_go(page, show, grid):
    root = show(page, grid)
    chip = root.get_by_role("button", name="Follow ␣Rome")
    chip.click()
    until(page, lambda: grid.follow == ROME)
    expect(chip).to_have_attribute("aria-pressed", "true")
    cell(root, 0, 0).focus()
    page.keyboard.press("Escape")
    until(page, lambda: grid.follow is None)


def test_a_token_that_is_no_target_is_followed_among_the_top(page, show, grid):
    root = show(page, grid)
    cell(root, 12, 3).click()
    root.locator(".mi-top").nth(4).click()
    expect(root.locator(".mi-warning")).to_contain_text("only where it is among the top 10")
    root.get_by_role("radio", name="rank").check(force=True)
    expect(cell(root, 12, 3)).to_have_text("5")


def test_pointing_at_a_listed_token_marks_where_it_leads(page, show, grid):
    root = show(page, grid)
    root.locator(".mi-top").first.hover()
    best = grid._data._top_index[0, :, :, 0]
    expect(root.locator(".mi-cell.mi-same")).to_have_count(int((best == best[12, 9]).sum()))
    root.locator(".mi-title").hover()
    expect(root.locator(".mi-cell.mi-same")).to_have_count(0)


def test_prompts_switch_with_the_control(page, show, grid):
    root = show(page, grid)
    root.get_by_label("Prompt", exact=True).select_option("1")
    until(page, lambda: grid.prompt == 1)
    expect(root.locator(".mi-grid-head").nth(4)).to_contain_text("seum")
    cell(root, 5, 2).click()
    until(page, lambda: grid.selection == [record(4, 2, prompt=1)])


def test_two_prompts_are_compared(page, show, grid):
    root = show(page, grid)
    root.get_by_label("Prompt to subtract").select_option("1")
    until(page, lambda: grid.compare == 1)
    expect(root.locator(".mi-legend-name")).to_have_text(
        "Colour: difference of probability of the top token, prompt 1 minus prompt 2"
    )
    expect(root.locator(".mi-legend-tick").filter(has_text="0").first).to_be_visible()
    expect(root.locator(".mi-grid-head").nth(4)).to_contain_text("seum")
    values = lens()["measures"]["probability"]["values"]
    label = cell(root, 6, 3).get_attribute("aria-label")
    shown = float(label.split()[-1].replace("\N{MINUS SIGN}", "-"))
    assert shown == pytest.approx(values[0, 6, 3] - values[1, 6, 3], rel=6e-3)


def test_python_changes_what_is_shown(page, show, grid):
    root = show(page, grid)
    grid.title = "Changed"
    expect(root.locator(".mi-title")).to_have_text("Changed")
    other = lens([["one", " two", " three"]], layers=3, seed=5)
    grid.replace(**other)
    expect(root.locator(".mi-cell")).to_have_count(4 * 3)
    expect(root.locator(".mi-grid-head").nth(2)).to_contain_text("three")


def test_long_prompts_scroll_with_their_labels(page, show):
    root = show(page, TokenGrid(**lens([long_prompt(2000)], words=200)))
    assert root.locator(".mi-cell").count() < 2000
    label = root.get_by_role("rowheader").first
    expect(cell(root, 12, 1999)).to_be_in_viewport()
    root.locator(".mi-grid").evaluate("(e) => { e.scrollLeft = 0; }")
    before = label.bounding_box()
    cell(root, 12, 0).click()
    page.keyboard.press("End")
    expect(cell(root, 12, 1999)).to_be_focused()
    expect(cell(root, 12, 1999)).to_be_in_viewport()
    assert label.bounding_box() == before
    expect(root.get_by_role("region", name="Cell")).to_contain_text("position 1999")
    root.locator(".mi-overview").click(position={"x": 200, "y": 10})
    expect(root.locator('.mi-grid-head[data-column="1999"]')).to_have_count(0)
    expect(cell(root, 12, 1999)).to_be_focused()


def test_what_is_too_large_to_send_arrives_in_windows(page, show, monkeypatch):
    monkeypatch.setattr("mi_nb.widgets.token_grid_data.BUDGET", 200_000)
    widget = TokenGrid(**lens([long_prompt(1500)], words=200))
    sent = widget.arrays[0]
    assert sent["stop"] - sent["start"] < 500
    root = show(page, widget)
    assert sent["stop"] == 1500
    for key, position in (("Home", 0), ("End", 1499)):
        cell(root, 12, 1499 - position).focus()
        page.keyboard.press(key)
        until(page, lambda at=position: widget.arrays[0]["start"] <= at < widget.arrays[0]["stop"])
        best = widget._data.top_tokens(0, 12, position)[0][1]
        expect(cell(root, 12, position)).to_have_text(best.replace(" ", "␣").replace("\n", "\\n"))


@pytest.mark.parametrize("length", [10, 2000])
@pytest.mark.parametrize("width", [300, 1100])
def test_the_last_position_of_the_top_row_comes_first(new_page, show, width, length):
    page = new_page(viewport={"width": width, "height": 900})
    root = show(page, TokenGrid(**lens([long_prompt(length)], words=60)))
    expect(root.get_by_role("region", name="Cell")).to_contain_text(f"layer 11, position {length - 1}")
    last = cell(root, 12, length - 1)
    expect(last).to_have_attribute("tabindex", "0")
    grid = root.locator(".mi-grid")
    assert grid.evaluate("(e) => e.scrollLeft + e.clientWidth >= e.scrollWidth - 1")
    assert last.bounding_box()["x"] + last.bounding_box()["width"] <= width


def test_another_prompt_starts_at_its_last_position(page, show):
    root = show(page, TokenGrid(**lens([long_prompt(300), long_prompt(40)], words=60)))
    root.get_by_label("Prompt", exact=True).select_option("1")
    expect(cell(root, 12, 39)).to_have_attribute("tabindex", "0")
    expect(cell(root, 12, 39)).to_be_in_viewport()
    expect(root.get_by_role("region", name="Cell")).to_contain_text("layer 11, position 39")


def test_copy_gives_the_selection_as_a_table(page, show, grid):
    root = show(page, grid)
    cell(root, 3, 5).click()
    cell(root, 3, 6).click(modifiers=["Shift"])
    text = page.evaluate("""() => {
      const clipboardData = new DataTransfer();
      const copy = new ClipboardEvent("copy", { clipboardData, bubbles: true, cancelable: true });
      document.activeElement.dispatchEvent(copy);
      return clipboardData.getData("text/plain");
    }""")
    rows = [line.split("\t") for line in text.split("\n")]
    assert rows[0][:6] == ["prompt", "layer", "position", "token", "prediction", "prediction_id"]
    assert [row[1:4] for row in rows[1:]] == [["2", "5", " is"], ["2", "6", " in"]]
    assert float(rows[1][6]) == pytest.approx(float(lens()["measures"]["probability"]["values"][0, 3, 5]), rel=1e-6)


@pytest.mark.parametrize("kind", ["SVG", "PNG", "CSV"])
def test_the_menu_saves_files(page, show, grid, kind):
    root = show(page, grid)
    root.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        root.get_by_role("menuitem", name=kind).click()
    path = Path(download.value.path())
    assert download.value.suggested_filename == f"logit-lens-prompt-1.{kind.lower()}"
    content = path.read_bytes()
    if kind == "SVG":
        assert content.count(b"<rect") > 13 * 10
        assert "␣Paris".encode() in content
    elif kind == "PNG":
        assert content.startswith(b"\x89PNG")
        assert len(content) > 10_000
    else:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
        assert len(rows) == 13 * 10 * 10
        shares = np.array([float(row["prediction_value"]) for row in rows[:10]])
        assert shares == pytest.approx(lens()["top_values"][0, 0, 0], rel=1e-6)
