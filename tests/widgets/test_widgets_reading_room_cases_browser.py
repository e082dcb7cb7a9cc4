"""The reading room with cases that were added: a colour cine, a large series, references, a finger."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from clerkship_cases import open_case

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 60_000
FRAMES = 30


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., Any],
    added_library: Path,
    add_case: Any,
) -> Iterator[Any]:
    """A teacher's server with cases and keys of its own."""
    # Not the names of other modules: the library is the session's.
    add_case("heart-cine", [Path(get_testdata_file("examples_ybr_color.dcm"))], modality="US")
    keys = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLERKSHIP_LIBRARY", str(added_library))
        patch.setenv("CLERKSHIP_KEYS", str(keys))
        yield serve(tmp_path_factory.mktemp("cases"))


@pytest.fixture(autouse=True)
def _few_kernels(site: Any) -> Iterator[None]:
    yield
    site.shut_down_kernels()


def open_room(site: Any, page: Page, name: str, case: str, *cells: str) -> Locator:
    """Open a room in a notebook of its own and wait for the full viewer."""
    code = f"from clerkship_widgets import ReadingRoom\nroom = ReadingRoom({case!r}, height_px=560)\nroom"
    site.open_and_run(page, site.notebook(name, code, *cells))
    # Whatever comes first: the room, or words that say why there is none.
    page.wait_for_selector(
        ".rr[data-painter], .rr-closed, .jp-OutputArea [data-mime-type*=err]", timeout=PATIENCE_MS
    )
    said = page.locator(".jp-OutputArea").first.inner_text()
    assert page.locator(".rr[data-painter=webgl]").count() == 1, said
    page.wait_for_timeout(600)
    return page.locator(".rr-panel").first


def shown(panel: Locator) -> int:
    return int(panel.get_attribute("data-shown") or -1)


def picture(panel: Locator) -> np.ndarray:
    """What the panel shows: [row, column, 3]."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(panel.screenshot())).convert("RGB"), dtype=float)


def expected(frame: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The frame fitted into a panel of this size, and where it can be compared."""
    from scipy.ndimage import map_coordinates

    rows, columns = frame.shape[:2]
    height, width = shape[:2]
    scale = min(width / columns, height / rows)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    row, column = (
        (rows - 1) / 2 + (y - height / 2) / scale,
        (columns - 1) / 2 + (x - width / 2) / scale,
    )
    colours = [
        map_coordinates(frame[..., c].astype(float), [row, column], order=1) for c in range(3)
    ]
    inside = (row > 1) & (row < rows - 2) & (column > 1) & (column < columns - 2)
    inside[:30] = inside[-30:] = False  # words stand along the edges
    return np.stack(colours, axis=2), inside


def drag(
    page: Page, panel: Locator, key: str, start: tuple[float, float], by: tuple[float, float]
) -> None:
    """Draw with a tool from a place in the panel, in parts of its size."""
    box = panel.bounding_box()
    assert box is not None
    x, y = box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"]
    panel.focus()
    page.keyboard.press(key)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=6)
    page.mouse.up()


def test_a_colour_cine_plays_stops_and_is_marked(site: Any, page: Page) -> None:
    panel = open_room(site, page, "cine", "heart-cine")
    volume = open_case("heart-cine").volume

    # Both painters show the colours of the file: the canvas while it moves, WebGL when it stands.
    wanted, inside = expected(volume.array[shown(panel)], picture(panel).shape)
    assert np.abs(picture(panel) - wanted)[inside].mean() < 2
    assert page.locator(".rr-presets").count() == 0
    assert page.locator('[data-tool="window"]').count() == 0
    panel.focus()
    page.keyboard.press("w")
    assert "no window to set" in page.locator(".rr-message").inner_text()

    panel.focus()
    page.keyboard.press("Space")
    seen = {shown(panel)}
    for _ in range(20):
        page.wait_for_timeout(150)
        seen.add(shown(panel))
    assert len(seen) > 5
    page.keyboard.press("Space")
    page.wait_for_timeout(800)
    frame = shown(panel)
    page.wait_for_timeout(500)
    assert shown(panel) == frame
    assert f"frame {frame + 1} / {FRAMES}" in panel.inner_text()
    wanted, inside = expected(volume.array[frame], picture(panel).shape)
    assert np.abs(picture(panel) - wanted)[inside].mean() < 2

    drag(page, panel, "l", (0.4, 0.5), (120, 0))
    page.wait_for_selector(".rr-item .rr-line")
    box = panel.bounding_box()
    assert box is not None
    scale = min(box["width"] / volume.array.shape[2], box["height"] / volume.array.shape[1])
    length = float(page.locator(".rr-item .rr-line").inner_text().removesuffix(" px"))
    assert length == pytest.approx(120 / scale, abs=1 / scale)
    assert page.locator(".rr-cornerstone svg line").count() >= 1
    panel.focus()
    page.keyboard.press("ArrowDown")  # the mark stays on its frame
    page.wait_for_timeout(600)
    assert page.locator(".rr-cornerstone svg line").count() == 0


