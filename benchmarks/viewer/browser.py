"""Opens a page in a fresh browser profile and waits until an image is really to be seen."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from report import BenchmarkError

if TYPE_CHECKING:
    from playwright.sync_api import BrowserType, Page

FLAGS = [
    "--use-gl=angle",
    "--use-angle=swiftshader",  # WebGL2 without a graphics card
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
PATIENCE_S = 120
LOOK_EVERY_S = 0.1
RIM_PX = 20
VISIBLE_SD = 12.0
"""Grey levels.  A blank canvas, or one with a label on it, stays below; an image is above."""


class NoImageError(BenchmarkError):
    """A page showed nothing within the patience of a benchmark."""


@dataclass(frozen=True)
class Visit:
    """One page load: time until the first image, and what travelled until then."""

    seconds: float
    websocket_mb: float
    http_mb: float


def visit(chromium: BrowserType, executable: str, url: str) -> Visit:
    """Open a page in a new browser, with an empty cache, and measure it.

    Raises
    ------
    NoImageError
        If none appears.
    """
    browser = chromium.launch(executable_path=executable, args=FLAGS)
    try:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        travelled = {"websocket": 0, "http": 0}
        page.on("websocket", lambda socket: _count_frames(socket, travelled))
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on(
            "Network.loadingFinished",
            lambda event: _add(travelled, "http", event["encodedDataLength"]),
        )
        start = time.perf_counter()
        page.goto(url, wait_until="commit")
        while (contrast := _contrast(page)) is None or contrast < VISIBLE_SD:
            if time.perf_counter() - start > PATIENCE_S:
                what = "no canvas" if contrast is None else f"a canvas of contrast {contrast:.1f}"
                raise NoImageError(f"{url}: no image within {PATIENCE_S} s ({what})")
            page.wait_for_timeout(LOOK_EVERY_S * 1000)
        seen = Visit(
            time.perf_counter() - start, travelled["websocket"] / 1e6, travelled["http"] / 1e6
        )
        page.goto("about:blank")  # leaves properly, so that Voila ends the kernel
        return seen
    finally:
        browser.close()


def _count_frames(socket: Any, travelled: dict[str, float]) -> None:
    for event in ("framereceived", "framesent"):
        socket.on(event, lambda data: _add(travelled, "websocket", len(data)))


def _add(travelled: dict[str, float], key: str, amount: float) -> None:
    travelled[key] += amount


def _contrast(page: Page) -> float | None:
    """Return the spread of grey levels in the largest canvas, as photographed from the screen."""
    box = page.evaluate(
        """() => {
          const boxes = [...document.querySelectorAll("canvas")].map((canvas) => canvas.getBoundingClientRect())
            .filter((box) => box.width > 200 && box.height > 200 && getComputedStyle(document.body).display !== "none");
          boxes.sort((a, b) => b.width * b.height - a.width * a.height);
          const box = boxes[0];
          return box && { x: box.x, y: box.y, width: box.width, height: box.height };
        }"""
    )
    if not box:
        return None
    import numpy as np
    from PIL import Image

    clip = {
        "x": max(box["x"], 0) + RIM_PX,
        "y": max(box["y"], 0) + RIM_PX,
        "width": box["width"] - 2 * RIM_PX,
        "height": box["height"] - 2 * RIM_PX,
    }
    picture = page.screenshot(clip=clip, type="png")
    grey = np.asarray(Image.open(io.BytesIO(picture)).convert("L"), dtype=float)
    return float(grey.std())
