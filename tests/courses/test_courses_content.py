"""The course that ships: complete, honest, and safe to release."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clerkship_courses import Course, build_course, check_course, read_answers, read_course
from clerkship_courses.answers import annotations_of, quiz_items_of
from clerkship_courses.bundle import key_bundle
from clerkship_courses.parts import (
    AnnotateTask,
    CommitReveal,
    Example,
    PracticeQuiz,
    QuizTask,
    Text,
)
from clerkship_courses.release import leaks

MOST_WORDS = 150
"""Of prose between two things to do: less than a minute at 200 words a minute."""
SLUGS = ["brain-in-three-planes", "bone-and-joint"]


@pytest.fixture(scope="module")
def course(course_dir: Path) -> Course:
    return read_course(course_dir)


def test_it_has_the_two_modules_in_order(course: Course) -> None:
    assert [module.slug for module in course.modules] == SLUGS


def test_each_module_has_every_part_of_a_good_lesson(course: Course) -> None:
    for module in course.modules:
        kinds = [task.kind for task in module.tasks.values()]
        assert {"quiz", "annotate", "code", "written"} <= set(kinds)
        practice = [part for part in module.parts if isinstance(part, PracticeQuiz)]
        assert practice[0].withhold, "the pre-test comes first and keeps its answers back"
        assert 3 <= len(practice[0].items) <= 5
        assert kinds[-1] == "quiz", "the post-test comes last"
        assert any(isinstance(part, CommitReveal) and part.confidence for part in module.parts)
        assert any(isinstance(part, Example) for part in module.parts)
        prose = " ".join(part.markdown for part in module.parts if isinstance(part, Text))
        assert "Predict first" in prose
        assert "worked example" in prose
        assert 60 <= module.header.minutes <= 90


def test_before_and_after_ask_about_the_same_objectives_with_other_questions(
    course: Course,
) -> None:
    for module in course.modules:
        items = module.items.by_id
        (before,) = [p for p in module.parts if isinstance(p, PracticeQuiz) and p.withhold]
        (after,) = [p for p in module.parts if isinstance(p, QuizTask)]
        assert {items[i].objective for i in before.items} <= {
            items[i].objective for i in after.items
        }
        assert not {items[i].stem for i in before.items} & {items[i].stem for i in after.items}


def test_every_wrong_option_of_a_graded_item_has_feedback(course: Course) -> None:
    for module in course.modules:
        for task in module.tasks.values():
            for key in task.items if isinstance(task, QuizTask) else ():
                item = module.items.by_id[key]
                assert item.explanation, key
                for option in item.options.values():
                    assert option.correct or (option.feedback and option.misconception), key


def test_nobody_has_to_read_a_wall_of_text(course: Course) -> None:
    for module in course.modules:
        for part in module.parts:
            if isinstance(part, Text):
                words = len(re.findall(r"\w\S*", part.markdown))
                assert words <= MOST_WORDS, f"{module.source_path}:{part.line}: {words} words"


def test_the_diagnosis_is_not_given_away_before_the_commitment(course: Course) -> None:
    """The radiograph's label appears first in the reveal; nothing that is read before it says so."""
    module = course.modules[1]
    at = next(
        i
        for i, p in enumerate(module.parts)
        if isinstance(p, CommitReveal) and p.name == "leg-read"
    )
    before = [part for part in module.parts[:at] if isinstance(part, Text)]
    read = " ".join(
        [module.header.title, module.header.summary, *(part.markdown for part in before)]
    )
    read += " ".join(goal.text for goal in module.header.objectives)
    assert not re.search(r"fibroma|ossifying|NOF\b|benign", read)


def test_every_citation_in_the_text_is_among_the_sources(course: Course) -> None:
    for module in course.modules:
        references = " ".join(module.header.sources.values())
        text = module.source_path.read_text().split("---", 2)[2]
        for cited in re.findall(r"\[([A-Z][^\]\[]*)\](?!\()", text):
            for one in cited.split(";"):
                name = one.split()[0].removesuffix("'s")
                assert name in references, f"{module.slug} cites {one.strip()!r}"


def test_the_self_study_apps_need_no_formula_typesetter(course: Course) -> None:
    """Voila would fetch one from the internet."""
    for module in course.modules:
        assert "$$" not in module.source_path.read_text()


@pytest.mark.slow
def test_the_whole_check_passes(course_dir: Path) -> None:
    assert check_course(course_dir).problems == ()


@pytest.mark.slow
def test_graders_give_every_stated_answer_its_exact_score(course: Course, tmp_path: Path) -> None:
    """Perfect answers earn everything, wrong ones what `answers.yml` says, blank ones nothing."""
    from clerkship_cases import open_case, write_sr
    from clerkship_cases.key import open_key
    from clerkship_grading import score_submission

    def hand_in(module: object, name: str, task: object, form: object) -> Path:
        folder = Path(tmp_path / f"{len(list(tmp_path.iterdir()))}")
        (folder / "answers").mkdir(parents=True)
        if isinstance(task, QuizTask):
            record = {"task": name, "items": quiz_items_of(form, task, module)}
            (folder / "answers" / f"{name}.json").write_text(json.dumps(record))
        elif isinstance(task, AnnotateTask):
            drawn = annotations_of(form, task, open_key(task.case).finding(task.finding).annotation)
            path = folder / "answers" / f"{name}.sr.dcm"
            write_sr(path, open_case(task.case), drawn, observer="student1")
        return folder

    for module in course.modules:
        stated = read_answers(module)
        (blank := tmp_path / f"blank-{module.slug}").mkdir()
        assert [score.points for score in score_submission(blank, key_bundle(module))] == [0, 0]
        for name, task in module.tasks.items():
            if not isinstance(task, QuizTask | AnnotateTask):
                continue
            key = key_bundle(module)
            key["tasks"] = {name: key["tasks"][name]}
            folder = hand_in(module, name, task, stated.tasks[name].perfect)
            (score,) = score_submission(folder, key, pictures=False)
            assert score.points == task.points, (module.slug, name)
            for wrong in stated.tasks[name].wrong:
                folder = hand_in(module, name, task, wrong.answer)
                (score,) = score_submission(folder, key, pictures=False)
                assert score.points == pytest.approx(wrong.score, abs=1e-6), (name, wrong.name)
                if isinstance(task, AnnotateTask):
                    assert score.error_class == wrong.error, (name, wrong.name)
                    if wrong.error in task.feedback:
                        assert task.feedback[wrong.error] in score.feedback_markdown


GENERATE = """
import sys
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
api = NbGraderAPI(CourseDirectory(root="."))
for name in sys.argv[1:]:
    outcome = api.generate_assignment(name, create=True)
    if not outcome["success"]:
        sys.exit(f"{name}: {outcome.get('error')}\\n{outcome.get('log')}")
"""


@pytest.mark.slow
def test_nbgrader_releases_both_modules_without_a_secret(course: Course, tmp_path: Path) -> None:
    """What `nbgrader generate_assignment` does, and a scan of every file that it gives out."""
    built = build_course(course.folder, tmp_path / "course")
    environment = {
        **os.environ,
        # nbgrader calls alembic by name.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-c", GENERATE, *(module.slug for module in course.modules)],
        cwd=built.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for module in course.modules:
        release = built.root / "release" / module.slug
        assert {path.name for path in release.iterdir()} == {f"{module.slug}.ipynb", "module.json"}
        notebook = json.loads((release / f"{module.slug}.ipynb").read_text())
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
        assert leaks(notebook, module) == []
        assert any("NotImplementedError" in cell["source"] for cell in notebook["cells"])
