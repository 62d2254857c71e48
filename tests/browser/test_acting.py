"""Live widgets: idle, busy, stopped, replaced by something newer, failed, and nobody there."""

from __future__ import annotations

import threading
import time

import pytest
from playwright.sync_api import expect

from mi_nb.widgets import TokenGrid
from tests.browser.helpers import cell, until
from tests.widgets.lens_data import WORDS, lens


@pytest.fixture
def submit(page):
    """Types a prompt into the box and runs it."""

    def run(root, text: str) -> None:
        root.get_by_label("New prompt").fill(text)
        root.get_by_role("button", name="Run").click()

    return run


def test_a_new_prompt_is_computed_in_python(page, show, submit):
    def compute(request):
        words = request["text"].split()
        return lens([words], seed=3) | {"result": f"result of {len(words)}"}

    widget = TokenGrid(**lens(), actions={"prompt": compute}, result="first")
    root = show(page, widget)
    submit(root, "one two three")
    expect(root.locator(".mi-grid-head")).to_have_count(3)
    until(page, lambda: widget.status["state"] == "idle")
    assert widget.result == "result of 3"
    assert widget.selection == []


def test_busy_shows_progress_and_stops(page, show, submit):
    stopped = threading.Event()

    def slow(request, progress):
        try:
            for step in range(1000):
                progress.update(step / 1000, "Layer 3 of 12")
                time.sleep(0.02)
        except BaseException:
            stopped.set()
            raise
        return lens()

    widget = TokenGrid(**lens(), actions={"prompt": slow})
    root = show(page, widget)
    submit(root, "anything")
    expect(root.get_by_role("progressbar")).to_be_visible()
    expect(root.locator(".mi-acting-text")).to_contain_text("Layer 3 of 12 1%")
    root.get_by_role("button", name="Stop").click()
    expect(root.get_by_role("progressbar")).to_be_hidden()
    until(page, stopped.is_set)
    assert widget.status["state"] == "idle"
    expect(root.locator(".mi-grid-head")).to_have_count(10)


def test_a_newer_request_replaces_an_older_one(page, show, submit):
    calls = []

    def compute(request):
        calls.append(request["text"])
        if request["text"] == "old":
            for _ in range(500):
                time.sleep(0.01)
        return lens([[request["text"]] * 4])

    widget = TokenGrid(**lens(), actions={"prompt": compute})
    root = show(page, widget)
    submit(root, "old")
    until(page, lambda: calls == ["old"])
    submit(root, "new")
    expect(root.locator(".mi-grid-head").first).to_contain_text("new")
    assert calls == ["old", "new"]
    assert widget.status["state"] == "idle"


def test_the_errors_own_words_are_shown(page, show, submit):
    def fail(request):
        raise ValueError(f"the prompt <b>{request['text']}</b> has no tokens")

    widget = TokenGrid(**lens(), actions={"prompt": fail})
    root = show(page, widget)
    submit(root, "x")
    alert = root.get_by_role("alert")
    expect(alert).to_contain_text("ValueError: the prompt <b>x</b> has no tokens")
    assert isinstance(widget.error, ValueError)
    expect(root.get_by_label("New prompt")).to_have_value("x")
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert).to_be_hidden()
    expect(cell(root, 12, 9)).to_have_text("␣Paris")


def test_what_an_action_returns_is_checked(page, show, submit):
    widget = TokenGrid(**lens(), actions={"prompt": lambda request: {"rows": ["only one"]}})
    root = show(page, widget)
    submit(root, "x")
    expect(root.get_by_role("alert")).to_contain_text("ValueError")
    expect(root.locator(".mi-cell")).to_have_count(130)


def test_following_any_token_asks_python_for_its_numbers(page, show):
    asked = []

    def follow(request):
        asked.append(request["token_id"])
        full = lens()
        token = {"id": request["token_id"], "token": WORDS[request["token_id"]]}
        return {
            "targets": [*full["targets"], token],
            "target_measures": {name: values[[0, 1, 0]] for name, values in full["target_measures"].items()},
        }

    widget = TokenGrid(**lens(), actions={"follow": follow})
    root = show(page, widget)
    until(page, lambda: root.page.evaluate("window.ready"))
    page.wait_for_timeout(100)
    root.locator(".mi-top").nth(1).click()
    until(page, lambda: len(asked) == 1)
    expect(root.locator(".mi-chip")).to_have_count(3)
    expect(root.locator(".mi-warning")).to_be_hidden()
    assert widget.follow == asked[0]


def test_without_a_kernel_the_acting_parts_say_why(page, show):
    widget = TokenGrid(**lens(), actions={"prompt": lambda request: {}})
    root = show(page, widget, kernel=False)
    expect(root.get_by_label("New prompt")).to_be_disabled()
    expect(root.locator(".mi-prompt-form")).to_contain_text("needs this notebook's kernel: run the cell again")
    expect(cell(root, 12, 9)).to_have_text("␣Paris")


def test_a_kernel_that_falls_silent_is_told(page, show, submit):
    widget = TokenGrid(**lens(), actions={"prompt": lambda request: {}})
    root = show(page, widget)
    expect(root.get_by_label("New prompt")).to_be_enabled()
    widget._handle_msg = lambda message: None
    submit(root, "x")
    expect(root.locator(".mi-acting-text")).to_have_text("Waiting for Python")
    expect(root.locator(".mi-acting-text")).to_contain_text("is the kernel running", timeout=10_000)
    root.get_by_role("button", name="Stop").click()
    expect(root.get_by_role("progressbar")).to_be_hidden()


def test_a_widget_without_actions_has_no_box(page, show, grid):
    expect(show(page, grid).get_by_label("New prompt")).to_be_hidden()
