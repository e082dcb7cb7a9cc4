"""The anatomy room as a student meets it: a Voila page behind a hub's address, a real kernel, a real brain."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What Python knows is written back into the page, so that the test asks Python and not the browser.
NOTEBOOK = """
import ipywidgets
from clerkship_widgets import AnatomyRoom
room = AnatomyRoom("brain", height_px=480)
report = ipywidgets.HTML("picked nothing")
report.add_class("report")
def tell(_):
    point = " ".join(f"{mm:.1f}" for mm in room.picked_point_lps_mm)
    report.value = f"picked {room.picked or 'nothing'} at [{point}] hidden {len(room.hidden)}"
room.observe(tell, names=["picked", "picked_point_lps_mm", "hidden"])
display(room, report)
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Voila with one notebook, under a prefix as behind JupyterHub."""
    import nbformat

    from clerkship_widgets.serve import install_static

    folder = tmp_path_factory.mktemp("anatomy")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "room.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/user/alice/"
    install_static(folder)  # this checkout's engine, not one that was installed earlier
    with (folder / "voila.log").open("w") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "voila", str(folder / "room.ipynb")),
                *(
                    "--no-browser",
                    "--Voila.ip=127.0.0.1",
                    f"--port={port}",
                    "--base_url=/user/alice/",
                ),
            ],
            env={
                **os.environ,
                "CLERKSHIP_CACHE": str(folder / "cache"),
                "CLERKSHIP_SELF_STUDY": "1",
                "JUPYTER_PATH": str(folder / "share" / "jupyter"),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: answers(f"{url}voila/static/voila.js"), 60, "Voila answers")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except URLError as refusal:
        return hasattr(refusal, "code")  # any answer will do


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain until {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def traffic() -> dict[str, int]:
    """Bytes over the kernel's websocket, from opening the page to the end of this module."""
    return {"down": 0, "up": 0, "largest": 0}


@pytest.fixture(scope="module")
def outside() -> set[str]:
    """Addresses beyond this machine that the page asked for."""
    return set()


@pytest.fixture(scope="module")
def opened(
    browser: Browser, address: str, traffic: dict[str, int], outside: set[str]
) -> Iterator[Page]:
    """A page with the room in it, shared by the tests that only press its buttons."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    served: list[Any] = []

    def on_socket(connection: Any) -> None:
        def received(data: Any) -> None:
            traffic["down"] += len(data)
            traffic["largest"] = max(traffic["largest"], len(data))

        connection.on("framereceived", received)
        connection.on(
            "framesent", lambda data: traffic.__setitem__("up", traffic["up"] + len(data))
        )

    def on_request(request: Any) -> None:
        if not request.url.startswith(("data:", "blob:", "http://127.0.0.1")):
            outside.add(request.url)

    page.on("websocket", on_socket)
    page.on("request", on_request)
    page.on(
        "response",
        lambda response: served.append(response) if "anatomy_room_engine" in response.url else None,
    )
    open_room(page, address)
    assert any(response.ok for response in served), (
        "the engine comes over HTTP, where the browser keeps it"
    )
    yield page
    context.close()


@pytest.fixture
def room(opened: Page) -> Page:
    """The shared page, with the room as it was at the start."""
    opened.get_by_role("button", name="Reset").click()
    python_says(opened, "picked nothing")
    drawn(opened)
    return opened


def open_room(page: Page, address: str) -> None:
    page.goto(address, timeout=90_000)
    page.wait_for_selector(".ck-anatomy canvas", timeout=90_000)
    page.wait_for_function("document.querySelector('.ck-anatomy-status').hidden", timeout=60_000)
    drawn(page)


def drawn(page: Page) -> None:
    """Wait until the next picture has been drawn and shown."""
    page.evaluate(
        "() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(r, 50))))"
    )


def picture(page: Page) -> np.ndarray:
    """The picture in grey, without its rim, where the letters are."""
    from PIL import Image

    drawn(page)
    shot = Image.open(io.BytesIO(page.locator(".ck-anatomy-host").screenshot()))
    return np.asarray(shot.convert("L"), dtype=np.float64)[36:-36, 36:-36]


def changed(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the pixels that are visibly different."""
    return float((np.abs(before - after) > 12).mean())


def click_the_middle(page: Page, up_px: float = 20.0) -> None:
    box = page.locator(".ck-anatomy canvas").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - up_px)


def python_says(page: Page, pattern: str) -> re.Match[str]:
    """Wait until Python's report matches."""
    text = ""

    def matches() -> bool:
        nonlocal text
        text = page.locator(".report").inner_text()
        return re.search(pattern, text) is not None

    wait_until(matches, 20, f"Python says {pattern!r}")
    found = re.search(pattern, text)
    assert found
    return found


def tick(page: Page, structure: str) -> Any:
    return page.locator(f"li[data-structure={structure}] input")


def row(page: Page, structure: str) -> Any:
    return page.locator(f"li[data-structure={structure}] button")


# -- with a mouse ------------------------------------------------------------------------------


def test_the_picture_is_there_and_its_rim_says_which_way_is_which(room: Page) -> None:
    assert picture(room).std() > 12
    edges = {
        side: room.locator(f".ck-anatomy-edge.ck-{side}").inner_text()
        for side in ("left", "right", "top")
    }
    assert edges == {"left": "A", "right": "P", "top": "S"}


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_a_click_tells_python_the_hemisphere_and_the_place(
    room: Page, side: str, sign: int
) -> None:
    room.get_by_role("button", name=f"View from {side}").click()
    drawn(room)
    click_the_middle(room)
    pin = room.locator(".ck-anatomy-pin:not([hidden])")
    pin.wait_for(state="attached")
    assert "ck-behind" not in pin.get_attribute("class")
    x_lps_mm = float(python_says(room, rf"picked {side}-cerebral-cortex at \[(-?[\d.]+) ")[1])
    assert 40 < sign * x_lps_mm < 75
    assert (
        room.locator(".ck-anatomy-card h4").inner_text() == f"{side.capitalize()} cerebral cortex"
    )


