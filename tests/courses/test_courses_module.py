"""A module is read as a whole; each mistake names file, line, what was given and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clerkship_courses.catalogue import Catalogue
from clerkship_courses.errors import CourseError
from clerkship_courses.module import read_module
from clerkship_courses.parts import AnnotateTask, CodeTask, QuizTask, WrittenTask

Edit = Callable[..., Path]

QUIZ = 'task="post-test" kind="quiz" points=1'
MARK = 'task="mark-finding" kind="annotate" points=4 case="tibia-nof" finding="lesion" tools=["region"]'
RUBRIC = "overlap: {points: 3, full_dice: 0.7, zero_dice: 0.3}"


def test_a_fresh_module_holds_a_task_of_each_kind(module_dir: Path, catalogue: Catalogue) -> None:
    module = read_module(module_dir, catalogue)
    assert (module.course, module.slug, module.number) == ("chest-imaging", "first-film", 1)
    assert [type(task) for task in module.tasks.values()] == [
        AnnotateTask,
        WrittenTask,
        CodeTask,
        QuizTask,
    ]
    assert module.points == 8
    assert module.header.minutes == 35


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # header
        ("title: First film", "titel: First film", "'title' is missing"),
        ("licence: CC BY 4.0", "licence: CC BY 4.0\nlicense: x", "'license' is not known here.*Did you mean 'licence'"),
        ("minutes: 20", "minutes: long", "objectives.0.minutes is 'long'; write whole minutes"),
        ("minutes: 20", "minutes: -5", "write whole minutes"),
        ("id: find,  ", "id: describe,", "'describe' is given twice"),
        ("cases: [tibia-nof]", "cases: [tibia-noff]", "no case 'tibia-noff'.*Did you mean 'tibia-nof'"),
        ("title: First film", "title: First film\ntitle: Again", r"'title' is given twice \(first on line 2\)"),
        ("title: First film", "title: First: film", "not YAML"),
        ("title: First film", "title: First film\nno: x", 'put it into quotes: "no"'),
        # what a region is
        ('practice="pre-test" withhold', 'practise="pre-test" withhold', "a region begins with task="),
        ('kind="quiz"', 'kind="quizz"', "kind='quizz'.*Did you mean 'quiz'"),
        (' kind="quiz"', "", "this task has no kind"),
        ('kind="quiz"', 'kind=["quiz"]', "write kind= with"),
        (QUIZ, QUIZ + " seconds=5", "takes no 'seconds'"),
        (QUIZ, 'task="post-test" kind="quiz"', "says no points="),
        (QUIZ, QUIZ.replace("=1", "=0"), "points=0; write a number greater than 0"),
        (QUIZ, QUIZ.replace("=1", '="1"'), "points='1'"),
        (QUIZ, QUIZ.replace("=1", "=true"), "points=True"),
        (QUIZ, QUIZ.replace("post-test", "Post test"), "cannot name a file"),
        (QUIZ, QUIZ.replace("post-test", "mark-finding"), "'mark-finding' is given twice"),
        ('notes="instructor"', 'notes="teacher"', 'write notes="instructor"'),
        ("withhold=true", 'withhold="yes"', "write withhold=true or leave it out"),
        # quizzes
        (QUIZ, QUIZ.replace("=1", "=3"), "points=3, but its items add up to 1"),
        ("\nrim\n", "\nrimm\n", "no item 'rimm'.*Did you mean 'rim'"),
        ("\nrim\n", "\nrim\nrim\n", "listed twice"),
        ("\nrim\n", "\nrim\nagain-zone\n", "points=1, but its items add up to 2"),
        ("=== ITEMS ===\nrim\n", "", "no block ITEMS"),
        ("=== ITEMS ===\nrim\n", "=== ITEMS ===\nrim\n=== REVEAL ===\nx\n", "has no block REVEAL"),
        # annotate
        ('case="tibia-nof"', 'case="bone-scan"', "not among the cases of the header"),
        ('finding="lesion"', 'finding="leson"', "no finding 'leson'.*Did you mean 'lesion'"),
        ('tools=["region"]', 'tools=["pencil"]', "no tool 'pencil'"),
        ('tools=["region"]', 'tools="region"', "write a list of texts"),
        ('tools=["region"]', 'tools=["arrow"]', r"the tools \(arrow\) cover no area"),
        (RUBRIC, RUBRIC.replace("3,", "2,"), "adds up to 3 points, but the task has points=4"),
        (RUBRIC, RUBRIC.replace("0.3", "0.9"), "make zero_dice the smaller one"),
        (RUBRIC, RUBRIC.replace("full_dice", "ful_dice"), "Did you mean 'full_dice'"),
        (RUBRIC + "\nplacement: {points: 1, radius: 1.0}", "overlap", "the rubric is not understood"),
        ("missed: ", "lost: ", "'lost' is no class of error"),
        ('missed: "Nothing', 'missed: 3 # "Nothing', "write text"),
        # written
        ("1: names the thin white rim", "one: names the rim", "no line of a mark scheme"),
        ("1: names the thin white rim", "2: names the rim", "adds up to 3 points"),
        # code
        ("    ### BEGIN SOLUTION\n", "", "which lines the student writes"),
        ("    ### END SOLUTION\n", "    ### END SOLUTION\n    ### BEGIN SOLUTION\n", "which lines the student writes"),
        ("return float(values[mask].mean())", "return float(values[mask].mean()", "this is not Python"),
        ('assert mean_inside(values, values < 5) == 1.5, "the mean of 1 and 2 is 1.5"', "mean_inside(values, values < 5)", "cannot fail"),
        ("=== SOLUTION ===\n```python", "=== SOLUTION ===\nLook:\n```python", "one fence of Python"),
        ('ReadingRoom("tibia-nof")', "%time", "not Python"),
    ],
)  # fmt: skip
def test_a_mistake_in_module_md_is_shown_where_it_was_made(  # noqa: PLR0917
    module_dir: Path, catalogue: Catalogue, edit: Edit, old: str, new: str, says: str
) -> None:
    path = edit("module.md", (old, new))
    with pytest.raises(CourseError, match=says) as caught:
        read_module(module_dir, catalogue)
    line = caught.value.line
    assert str(caught.value).startswith(f"{path}:{line}: ")
    changed = path.read_text()[: path.read_text().index(new)].count("\n") + 1 if new else line
    assert line is not None
    assert abs(line - changed) <= 6, "the message points into the piece that was changed"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- id: rim", "- id: pre-zone", "'pre-zone' is given twice"),
        ("- id: rim", "- id: Rim", "write small letters"),
        ("kind: choice                    #", "kind: multiple #", "write choice"),
        ("    slow: {text: Slow growth, correct: true}", "    slow: {text: Slow growth}", "no option is right"),
        ("text: Fast growth", "text: Fast growth\n      correct: true", "2 options are right"),
        ("    slow: {text: Slow growth, correct: true}", "    no: {text: None, correct: true}", "put it into quotes"),
        ("    slow:", "    Slow growth:", "the option id 'Slow growth'"),
        ("objective: describe", "objective: descrive", "the header has describe or find. Did you mean 'describe'"),
        ("source: yours", "source: theirs", "names the source 'theirs'"),
        ("  stem: What does", "  stam: What does", "'stem' is missing"),
        ("  explanation: Say why in a sentence.\n  source", "  answer: 3\n  source", "takes no answer"),
        ("- id: rim", "- id: spare\n  kind: number\n  objective: find\n  stem: '?'\n\n- id: rim", "has no answer"),
        ("- id: rim", "- id: spare\n  kind: number\n  objective: find\n  stem: '?'\n  answer: 2\n\n- id: rim", "'spare' is in no quiz"),
        ("- id: pre-zone", "id: pre-zone", "not YAML"),
        ("- id: rim", "- rim\n- id: rim", "'rim' is not an item"),
    ],
)  # fmt: skip
def test_a_mistake_in_items_yml_is_shown_where_it_was_made(  # noqa: PLR0917
    module_dir: Path, catalogue: Catalogue, edit: Edit, old: str, new: str, says: str
) -> None:
    path = edit("items.yml", (old, new))
    with pytest.raises(CourseError, match=says) as caught:
        read_module(module_dir, catalogue)
    assert caught.value.path == path
    assert caught.value.line is not None


def test_a_graded_item_may_not_be_practised_with_its_answer(
    module_dir: Path, catalogue: Catalogue, edit: Edit
) -> None:
    edit("module.md", ("\nagain-zone\n", "\nagain-zone\nrim\n"))
    with pytest.raises(CourseError, match="in a graded quiz and in a practice quiz"):
        read_module(module_dir, catalogue)


def test_a_folder_is_named_by_place_and_name(tmp_path: Path, catalogue: Catalogue) -> None:
    for name in ("chest", "1-chest", "01-Chest"):
        (tmp_path / name).mkdir()
        with pytest.raises(CourseError, match="rename the folder"):
            read_module(tmp_path / name, catalogue)


def test_a_folder_without_a_page_is_no_module(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "01-chest").mkdir()
    with pytest.raises(CourseError, match=r"there is no module\.md"):
        read_module(tmp_path / "01-chest", catalogue)
