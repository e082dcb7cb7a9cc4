"""The reading room as a student meets it: a real notebook page, a real kernel, a real radiograph."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from clerkship_cases import open_case, read_seg, read_sr
from clerkship_cases.display import to_grey

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 60_000
RADIUS_PX = 60  # of the region that is drawn
EDGE_PX = 30  # letters and numbers stand this close to the edges of a panel
MODULE = {
    "tasks": {
        name: {
            "kind": "annotate",
            "points": 6,
            "case": "tibia-nof",
            "prompt": "Outline the lesion.",
            "tools": ["region"],
            "labels": ["lesion"],
        }
        for name in ("mark-lesion", "mark-simply")
    }
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Any:
    work = tmp_path_factory.mktemp("reading")
    (work / "module.json").write_text(json.dumps(MODULE))
    site = serve(work)
    for task in MODULE["tasks"]:
        site.notebook(
            task,
            f"from clerkship_widgets import ReadingRoom\nReadingRoom(task={task!r}, height_px=640)",
        )
    return site


def wait_until(true: Callable[[], object], patience_s: float, what: str) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, f"waited {patience_s:.0f} s for {what}"
        time.sleep(0.2)


def run_first_cell(page: Page) -> None:
    """Run the cell as a student does, when the notebook says that its kernel is ready."""
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=PATIENCE_MS)
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")


def open_room(page: Page, painter: str) -> None:
    """Wait until the full image and the expected painter are there."""
    page.wait_for_selector(f".rr[data-painter={painter}]", timeout=PATIENCE_MS)
    page.wait_for_selector('.rr-panel[data-shown="0"]', timeout=PATIENCE_MS)
    page.wait_for_timeout(500)


def pixel_places(page: Page) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """What the panel shows, and at which (row, column) of the image each of its pixels should be.

    The image is fitted into the panel, so its scale follows from the two sizes alone.
    """
    from PIL import Image

    panel = page.locator(".rr-panel")
    box = panel.evaluate(
        "e => { const b = e.getBoundingClientRect(); return [b.width, b.height]; }"
    )
    picture = np.asarray(Image.open(io.BytesIO(panel.screenshot())).convert("L"), dtype=float)
    rows, columns = open_case("tibia-nof").volume.array.shape[1:]
    scale = min(box[0] / columns, box[1] / rows)
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]] + 0.5
    column = (columns - 1) / 2 + (x - box[0] / 2) / scale
    row = (rows - 1) / 2 + (y - box[1] / 2) / scale
    return picture, row, column, scale


def assert_shows_the_reference(page: Page) -> None:
    """Every pixel is the reference rendering, sampled at its place."""
    from scipy.ndimage import map_coordinates

    volume = open_case("tibia-nof").volume
    picture, row, column, scale = pixel_places(page)
    grey = to_grey(volume.array[0], volume.windows[0], inverted=volume.inverted).astype(float)
    # A screen pixel stands for several image pixels; painters differ in how they average them.
    reach = max(1, round(1 / scale))
    expected = map_coordinates(box_mean(grey, reach), [row, column], order=1)
    inside = (row > 8) & (row < grey.shape[0] - 9) & (column > 8) & (column < grey.shape[1] - 9)
    inside[:EDGE_PX] = inside[-EDGE_PX:] = False
    # Both smoothed alike, so that what is compared is the picture and not the averaging.
    difference = np.abs(box_mean(picture, 5) - box_mean(expected, 5))[inside]
    assert inside.mean() > 0.3
    assert picture[inside].std() > 40
    assert difference.mean() < 1.5
    assert np.percentile(difference, 99) < 8


def box_mean(image: np.ndarray, side: int) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(image, side))


def draw_circle(page: Page) -> tuple[np.ndarray, float]:
    """Draw a region with the mouse around the middle of the panel; give its middle and radius in image pixels."""
    panel = page.locator(".rr-panel")
    box = panel.bounding_box()
    assert box is not None
    _, row, column, scale = pixel_places(page)
    cx, cy = box["x"] + box["width"] / 2 + 10, box["y"] + box["height"] / 2 + 40
    panel.focus()
    page.keyboard.press("r")
    turns = np.linspace(0, 2 * np.pi, 49)
    page.mouse.move(cx + RADIUS_PX, cy)
    page.mouse.down()
    for turn in turns[1:]:
        page.mouse.move(cx + RADIUS_PX * np.cos(turn), cy + RADIUS_PX * np.sin(turn))
        page.wait_for_timeout(10)
    page.mouse.up()
    at = int(cy - box["y"]), int(cx - box["x"])
    half = 0.5 / scale  # pixel_places speaks of the middles of screen pixels
    return np.array([column[at] - half, row[at] - half]), RADIUS_PX / scale


def saved(page: Page) -> None:
    page.wait_for_selector(".rr-saved[data-state=saved]", timeout=PATIENCE_MS)


def assert_circle_in_files(site: Any, task: str, middle: np.ndarray, radius: float) -> None:
    """The region is in both standard files, at its place in the patient."""
    case = open_case("tibia-nof")
    (annotation,) = read_sr(site.folder / "answers" / f"{task}.sr.dcm")
    assert (annotation.kind, annotation.label) == ("region", "lesion")
    ijk = case.volume.voxel_from_patient(annotation.points_lps_mm)
    assert len(ijk) > 12
    near = 1.5 * radius / RADIUS_PX  # mouse events come in whole screen pixels
    assert np.allclose(np.hypot(*(ijk[:, :2] - middle).T), radius, atol=near)
    (mask,) = read_seg(site.folder / "answers" / f"{task}.seg.dcm", case).values()
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.02)
    _, rows, columns = np.nonzero(mask)
    assert np.allclose([columns.mean(), rows.mean()], middle, atol=near)


def test_read_mark_reload_restart_in_notebook_7(site: Any, page: Page) -> None:
    seen = {"largest": 0, "engine": 0}

    def watch(socket: Any) -> None:
        socket.on(
            "framereceived", lambda data: seen.update(largest=max(seen["largest"], len(data)))
        )

    page.on("websocket", watch)
    page.on(
        "requestfinished",
        lambda request: seen.update(engine=seen["engine"] + ("reading_room_engine" in request.url)),
    )
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{site.url}notebooks/mark-lesion.ipynb")
    run_first_cell(page)
    open_room(page, "webgl")
    assert seen["largest"] < 2_000_000  # the radiograph, and no four-megabyte script
    assert seen["engine"] == 1
    assert_shows_the_reference(page)

    middle, radius = draw_circle(page)
    saved(page)
    assert "px²" in page.locator(".rr-item").inner_text()
    assert_circle_in_files(site, "mark-lesion", middle, radius)

    # A reload keeps the kernel: the same room, with its marks, is shown again.
    page.keyboard.press("Control+s")  # reaches the notebook, unlike the room's own keys
    notebook = site.folder / "mark-lesion.ipynb"
    wait_until(lambda: "widget-view" in notebook.read_text(), 30, "the notebook to be saved")
    page.reload()
    open_room(page, "webgl")
    assert page.locator(".rr-item").count() == 1

    # A restart loses everything in memory: the marks come back from the files.
    (kernel,) = site.api("kernels")
    site.api(f"kernels/{kernel['id']}/restart", "POST")
    page.reload()
    run_first_cell(page)
    page.wait_for_selector(".rr-saved[data-state=loaded]", timeout=PATIENCE_MS)
    open_room(page, "webgl")
    assert page.locator(".rr-item").count() == 1
    assert_circle_in_files(site, "mark-lesion", middle, radius)


def test_without_webgl_the_simple_display_reads_and_marks(
    site: Any, browser: Browser, chromium_path: str
) -> None:
    flags = [
        "--disable-gpu",
        "--disable-3d-apis",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    plain = browser.browser_type.launch(executable_path=chromium_path, args=flags)
    try:
        page = plain.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{site.url}voila/render/mark-simply.ipynb")
        open_room(page, "canvas")
        assert "Simple display" in page.locator(".rr-bl").inner_text()
        assert_shows_the_reference(page)
        middle, radius = draw_circle(page)
        saved(page)
    finally:
        plain.close()
    assert_circle_in_files(site, "mark-simply", middle, radius)