def test_a_click_beside_everything_picks_nothing(room: Page) -> None:
    click_the_middle(room)
    python_says(room, "picked left-cerebral-cortex")
    click_the_middle(room, up_px=225)
    python_says(room, r"picked nothing at \[\]")


def test_a_drag_turns_the_picture_and_picks_nothing(room: Page) -> None:
    before = picture(room)
    box = room.locator(".ck-anatomy canvas").bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    room.mouse.move(*middle)
    room.mouse.down()
    room.mouse.move(middle[0] + 120, middle[1] + 30, steps=4)
    room.mouse.up()
    assert changed(before, picture(room)) > 0.05
    python_says(room, "picked nothing")


def test_the_wheel_scrolls_the_page_until_the_picture_is_clicked(room: Page) -> None:
    before = picture(room)
    box = room.locator(".ck-anatomy canvas").bounding_box()
    assert box
    room.mouse.move(box["x"] + 300, box["y"] + 200)
    room.mouse.wheel(0, 240)
    room.evaluate("window.scrollTo(0, 0)")
    assert changed(before, picture(room)) < 0.01
    click_the_middle(room, up_px=225)  # beside the brain: takes the focus, picks nothing
    room.mouse.wheel(0, 240)
    assert changed(before, picture(room)) > 0.05


def test_what_is_hidden_is_neither_seen_nor_picked_and_undo_brings_it_back(room: Page) -> None:
    before = picture(room)
    tick(room, "left-cerebral-cortex").uncheck()
    assert changed(before, picture(room)) > 0.1
    click_the_middle(room)
    python_says(room, r"picked left-grey-white-boundary .* hidden 5")
    room.get_by_role("button", name="Undo").click()
    python_says(room, "hidden 4")


def test_what_is_faded_shows_what_lies_inside_and_when_faint_is_not_picked(room: Page) -> None:
    row(room, "left-cerebral-cortex").click()
    python_says(room, "picked left-cerebral-cortex")
    before = picture(room)
    room.get_by_label("Opacity").fill("40")
    assert changed(before, picture(room)) > 0.05
    room.get_by_label("Opacity").fill("10")
    drawn(room)
    click_the_middle(room)
    python_says(room, "picked left-grey-white-boundary")


def test_only_this_hides_all_the_rest(room: Page) -> None:
    row(room, "right-cerebral-cortex").click()
    room.get_by_role("button", name="Only this").click()
    python_says(room, "picked right-cerebral-cortex .* hidden 7")
    assert room.locator(".ck-anatomy-list li input:checked").count() == 1


def test_a_graphics_card_that_comes_back_brings_the_picture_back(room: Page) -> None:
    before = picture(room)
    room.evaluate(
        """() => {
          const gl = document.querySelector(".ck-anatomy canvas").getContext("webgl2");
          window.__card = gl.getExtension("WEBGL_lose_context");
          window.__card.loseContext();
        }"""
    )
    room.get_by_text("The graphics card took a break").wait_for()
    room.evaluate("window.__card.restoreContext()")
    room.get_by_text("The graphics card took a break").wait_for(state="hidden")
    wait_until(lambda: changed(before, picture(room)) < 0.01, 20, "the picture is back")


def test_all_this_took_little_traffic_and_reached_nobody_else(
    room: Page, traffic: dict[str, int], outside: set[str]
) -> None:
    assert traffic["down"] < 1_500_000
    assert traffic["largest"] < 500_000
    assert traffic["up"] < 150_000  # meshes are not echoed: only small state goes back
    # Voila 0.5 names one style sheet on a CDN in every page; offline it fails harmlessly.
    assert {url for url in outside if "fontawesome" not in url} == set()


# -- in other ways -----------------------------------------------------------------------------


def test_everything_can_be_done_from_the_keyboard(room: Page) -> None:
    page = room
    before = picture(page)
    page.locator(".ck-anatomy canvas").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert changed(before, picture(page)) > 0.05
    page.keyboard.press("Home")
    assert changed(before, picture(page)) < 0.01

    page.get_by_label("Search structures by English or Latin name").fill("substantia right white")
    visible = page.locator(".ck-anatomy-list li:visible")
    assert visible.all_inner_texts() == ["Right white matter"]
    page.keyboard.press("Tab")  # to the heading's tick
    page.keyboard.press("Tab")  # to the row's tick
    page.keyboard.press("Space")
    page.keyboard.press("Tab")  # to its name
    page.keyboard.press("Enter")
    python_says(page, r"picked right-white-matter at \[\] hidden 3")


def test_without_webgl_the_list_still_teaches(page: Page, address: str) -> None:
    page.add_init_script(
        """const getContext = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...rest);
        };"""
    )
    page.goto(address, timeout=90_000)
    page.get_by_text("This browser cannot draw in 3D").wait_for(timeout=90_000)
    page.locator("li[data-structure=left-white-matter] button").click()
    python_says(page, "picked left-white-matter")
    assert "myelinated" in page.locator(".ck-anatomy-card").inner_text()


def test_a_finger_picks_on_a_phone(browser: Browser, address: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    try:
        open_room(page, address)
        box = page.locator(".ck-anatomy canvas").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        drawn(page)
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - 12)
        python_says(page, "picked left-cerebral-cortex")
        width_px = page.evaluate("document.documentElement.scrollWidth")
        assert width_px <= 390  # nothing sticks out sideways
    finally:
        context.close()
