"""From a radiograph to a grade: two students, one teacher, one lesion."""

from __future__ import annotations

import io
import re
from urllib.parse import quote

import numpy as np
import pytest
from house import (
    COURSE,
    FRONT,
    ROOT,
    House,
    confirm,
    draw_region,
    image_on_screen,
    menu,
    open_module,
    reveal_output,
    run_all,
    submit,
    wait_for_kernel,
)
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from clerkship_cases import open_case, read_seg, read_sr
from clerkship_cases.display import to_grey
from clerkship_cases.key import open_key

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.slow]

MODULE = "bone-and-joint"
TASK = f"{FRONT} .rr:has(.rr-prompt)"  # the one reading room of this module that is a task


SHAPE = (1760, 1760)


def work_through(page: Page) -> None:
    """Run all cells and go to the task; the stubs of the code task fail, as they should."""
    run_all(page)
    reveal_output(page, 'ReadingRoom(task="mark-lesion")', f"{TASK} .rr-panel[data-shown='0']")


def lesion_px() -> np.ndarray:
    """Return the reference outline as (column, row) of the uncalibrated radiograph."""
    reference = open_key("tibia-nof").findings[0].annotation
    return np.asarray(reference.points_lps_mm)[:, :2]


def test_a_student_reads_marks_and_hands_in(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "student1")
    open_module(page, 1)
    work_through(page)

    # what is shown is what the file says, through the default window
    page.wait_for_selector(f"{TASK} .rr-panel[data-shown='0']")
    page.wait_for_timeout(1500)
    left, top, scale = image_on_screen(page, TASK, SHAPE)
    middle = {
        "x": left + 600 * scale,
        "y": top + 300 * scale,
        "width": 560 * scale,
        "height": 560 * scale,
    }
    shown = np.asarray(
        Image.open(io.BytesIO(page.screenshot(clip=middle))).convert("L"), dtype=float
    )
    volume = open_case("tibia-nof").volume
    grey = to_grey(volume.array[0], volume.windows[0], inverted=volume.inverted)
    part = Image.fromarray(grey[300:860, 600:1160]).resize(shown.shape[::-1], Image.Resampling.BOX)
    assert np.abs(shown - np.asarray(part, dtype=float)).mean() < 6
    assert np.corrcoef(shown.ravel(), np.asarray(part, dtype=float).ravel())[0, 1] > 0.98

    # a region drawn with the mouse is a region in the files
    draw_region(page, TASK, SHAPE, lesion_px().tolist())
    expect(page.locator(f"{TASK} .rr-saved")).to_contain_text("Saved")
    folder = house.work("student1", MODULE) / "answers"
    case = open_case("tibia-nof")
    (mark,) = read_sr(folder / "mark-lesion.sr.dcm", case)
    assert (mark.kind, mark.label) == ("region", "lesion")
    (mask,) = read_seg(folder / "mark-lesion.seg.dcm", case).values()
    rows, columns = np.nonzero(mask[0])
    assert abs(columns.mean() - lesion_px()[:, 0].mean()) < 15
    assert abs(rows.mean() - lesion_px()[:, 1].mean()) < 15

    # it is there again after a reload of the page, and after a new kernel
    for restart in (False, True):
        if restart:
            menu(page, "Kernel", "Restart Kernel…")
            page.locator(".jp-Dialog button.jp-mod-accept").click()
            page.wait_for_timeout(2000)
        else:
            page.reload()
        wait_for_kernel(page)
        work_through(page)
        expect(page.locator(f"{TASK} .rr-list li")).to_have_count(1)

    submit(page, MODULE)
    page.context.close()


def test_another_student_hands_in_a_blank(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "student2")
    open_module(page, 1)
    submit(page, MODULE)
    page.context.close()


def test_a_student_may_not_grade(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "student1")
    answer = page.goto(f"{house.url}services/{COURSE}/formgrader")
    assert answer
    assert answer.status == 403
    expect(page.locator("body")).not_to_contain_text("Manage Assignments")
    page.context.close()


def test_the_teacher_grades(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "teacher1")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("^Grade")).first.click()
    grader = opened.value
    module = grader.locator("tr", has_text=MODULE)
    module.locator(".collect a").click()
    confirm(grader)
    expect(module.locator(".num-submissions")).to_have_text("2")

    grader.goto(f"{house.url}services/{COURSE}/formgrader/manage_submissions/{MODULE}")
    for student in ("student1", "student2"):
        line = grader.locator("tr", has_text=student)
        line.locator(".autograde a").click()
        confirm(grader)
    expect(grader.locator("tr", has_text="student2").locator(".score")).to_have_text("0 / 19")
    marked = grader.locator("tr", has_text="student1")
    expect(marked.locator(".score")).to_have_text(
        re.compile(r"^6(\.\d+)? / 19$")
    )  # the outline alone

    # one task is marked by hand
    grader.goto(f"{house.url}services/{COURSE}/formgrader/gradebook/{MODULE}/{MODULE}")
    grader.locator("tbody tr", has_text="Submission").filter(has_text="6").locator(
        "a"
    ).first.click()
    box = grader.locator("input.score#impression, .score#impression")
    grader.wait_for_load_state("networkidle")  # the page asks for the grades, then listens
    box.fill("2.5")
    with grader.expect_response(lambda answer: "/api/grade/" in answer.url and answer.ok):
        box.press("Tab")

    grader.goto(f"{house.url}services/{COURSE}/formgrader")
    for act in ("generate-feedback", "release-feedback"):
        module.locator(f".{act} a").click()
        confirm(grader)
    page.context.close()


@pytest.mark.parametrize(("student", "points"), [("student1", "8.5"), ("student2", "0")])
def test_each_student_reads_the_feedback(
    browser: Browser, house: House, student: str, points: str
) -> None:
    page = house.sign_in(browser, student)
    open_module(page, 1)
    menu(page, "Nbgrader", "Assignment List")
    row = page.locator("#submitted_assignments_list")
    row.get_by_role("button", name="Fetch Feedback").click()
    expect(row).to_contain_text("view feedback")

    (file,) = (house.work(student, MODULE) / "feedback").rglob("*.html")
    page.goto(
        f"{house.url}user/{student}/files/{quote(str(file.relative_to(house.home / 'users' / student)))}"
    )
    text = page.locator("body").inner_text()
    assert re.search(rf"\b{re.escape(points)}\b", text)
    assert "19" in text
    for secret in (
        "HIDDEN TESTS",
        "flat = np.full",
        "Traceback",
        "scalloped, margin",
        str(house.home),
        str(ROOT),
    ):
        assert secret not in page.content()
    page.context.close()
