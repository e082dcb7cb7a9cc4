"""Feedback shows what a student may know: no hidden test, no traceback, no path, no key."""

import json

import nbformat
import pytest

from clerkship_grading.preprocessors.redact import HIDDEN_FAILED, RedactFeedback, split_hidden

SOURCE = """\
assert to_hu(0) == -1024, "air is at the lower end"
assert to_hu(10) == (
    -1014
)
### BEGIN HIDDEN TESTS
secret = 4711
assert to_hu(secret) == 3687, "secret message"
### END HIDDEN TESTS
assert to_hu(1) < 0"""


def graded_cell(error=None, *, line=1, source=SOURCE, count=7, stdout=""):
    cell = nbformat.v4.new_code_cell(source)
    cell.execution_count = count
    cell.metadata["nbgrader"] = {
        "grade_id": "hu", "grade": True, "locked": True, "solution": False, "points": 3,
    }  # fmt: skip
    if stdout:
        cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=stdout))
    if error:
        traceback = [
            f"\x1b[31m{error}\x1b[39m    Traceback (most recent call last)",
            f"Cell \x1b[32mIn[{count}]\x1b[39m, line {line}\n----> {line} something",
            "Cell In[3], line 2, in to_hu(x)",
            "File /home/teacher/course/keys/secret.py:12, in f",
        ]
        cell.outputs.append(
            nbformat.v4.new_output(
                "error", ename=error, evalue="got /home/teacher 4711", traceback=traceback
            )
        )
    return cell


def redacted(cell):
    notebook = nbformat.v4.new_notebook(cells=[cell])
    result, _ = RedactFeedback().preprocess(notebook, {})
    return result.cells[0] if result.cells else None


def said(cell):
    return [output["text"] for output in redacted(cell).outputs]


def test_hidden_tests_are_cut_out_and_visible_ones_stay():
    shown = redacted(graded_cell())
    assert "secret" not in shown.source
    assert shown.source.startswith("assert to_hu(0)")
    assert shown.source.endswith("assert to_hu(1) < 0")
    assert said(graded_cell()) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (1, "air is at the lower end"),
        (3, "This did not hold: `to_hu(10) == -1014`"),
        (7, HIDDEN_FAILED),
        (9, "This did not hold: `to_hu(1) < 0`"),
    ],
)
def test_a_failed_assertion_is_told_in_the_tests_own_words(line, sentence):
    assert said(graded_cell("AssertionError", line=line)) == [sentence]


def test_an_error_of_the_students_code_is_named_without_its_message():
    assert said(graded_cell("NameError")) == ["Your code stopped with NameError in this test."]


def test_a_name_that_the_student_made_up_is_not_shown():
    assert said(graded_cell("Secret4711")) == ["This test did not run to its end."]


def test_an_error_that_cannot_be_placed_says_no_more_than_hidden():
    assert said(graded_cell("AssertionError", line=400)) == [HIDDEN_FAILED]
    assert said(graded_cell("AssertionError", line=400, source="assert f()")) == [
        "This test did not run to its end."
    ]
    cell = graded_cell("AssertionError")
    cell.execution_count = 8  # the traceback speaks of another cell
    assert said(cell) == [HIDDEN_FAILED]


def test_a_statement_that_reaches_into_a_hidden_region_is_not_quoted():
    source = "assert f(\n### BEGIN HIDDEN TESTS\n4711,\n### END HIDDEN TESTS\n) == 1"
    assert said(graded_cell("AssertionError", source=source)) == [HIDDEN_FAILED]


@pytest.mark.parametrize("error", [None, "AssertionError", "NameError", "Secret4711"])
@pytest.mark.parametrize("line", [1, 3, 7, 9, 99])
def test_nothing_that_ran_comes_back(error, line):
    page = json.dumps(redacted(graded_cell(error, line=line, stdout="4711 /home/teacher In[3]")))
    for leak in ("4711", "/home", "secret", "Traceback", "In[3]"):
        assert leak not in page


def test_a_hidden_region_that_is_never_closed_is_hidden_to_the_end():
    tests = split_hidden("a\n### BEGIN HIDDEN TESTS\nb\nc", "BEGIN HIDDEN", "END HIDDEN")
    assert (tests.visible, tests.hidden_lines) == ("a", frozenset({2, 3, 4}))


def test_output_of_the_students_own_code_stays_in_their_own_notebook():
    cell = nbformat.v4.new_code_cell("print(In)")
    cell.metadata["nbgrader"] = {"grade_id": "a", "grade": False, "solution": True}
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="### BEGIN HIDDEN TESTS")]
    assert redacted(cell).outputs == []


def test_a_mark_scheme_is_for_graders_only():
    cell = nbformat.v4.new_markdown_cell("**Mark scheme** 2: names the lesion")
    cell.metadata["clerkship"] = {"kind": "rubric"}
    assert redacted(cell) is None


def test_our_own_feedback_stays_and_the_bare_number_goes():
    cell = nbformat.v4.new_code_cell('Quiz("post")')
    cell.metadata["clerkship"] = {"task": "post", "kind": "quiz"}
    cell.metadata["nbgrader"] = {"grade_id": "post", "grade": True, "solution": False, "points": 2}
    cell.outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "1.5"}),
        nbformat.v4.new_output("display_data", {"text/markdown": "**Partly right.**"}),
    ]
    assert [output.data for output in redacted(cell).outputs] == [
        {"text/markdown": "**Partly right.**"}
    ]
