"""Make the pictures of the README from the running system: `.venv/bin/python docs/screenshots.py`.

Starts a Clerkship of its own, works in it as a student and a teacher do, and takes a picture of each main view.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEBGL = [
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
PICTURES = Path(__file__).parent / "screenshots"
sys.path[:0] = [str(ROOT / "tests" / "journeys")]

from house import (
    COURSE,
    FRONT,
    House,
    draw_region,
    open_module,
    reveal_output,
    run_all,
    start,
    stop,
    submit,
)
from playwright.sync_api import Browser, Page, sync_playwright
from test_journey_case import MODULE, SHAPE, TASK, lesion_px

from clerkship_hub import Formgrader, Visitor


def picture(page: Page, name: str, selector: str | None = None) -> None:
    """Save what is on the screen, or one part of it."""
    page.wait_for_timeout(2500)
    (page.locator(selector).first if selector else page).screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


def of_a_student(browser: Browser, house: House) -> None:
    """Picture both rooms and a module, and hand something in."""
    page = house.sign_in(browser, "student1")
    picture(page, "start")
    open_module(page, 0)
    run_all(page)
    reveal_output(page, "AnatomyRoom(", f"{FRONT} .ck-anatomy-host canvas")
    page.wait_for_timeout(3000)
    box = page.locator(f"{FRONT} .ck-anatomy-host canvas").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.42)
    picture(page, "anatomy-room", f"{FRONT} .jp-OutputArea-output:has(.ck-anatomy-host)")
    reveal_output(page, 'ReadingRoom("brain-mni152"', f"{FRONT} .rr-plane-axial canvas")
    picture(page, "three-planes", f"{FRONT} .jp-OutputArea-output:has(.rr-plane-axial)")
    open_start(page, house)
    open_module(page, 1)
    run_all(page)
    reveal_output(page, 'ReadingRoom(task="mark-lesion")', f"{TASK} .rr-panel[data-shown='0']")
    draw_region(page, TASK, SHAPE, lesion_px().tolist())
    page.wait_for_selector(f"{TASK} .rr-saved[data-state=saved]")
    picture(page, "reading-room", f"{FRONT} .jp-OutputArea-output:has(.rr-prompt)")
    reveal_output(page, 'Commit("which-side")', f"{FRONT} .ck-form")
    picture(page, "module")
    submit(page, MODULE)
    page.context.close()


def open_start(page: Page, house: House) -> None:
    page.goto(f"{house.url}hub/home")
    page.wait_for_selector("a.go")


def of_a_teacher(browser: Browser, house: House) -> None:
    """Grade what was handed in, and picture the grading and the feedback."""
    teacher = Visitor(house.url, "teacher1", house.passwords["teacher1"])
    teacher.sign_in()
    formgrader = Formgrader(teacher, COURSE)
    formgrader.open()
    formgrader.collect(MODULE)
    formgrader.autograde(MODULE, "student1")
    formgrader.mark(
        MODULE,
        "student1",
        "impression",
        3.0,
        "Clear and short. What should the family look out for?",
    )
    formgrader.give_feedback(MODULE)
    page = house.sign_in(browser, "teacher1")
    page.goto(f"{house.url}services/{COURSE}/formgrader/manage_submissions/{MODULE}")
    page.wait_for_selector("tbody tr")
    picture(page, "grading")
    (feedback,) = (house.home / "courses" / COURSE / "feedback" / "student1" / MODULE).glob(
        "*.html"
    )
    page.goto(feedback.as_uri())
    picture(page, "feedback")
    page.context.close()


def main() -> None:
    """Make all pictures."""
    chromium_path = shutil.which("chromium")
    assert chromium_path, "install chromium first"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        process, house = start(Path(folder) / "home")
        try:
            browser = playwright.chromium.launch(executable_path=chromium_path, args=WEBGL)
            of_a_student(browser, house)
            of_a_teacher(browser, house)
            browser.close()
        finally:
            stop(process)


if __name__ == "__main__":
    main()
