"""What a student does to the notebook's cells does not reach grading; their answers do."""

import nbformat
import pytest

from clerkship_grading.preprocessors.restore import MAX_ANSWER_CHARS, disarmed, pour_answers


def code(source, cell_id, *, task=None, kind=None, **nbgrader):
    cell = nbformat.v4.new_code_cell(source, id=cell_id)
    return tagged(cell, task, kind, nbgrader)


def text(source, cell_id, *, task=None, kind=None, **nbgrader):
    cell = nbformat.v4.new_markdown_cell(source, id=cell_id)
    return tagged(cell, task, kind, nbgrader)


def tagged(cell, task, kind, nbgrader):
    if kind:
        cell.metadata["clerkship"] = {"task": task, "kind": kind}
    if nbgrader:
        cell.metadata["nbgrader"] = {"schema_version": 3, **nbgrader}
    return cell


IMPORTS = code("import numpy as np", "imports")
PROMPT = text("## Write a function", "prompt")
ANSWER = code("raise NotImplementedError", "answer", grade_id="hu-answer", solution=True)
TEST = code("assert to_hu(0) == -1024", "test", grade_id="hu", grade=True, locked=True, points=3)
QUIZ = code('Quiz("post")', "quiz", task="post", kind="quiz", grade_id="post", grade=True, points=2)
ESSAY = text("*Write here.*", "essay", grade_id="essay", grade=True, solution=True, points=4)
RELEASE = [IMPORTS, PROMPT, ANSWER, TEST, QUIZ, ESSAY]


def copied(*cells):
    return [nbformat.from_dict(dict(cell)) for cell in cells]


def sources(cells):
    return [cell.source for cell in cells]


def with_source(cell, source):
    changed = nbformat.from_dict(dict(cell))
    changed.source = source
    return changed


def test_an_untouched_notebook_comes_back_as_released():
    assert pour_answers(RELEASE, copied(*RELEASE)) == RELEASE


def test_an_empty_submission_is_the_blank_release():
    assert pour_answers(RELEASE, []) == RELEASE


def test_answers_are_kept_and_locked_cells_are_not():
    mine = [with_source(ANSWER, "def to_hu(x): return x - 1024"), with_source(TEST, "pass")]
    cells = pour_answers(RELEASE, mine)
    assert cells[2].source == "def to_hu(x): return x - 1024"
    assert cells[3].source == TEST.source


def test_deleted_cells_return_and_moved_cells_go_back():
    cells = pour_answers(RELEASE, copied(ESSAY, ANSWER))
    assert sources(cells) == sources(RELEASE)


def test_of_two_copies_of_an_answer_the_last_counts():
    first, second = with_source(ANSWER, "first"), with_source(ANSWER, "second")
    cells = pour_answers(RELEASE, [first, second])
    assert sources(cells).count("second") == 1
    assert "first" not in sources(cells)


def test_own_cells_stay_where_they_were_without_their_metadata():
    helper = code("offset = 1024", "mine", task="post", kind="quiz")
    cells = pour_answers(RELEASE, copied(IMPORTS, PROMPT, helper, ANSWER, TEST))
    assert sources(cells)[2] == "offset = 1024"
    assert cells[2].metadata == {}


def test_an_import_that_the_student_added_is_run():
    mine = with_source(IMPORTS, "import numpy as np\nimport math")
    assert pour_answers(RELEASE, [mine])[0].source.endswith("import math")


def test_forged_points_and_kinds_count_for_nothing():
    forged = nbformat.from_dict(dict(QUIZ))
    forged.metadata = nbformat.from_dict({"nbgrader": {"grade_id": "post", "points": 200}})
    cells = pour_answers(RELEASE, [forged])
    assert cells[4].metadata == QUIZ.metadata


def test_a_made_up_grade_cell_is_an_ordinary_cell():
    forged = code("100", "mine", grade_id="bonus", grade=True, points=100)
    assert pour_answers(RELEASE, [forged])[0].metadata == {}


@pytest.mark.parametrize("emptied", ["", "   \n", "*Write here.*  "])
def test_an_emptied_answer_is_an_untouched_one(emptied):
    cells = pour_answers(RELEASE, [with_source(ESSAY, emptied)])
    assert cells[5].source == ESSAY.source


def test_markup_in_an_answer_is_shown_and_not_run():
    cells = pour_answers(RELEASE, [with_source(ESSAY, "a <img src=x onerror=alert(1)> b, 3 < 4")])
    assert cells[5].source == "a &lt;img src=x onerror=alert(1)> b, 3 < 4"


def test_code_keeps_its_comparison_signs():
    cells = pour_answers(RELEASE, [with_source(ANSWER, "ok = a <b")])
    assert cells[2].source == "ok = a <b"


def test_an_endless_answer_is_cut():
    cells = pour_answers(RELEASE, [with_source(ESSAY, "x" * 10 * MAX_ANSWER_CHARS)])
    assert len(cells[5].source) < MAX_ANSWER_CHARS + 100
    assert "cut here" in cells[5].source


def test_cells_without_anything_that_a_cell_has_do_no_harm():
    broken = [nbformat.from_dict(d) for d in ({}, {"metadata": {"nbgrader": None}}, {"source": 3})]
    assert sources(pour_answers(RELEASE, broken))[-6:] == sources(RELEASE)


def test_a_tag_is_disarmed_and_arithmetic_is_not():
    assert disarmed("</script><!-- x --> 1 < 2 <3") == "&lt;/script>&lt;!-- x --> 1 < 2 <3"
