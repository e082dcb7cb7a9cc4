"""From the hospital's archive to a student's score: a study is brought in, marked, taught and read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import (
    FRONT,
    ROOT,
    House,
    confirm,
    draw_region,
    open_module,
    reveal_output,
    run_all,
    start,
    stop,
    submit,
    wait_for_kernel,
)
from playwright.sync_api import Browser, expect
from pydicom import dcmread
from pydicom.dataset import Dataset

sys.path.insert(0, str(Path(__file__).parents[1]))
import orthanc

pytestmark = [pytest.mark.browser, pytest.mark.hub, pytest.mark.slow]

COURSES = Path(__file__).parent
COURSE, MODULE, CASE = "hospital-course", "liver", "hospital-liver"
#: What a hospital writes into its files, and nobody outside may read.
NAME, NUMBER, DOCTOR, PLACE = "Ngugi^Wanjiru", "MRN-4471-203", "Odhiambo^Achieng", "Kisumu Lakeside"
#: A closed line inside the liver, which fills the left of these slices (CT of dcmqi): column, row.
OUTLINE_PX = [(120, 190), (190, 170), (230, 230), (220, 310), (160, 340), (110, 280)]
SHAPE = (512, 512)
ROOM = f"{FRONT} .rr"
DRAFT = """
title: CT of the upper abdomen
body_part: Liver
view: Axial
history: None is given.
objectives: [Find the liver on an axial CT slice]
difficulty: introductory
licence: BSD-3-Clause
licence_code: BSD-3-Clause
attribution: QIICR, dcmqi project
said_by: metadata
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place for added cases, of which everything started here knows."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLERKSHIP_LIBRARY", str(folder))
        patch.setenv("CLERKSHIP_PACS_USER", orthanc.USER)
        patch.setenv("CLERKSHIP_PACS_PASSWORD", orthanc.PASSWORD)
        yield folder


@pytest.fixture(scope="module")
def hospital(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The hospital's archive with one CT, as its scanner named it; yields the study's address."""
    if reason := orthanc.reason_to_skip():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hospital")
    files = []
    for path in sorted((test_data / "dcmqi-ct3-liver-seg").rglob("*.dcm")):
        image = dcmread(path)
        if image.Modality == "CT":
            files.append(folder / path.name)
            name_everybody(image)
            image.save_as(files[-1])
    assert len(files) == 3
    (folder / "pacs").mkdir()
    with orthanc.running(folder / "pacs") as pacs:
        pacs.store(files)
        yield f"{pacs.dicomweb}/studies/{image.StudyInstanceUID}"


def name_everybody(image: Dataset) -> None:
    image.PatientName, image.PatientID = NAME, NUMBER
    image.ReferringPhysicianName, image.InstitutionName = DOCTOR, PLACE
    image.StudyDescription = f"CT abdomen for {DOCTOR}"


def clerkship(*arguments: str | Path) -> str:
    finished = subprocess.run(
        [ROOT / "clerkship", *arguments], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def case(hospital: str, library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as a case of this machine."""
    draft = tmp_path_factory.mktemp("draft") / "draft.yml"
    draft.write_text(DRAFT, encoding="utf-8")
    clerkship("cases", "add", hospital, "--id", CASE, "--describe", draft)
    return library / "cases" / CASE


def test_the_case_names_nobody(case: Path) -> None:
    records = {record["id"]: record for record in json.loads(clerkship("cases", "list", "--json"))}
    assert records[CASE]["source"]["kind"] == "folder"
    files = [path for path in case.rglob("*") if path.is_file()]
    assert sum(path.suffix == ".dcm" for path in files) == 3
    for path in files:
        content = path.read_bytes().lower()
        for word in re.findall(r"\w{4,}", f"{NAME} {NUMBER} {DOCTOR} {PLACE}".lower()):
            assert word.encode() not in content, f"{word} in {path.name}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("house") / "home"


def test_a_teacher_draws_the_reference(
    browser: Browser, chromium_path: str, case: Path, home: Path, library: Path
) -> None:
    process, house = start(home)
    try:
        notebook = {
            "cells": [cell("room = ReadingRoom('hospital-liver')\nroom"), cell(SAVE)],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        notebook["cells"][0]["source"] = (
            "from clerkship_widgets import ReadingRoom\n" + notebook["cells"][0]["source"]
        )
        page = house.sign_in(browser, "teacher1")
        (home / "users" / "teacher1" / "reference.ipynb").write_text(json.dumps(notebook))
        page.goto(f"{house.url}hub/user-redirect/lab/tree/reference.ipynb")
        wait_for_kernel(page)
        page.locator(f"{FRONT} .jp-Cell").first.click()
        page.keyboard.press("Shift+Enter")
        page.locator(f"{ROOM} .rr-panel[data-shown]").first.wait_for()
        page.wait_for_timeout(2000)
        draw_region(page, ROOM, SHAPE, OUTLINE_PX)
        expect(page.locator(f"{ROOM} .rr-list li")).to_have_count(1)
        page.locator(f"{FRONT} .jp-CodeCell", has_text="save_reference").click()
        page.keyboard.press("Shift+Enter")
        said = page.locator(f"{FRONT} .jp-CodeCell", has_text="save_reference").locator(
            ".jp-OutputArea-output"
        )
        expect(said).to_have_text(re.compile(r"^kept\s*$"))
        page.context.close()
    finally:
        assert stop(process) == 0
    key = library / "keys" / CASE / "key.yml"
    assert "radiologist-a" in key.read_text(encoding="utf-8")
    assert key.parent.stat().st_mode & 0o077 == 0


SAVE = """\
room.save_reference(
    name="liver", title="The liver", who="author", how="outlined by hand",
    reviewed="none", reader="radiologist-a",
)
print("kept")"""


def cell(source: str) -> dict[str, object]:
    return {
        "cell_type": "code", "id": f"c{abs(hash(source)) % 10**8}", "metadata": {}, "source": source,
        "outputs": [], "execution_count": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def house(home: Path, library: Path) -> Iterator[House]:
    """The same house again, now with a course that uses the case."""
    if not (library / "keys" / CASE).exists():
        pytest.skip("the reference was not drawn")
    process, running = start(home, "--courses", str(COURSES))
    yield running
    assert stop(process) == 0


def test_a_student_reads_it(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "student1")
    open_module(page, 0)
    run_all(page)
    reveal_output(page, 'ReadingRoom(task="mark-liver")', f"{ROOM} .rr-panel[data-shown]")
    page.wait_for_timeout(1500)
    draw_region(page, ROOM, SHAPE, OUTLINE_PX)
    expect(page.locator(f"{ROOM} .rr-saved")).to_contain_text("Saved")
    submit(page, MODULE)
    page.context.close()


def test_and_is_scored_against_the_teacher_s_outline(browser: Browser, house: House) -> None:
    page = house.sign_in(browser, "teacher1")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("^Grade A case of our own")).click()
    grader = opened.value
    module = grader.locator("tr", has_text=MODULE)
    module.locator(".collect a").click()
    confirm(grader)
    grader.goto(f"{house.url}services/{COURSE}/formgrader/manage_submissions/{MODULE}")
    line = grader.locator("tr", has_text="student1")
    line.locator(".autograde a").click()
    confirm(grader)
    expect(line.locator(".score")).to_have_text(re.compile(r"^(5\.\d+|6) / 6$"))
    page.context.close()
