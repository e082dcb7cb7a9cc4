"""A running Clerkship, and the few gestures that every journey makes in it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as TookTooLong

ROOT = Path(__file__).resolve().parents[2]
COURSE = "imaging-foundations"
START_S = 240
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"  # Lab opens again what was open the last time
SLOW_MS = 90_000  # two busy cores, software WebGL


@dataclass(frozen=True)
class House:
    """What `./clerkship up` said when it was ready."""

    url: str
    home: Path
    passwords: dict[str, str]

    def work(self, student: str, module: str) -> Path:
        """Return the folder in which a student works on a module."""
        return self.home / "users" / student / COURSE / module

    def sign_in(self, browser: Browser, name: str) -> Page:
        """Sign in by the form, as a person does, and return the start page."""
        context: BrowserContext = browser.new_context(viewport={"width": 1400, "height": 1000})
        context.set_default_timeout(SLOW_MS)
        page = context.new_page()
        page.goto(f"{self.url}hub/login")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", self.passwords[name])
        page.click("#login_submit")
        page.wait_for_selector(".clk")
        return page


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, *more: str) -> tuple[subprocess.Popen[str], House]:
    """Run `./clerkship up` and wait for its word that it is running."""
    port = free_port()
    log = home.with_suffix(".log")
    command = [str(ROOT / "clerkship"), "up", "--port", str(port), "--home", str(home), *more]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + START_S
    while "is running" not in log.read_text():
        assert process.poll() is None, f"up ended with {process.returncode}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"up took more than {START_S} s:\n{log.read_text()}"
        time.sleep(0.5)
    said = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
    assert said, log.read_text()
    passwords = json.loads((home / "state" / "passwords.json").read_text())
    return process, House(said[0], home, passwords)


def stop(process: subprocess.Popen[str]) -> int:
    """Press Ctrl-C and wait."""
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=90)


def open_module(page: Page, number: int) -> None:
    """Open a module from the start page and wait until its notebook is there."""
    page.locator("a.go").nth(number).click()
    wait_for_kernel(page)


def wait_for_kernel(page: Page) -> None:
    """Wait until the notebook is shown, and its kernel is there and has nothing to do.

    The toolbar's own mark says "idle" before there is a kernel; running cells then asks for one.
    """
    page.wait_for_selector(f"{FRONT} .jp-Cell")
    page.locator("#jp-bottom-panel", has_text="Python 3 (ipykernel) | Idle").wait_for()


def run_all(page: Page) -> None:
    """Run all cells, and wait until the kernel has done them."""
    menu(page, "Run", "Run All Cells")
    with contextlib.suppress(TookTooLong):  # a quick run may be over before we look
        page.locator("#jp-bottom-panel", has_text="| Busy").wait_for(timeout=5000)
    wait_for_kernel(page)
    page.wait_for_timeout(2000)  # the widgets take their place and push the page about


def menu(page: Page, name: str, entry: str) -> None:
    """Choose an entry of JupyterLab's menu."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{name}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{entry}$")).click()


def reveal(page: Page, source: str) -> None:
    """Scroll the notebook until the code cell that holds `source` is on the screen.

    JupyterLab keeps only the cells near the screen in the page, so a cell is found by going past.
    """
    scroller = page.locator(f"{FRONT} .jp-WindowedPanel-outer")
    scroller.evaluate("e => { e.scrollTop = 0 }")
    cell = page.locator(f"{FRONT} .jp-CodeCell", has=page.locator(".jp-InputArea", has_text=source))
    for _ in range(80):
        if cell.count() and cell.first.is_visible():
            cell.first.scroll_into_view_if_needed()
            cell.first.evaluate("e => e.scrollIntoView({block: 'start'})")
            return
        scroller.evaluate("e => { e.scrollTop += 500 }")
        page.wait_for_timeout(150)
    raise AssertionError(f"no code cell holds {source!r}")


def reveal_output(page: Page, source: str, selector: str) -> None:
    """Scroll to the cell that holds `source`, until its output shows `selector`.

    Outputs further up may still grow and push the cell out of sight: then we scroll again.
    """
    for _ in range(6):
        reveal(page, source)
        with contextlib.suppress(TookTooLong):
            page.locator(selector).first.wait_for(timeout=SLOW_MS / 6)
            return
    raise AssertionError(f"the cell with {source!r} never showed {selector}")


def draw_region(
    page: Page, room: str, shape: tuple[int, int], points_px: Sequence[tuple[float, float]]
) -> None:
    """Outline a region with the mouse: press, drag along the line, let go.

    `shape` is (rows, columns) of the image that fills the room's panel; points are (column, row).
    """
    page.locator(f"{room} button[data-tool=region]").click()
    left, top, scale = image_on_screen(page, room, shape)
    screen = [(left + (x + 0.5) * scale, top + (y + 0.5) * scale) for x, y in points_px]
    page.mouse.move(*screen[0])
    page.mouse.down()
    for point in [*screen[1:], screen[0]]:
        page.mouse.move(*point, steps=3)
    page.mouse.up()


def image_on_screen(page: Page, room: str, shape: tuple[int, int]) -> tuple[float, float, float]:
    """Return left and top of the image on the screen, and screen pixels per image pixel."""
    panel = page.locator(f"{room} .rr-panel").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box
    rows, columns = shape
    scale = min(box["width"] / columns, box["height"] / rows)
    left = box["x"] + (box["width"] - columns * scale) / 2
    top = box["y"] + (box["height"] - rows * scale) / 2
    return left, top, scale


def confirm(grader: Page) -> None:
    """Wait for the formgrader's word of success, and close it."""
    box = grader.locator(".modal.in")
    expect(box.locator(".modal-title")).to_have_text("Success", timeout=SLOW_MS)
    box.get_by_role("button", name="OK").click()
    expect(grader.locator(".modal-backdrop")).to_have_count(0)


def submit(page: Page, module: str) -> None:
    """Save the notebook and hand it in from JupyterLab's assignment list."""
    menu(page, "File", "Save Notebook")
    menu(page, "Nbgrader", "Assignment List")
    row = page.locator("#nbgrader-assignment-list .list_item", has_text=module)
    row.get_by_role("button", name="Submit").click()
    expect(page.locator("#submitted_assignments_list")).to_contain_text(module)


def spread_of_canvas(page: Page, selector: str) -> float:
    """Return the standard deviation of the grey values of what is shown: 0 for a blank picture."""
    import io

    import numpy as np
    from PIL import Image

    picture = Image.open(io.BytesIO(page.locator(selector).first.screenshot())).convert("L")
    grey = np.asarray(picture, dtype=float)
    return float(grey[20:-20, 20:-20].std())
