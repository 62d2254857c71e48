"""Fixtures: one Chromium for all browser tests, a fresh page for each, and widgets shown through the bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from mi_nb.widgets import TokenGrid, Widget
from tests.browser import bridge
from tests.browser.helpers import launch
from tests.widgets.lens_data import lens


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium. Where there is none the tests fail and say how to install one; they are never skipped."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages with the given browser options; a page that logs an error fails its test."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_page(**options: Any) -> Page:
        options.setdefault("viewport", {"width": 1100, "height": 900})
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.errors = errors  # type: ignore[attr-defined]
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert errors == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page of 1100 x 900 pixels, light."""
    return new_page()


@pytest.fixture
def show() -> Callable[..., Locator]:
    """Shows a widget in a page; returns its root element."""

    def show_widget(page: Page, widget: Widget, **options: Any) -> Locator:
        return bridge.show(page, widget, **options)

    return show_widget


@pytest.fixture
def grid() -> TokenGrid:
    """Two prompts, twelve layers, two targets; nothing live."""
    return TokenGrid(**lens())