def test_who_asked_for_less_motion_gets_one_run(site: Any, browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        panel = open_room(site, page, "calm", "heart-cine")
        page.get_by_role("button", name="Play").click()
        page.get_by_role("button", name="Pause").wait_for(timeout=5000)
        page.get_by_role("button", name="Play").wait_for(timeout=30_000)
        assert shown(panel) == FRAMES - 1
    finally:
        context.close()


def test_two_quick_clicks_are_two_points(site: Any, page: Page) -> None:
    panel = open_room(site, page, "points", "heart-cine")
    box = panel.bounding_box()
    assert box is not None
    panel.focus()
    page.keyboard.press("d")
    for part in (0.4, 0.6):
        page.mouse.click(box["x"] + part * box["width"], box["y"] + 0.5 * box["height"])
        page.wait_for_timeout(120)
    page.wait_for_timeout(800)
    assert page.locator(".rr-item").count() == 2


def test_a_finger_leafs_and_two_fingers_zoom(site: Any, browser: Browser) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 900, "height": 1000})
    try:
        page = context.new_page()
        panel = open_room(site, page, "touch", "heart-cine")
        box = panel.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        touch = context.new_cdp_session(page)

        def fingers(kind: str, *places: tuple[float, float]) -> None:
            points = [{"x": px, "y": py, "id": n} for n, (px, py) in enumerate(places)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            page.wait_for_timeout(30)

        before = shown(panel)
        fingers("touchStart", (x, y))
        for step in range(1, 9):
            fingers("touchMove", (x, y + 15 * step))
        fingers("touchEnd")
        page.wait_for_timeout(600)
        assert shown(panel) > before + 2

        before = shown(panel)
        fingers("touchStart", (x - 40, y), (x + 40, y))
        for step in range(1, 9):
            fingers("touchMove", (x - 40 - 10 * step, y), (x + 40 + 10 * step, y))
        fingers("touchEnd")
        page.wait_for_timeout(600)
        assert shown(panel) == before
        assert panel.locator(".rr-br").inner_text() == "3.0×"  # 80 px apart at first, 240 at last
    finally:
        context.close()


def test_a_teacher_draws_a_reference_and_sees_where_another_reader_differs(
    site: Any, page: Page
) -> None:
    words = "title='A place to try this out', who='author', how='by hand', reviewed='none'"
    panel = open_room(
        site,
        page,
        "reference",
        "bone-scan",
        f"room.save_reference(name='place', reader='reader-a', {words})",
        "first = room.annotations[0]\n"
        "room.delete(first.uid)\n"
        "from clerkship_cases import Annotation\n"
        "room.annotate(Annotation.new('ellipse', [(x + 12, y, z) for x, y, z in first.points_lps_mm]))\n"
        f"room.save_reference(name='place', reader='reader-b', {words})\n"
        "room.show_reference('place')",
    )
    drag(page, panel, "e", (0.5, 0.4), (40, 60))
    page.wait_for_selector(".rr-item")
    for cell in (1, 2):
        site.run_cell(page, cell)
        page.locator(".jp-InputPrompt", has_text=f"[{cell + 1}]:").wait_for(timeout=PATIENCE_MS)
    legend = page.locator(".rr-legend")
    legend.wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(1500)
    said = legend.inner_text()
    assert "reader-a" in said
    assert "reader-b" in said
    assert "overlap 0." in said
    dashes = page.locator(".rr-reference path").evaluate_all(
        "paths => paths.map((path) => path.getAttribute('stroke-dasharray'))"
    )
    assert len(set(dashes)) == 2  # told apart without colour, too
    tinted = page.locator(".rr-overlay canvas").evaluate(
        """canvas => { const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                       let n = 0; for (let k = 3; k < data.length; k += 4) n += data[k] > 0; return n; }"""
    )
    assert tinted > 200


def test_a_room_opens_as_soon_as_its_images_have_come(
    site: Any, page: Page, added_library: Path, add_case: Any
) -> None:
    add_case("late-case", [Path(get_testdata_file("examples_rgb_color.dcm"))], modality="US")
    (image,) = (added_library / "cases" / "late-case" / "images").iterdir()
    aside = image.with_suffix(".aside")
    image.rename(aside)
    code = "from clerkship_widgets import ReadingRoom\nReadingRoom('late-case')"
    site.open_and_run(page, site.notebook("late", code))
    card = page.locator(".rr-closed")
    card.wait_for(timeout=PATIENCE_MS)
    assert "Late case" in card.inner_text()
    assert "Traceback" not in page.locator("body").inner_text()
    aside.rename(image)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector('.rr-panel[data-shown="0"]', timeout=PATIENCE_MS)


def test_a_series_of_384_slices_is_read_in_three_planes(
    site: Any, page: Page, test_data: Path, add_case: Any, tmp_path: Path
) -> None:
    (archive,) = (test_data / "studyforrest-t1").glob("*.zip")
    with zipfile.ZipFile(archive) as zipped:
        names = [name for name in zipped.namelist() if name.endswith(".dcm")]
        files = [Path(zipped.extract(name, tmp_path)) for name in names]
    add_case("brain-384", files, modality="MR")
    largest = {"bytes": 0}
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived", lambda data: largest.update(bytes=max(largest["bytes"], len(data)))
        ),
    )
    open_room(site, page, "large", "brain-384")
    assert page.locator(".rr-panel").count() == 3
    assert largest["bytes"] < 10_000_000

    axial = page.locator(".rr-plane-axial")
    box = axial.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = shown(axial)
    for _ in range(40):
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(25)
    page.wait_for_function(
        "wanted => document.querySelector('.rr-plane-axial').dataset.shown === String(wanted)",
        arg=before + 40,
        timeout=15_000,
    )
    # A click moves the other two planes to the same place in the patient.
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6)
    page.wait_for_timeout(1500)
    for name in ("coronal", "sagittal"):
        other = page.locator(f".rr-plane-{name}")
        assert picture(other).std() > 12
        assert shown(other) != int(other.locator(".rr-tr").inner_text().split("/")[1]) // 2
