"""A real nbgrader course, end to end: release, submit, collect, autograde, hand grading, feedback.

Everything goes through nbgrader's own command line in processes of its own, with the
configuration that this package writes; the class has one perfect student and five that are not.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import phantom_course as course
import pytest

from clerkship_grading import course_scores, grade_written, student_config, write_course_config

# nbgrader 0.9.6 itself warns under SQLAlchemy 2.1 when it makes a gradebook or a first grade.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning:nbgrader"),
]

SOLUTION = "def to_ratio(lesion, background):\n    return lesion / background"
SPY = """\
import glob, inspect, os
seen = []
def to_ratio(lesion, background):
    seen.append((lesion, background))
    return lesion / background
print([open(p).read() for p in glob.glob("*") if os.path.isfile(p)], os.environ)"""


class Course:
    """A course folder, an exchange and the students' homes, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.root, self.exchange = folder / "course", folder / "exchange"
        self.homes = folder / "homes"
        self.keys = course.write_keys(folder / "keys")
        self.log = ""
        self.pages: dict[str, str] = {}
        write_course_config(self.root, course.COURSE, self.exchange)
        course.write_source(self.root)

    def nbgrader(self, *args: str, cwd: Path, **environment: str) -> str:
        bin_folder = Path(sys.executable).parent
        base = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "CLERKSHIP"))}
        path = {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
        result = subprocess.run(
            [str(bin_folder / "nbgrader"), *args],
            check=False, cwd=cwd, env=base | path | environment,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        self.log += result.stdout + result.stderr
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stderr

    def teach(self, *args: str) -> str:
        return self.nbgrader(*args, cwd=self.root, CLERKSHIP_KEYS=str(self.keys))

    def study(self, student: str, *args: str) -> str:
        home = self.homes / student
        config = home / ".jupyter"
        config.mkdir(parents=True, exist_ok=True)
        text = student_config(self.exchange, course.COURSE)
        (config / "nbgrader_config.py").write_text(text, encoding="utf-8")
        return self.nbgrader(
            *args, cwd=home, HOME=str(home), JUPYTER_CONFIG_DIR=str(config), JUPYTERHUB_USER=student,
            JUPYTER_DATA_DIR=str(self.homes / "shared-data"),  # the worst case: one cache for all
        )  # fmt: skip

    def fetched(self, student: str) -> Path:
        self.study(student, "fetch_assignment", course.MODULE)
        return self.homes / student / course.COURSE / course.MODULE

    def feedback(self, student: str) -> str:
        if student in self.pages:
            return self.pages[student]
        self.study(student, "fetch_feedback", course.MODULE)
        folder = self.homes / student / course.COURSE / course.MODULE / "feedback"
        pages = list(folder.glob("*/*.html"))
        assert len(pages) == 1, pages
        self.pages[student] = pages[0].read_text(encoding="utf-8")
        return self.pages[student]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course after a week: everyone has handed in and been graded."""
    place = Course(tmp_path_factory.mktemp("week"))
    place.teach("generate_assignment", course.MODULE)
    place.teach("release_assignment", course.MODULE)

    folder = place.fetched("perfect")
    course.write_answers(folder, course.PERFECT_QUIZ, course.square())
    course.write_in(folder, {"ratio-answer": SOLUTION, "impression": "A square, upper half."})
    place.study("perfect", "submit", course.MODULE)

    folder = place.fetched("blank")
    released = {p.name: p.read_text(encoding="utf-8") for p in folder.iterdir()}
    place.study("blank", "submit", course.MODULE)

    folder = place.fetched("wrong")
    course.write_answers(folder, course.WRONG_QUIZ, course.square(left_px=200))
    course.write_in(folder, {"ratio-answer": SOLUTION.replace("lesion / background", "2")})
    place.study("wrong", "submit", course.MODULE)

    folder = place.fetched("spy")
    course.write_in(folder, {"ratio-answer": SPY, "impression": "<script>alert(1)</script> done"})
    path = folder / f"{course.MODULE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("print(In, seen)"))
    (folder / "answers").mkdir()
    (folder / "answers" / "post-test.json").symlink_to(
        place.root / "keys" / f"{course.MODULE}.json"
    )
    nbformat.write(notebook, path)
    place.study("spy", "submit", course.MODULE)

    folder = place.fetched("vandal")
    course.write_answers(folder, course.PERFECT_QUIZ)
    path = folder / f"{course.MODULE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [c for c in notebook.cells if "nbgrader" not in c.metadata]
    forged = nbformat.v4.new_code_cell(
        "100", metadata={"nbgrader": {"grade_id": "ratio", "points": 99}}
    )
    notebook.cells += [forged, forged, nbformat.v4.new_code_cell("import os; os._exit(1)")]
    path.write_text(json.dumps(notebook), encoding="utf-8")  # nbformat would mend the copied id
    place.study("vandal", "submit", course.MODULE)

    folder = place.fetched("torn")
    course.write_answers(folder, course.PERFECT_QUIZ, course.square())
    (folder / f"{course.MODULE}.ipynb").write_text('{"cells": [', encoding="utf-8")
    place.study("torn", "submit", course.MODULE)

    place.teach("collect", course.MODULE)
    place.teach("autograde", course.MODULE)
    before = {score.student: score for score in course_scores(place.root)}
    grade_written(
        place.root, course.MODULE, "perfect", "impression", points=4, comment="Clear & *short*."
    )
    place.teach("generate_feedback", course.MODULE)
    place.teach("release_feedback", course.MODULE)
    after = {score.student: score for score in course_scores(place.root)}
    return SimpleNamespace(place=place, before=before, scores=after, released=released)


def points(score):
    return {task: got for task, (got, _) in score.tasks.items()}


def test_the_perfect_student_has_100_percent_once_a_person_has_read_the_text(graded):
    waiting = graded.before["perfect"]
    assert (waiting.score, waiting.needs_manual_grade) == (14, True)
    final = graded.scores["perfect"]
    assert (final.score, final.max_score, final.needs_manual_grade) == (18, 18, False)


def test_the_blank_student_has_0_and_no_one_has_to_look(graded):
    blank = graded.scores["blank"]
    assert (blank.score, blank.max_score, blank.needs_manual_grade) == (0, 18, False)


def test_the_wrong_student_scores_as_stated(graded):
    assert points(graded.scores["wrong"]) == {
        "mark-square": 0, "post-test": 1, "ratio": 0, "impression": 0,
    }  # fmt: skip


def test_deleted_and_forged_cells_cost_their_tasks_and_nothing_else(graded):
    assert points(graded.scores["vandal"]) == {
        "mark-square": 0, "post-test": 5, "ratio": 0, "impression": 0,
    }  # fmt: skip


def test_a_notebook_that_cannot_be_read_still_has_its_answer_files_scored(graded):
    assert points(graded.scores["torn"]) == {
        "mark-square": 6, "post-test": 5, "ratio": 0, "impression": 0,
    }  # fmt: skip


def test_what_a_student_fetches_holds_no_solution_and_no_hidden_test(graded):
    text = "".join(graded.released.values())
    assert "Find the square" in text
    for secret in (course.HIDDEN, "lesion / background", "the-mark-scheme", "row 600"):
        assert secret not in text


def test_feedback_shows_the_score_and_the_reasons(graded):
    page = graded.place.feedback("perfect")
    for words in ("A week of bones", "<strong>18</strong> of 18", "Good", "All tests passed."):
        assert words in page
    assert "Clear &amp; <em>short</em>." in page
    assert "data:image/png;base64," in page

    page = graded.place.feedback("wrong")
    for words in (
        "<strong>1</strong> of 18",
        "Wrong place",
        "Look again from the top.",
        "A hidden test did not pass.",
        "not answered",
    ):
        assert words in page


def test_everyone_gets_their_own_feedback_even_from_a_shared_cache(graded):
    assert "Feedback for blank" in graded.place.feedback("blank")
    assert "Feedback for torn" in graded.place.feedback("torn")


@pytest.mark.parametrize("student", ["blank", "spy", "vandal"])
def test_feedback_holds_no_hidden_test_no_key_no_path_and_no_traceback(graded, student):
    page = graded.place.feedback(student)
    assert page.count("<section") == 4
    secrets = (
        "4711", "hidden words", "HIDDEN TESTS", "the-mark-scheme", "Traceback",
        str(graded.place.root), "/home", "/tmp", ".ipynb", "<script", "cdnjs", "http://", "https://",
    )  # fmt: skip
    assert [secret for secret in secrets if secret in page] == []
    if student != "vandal":  # the one who answered the quiz reads its explanation
        assert "row 600" not in page


def test_the_spy_saw_no_key_and_left_the_link_behind(graded):
    spy = graded.scores["spy"]
    assert points(spy)["post-test"] == 0
    folder = graded.place.root / "submitted" / "spy" / course.MODULE
    assert not (folder / "answers" / "post-test.json").is_symlink()


def test_graders_see_the_mark_scheme_and_no_live_markup(graded):
    path = graded.place.root / "autograded" / "spy" / course.MODULE / f"{course.MODULE}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    assert any("the-mark-scheme-says-so" in cell.source for cell in cells)
    assert "&lt;script>" in json.dumps([cell.source for cell in cells])


def test_nothing_went_wrong_on_the_way(graded):
    for sign in ("Traceback", "There was an error", "widget cell was run"):
        assert sign not in graded.place.log
