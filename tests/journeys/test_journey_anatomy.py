"""Taking the brain apart: on the hub, where Python must hear of it, and in the app without an account."""

from __future__ import annotations

import re

import pytest
from house import FRONT, SLOW_MS, House, open_module, reveal_output, run_all, spread_of_canvas
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.slow]

ASK = (
    "from ipywidgets.widgets import widget\n"
    "[w.picked for w in widget._instances.values() if type(w).__name__ == 'AnatomyRoom']"
)


def test_a_picked_structure_is_known_to_python(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "student2")
    open_module(page, 0)
    run_all(page)
    canvas = ".ck-anatomy-host canvas"
    reveal_output(page, "AnatomyRoom(", f"{FRONT} {canvas}")
    page.get_by_role("button", name="View from left").click()
    page.wait_for_timeout(3000)
    assert spread_of_canvas(page, canvas) > 12

    box = page.locator(canvas).bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".ck-anatomy-pin")).to_have_attribute("data-name", re.compile("^Left"))

    # what Python has heard, asked in a cell of the student's own
    cell = page.locator(f"{FRONT} .jp-CodeCell", has_text="AnatomyRoom(").first
    cell.locator(".jp-InputPrompt").click()
    page.locator(f"{FRONT} [data-jp-item-name=insert] jp-button").first.click()
    editor = page.locator(f"{FRONT} .jp-Cell.jp-mod-active .cm-content")
    editor.click()
    page.keyboard.insert_text(ASK)
    page.keyboard.press("Shift+Enter")
    answer = page.locator(
        f"{FRONT} .jp-OutputArea-output", has_text=re.compile(r"\['left-[a-z-]+'\]")
    )
    expect(answer).to_be_visible()
    page.context.close()


def test_the_app_shows_both_rooms_without_an_account(browser: Browser, house: House) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(SLOW_MS)
    page = context.new_page()
    page.goto(f"{house.url}services/apps/")
    page.get_by_role("link", name=re.compile("Open|brain", re.IGNORECASE)).first.click()
    for canvas in (".ck-anatomy-host canvas", ".rr-plane-axial canvas"):
        page.wait_for_selector(canvas)
        page.locator(canvas).first.scroll_into_view_if_needed()
        page.wait_for_timeout(3000)
        assert spread_of_canvas(page, canvas) > 12, canvas
    assert "self-study" in page.locator("body").inner_text().lower()
    context.close()
