"""Make a graded notebook fit for its student's eyes.

What a student gets back: the text of their answers, the visible tests with pass or fail, points,
comments, and the feedback that :mod:`.tasks` wrote. What they do not: hidden tests, mark schemes,
tracebacks, paths, and the output of their own code. (That output is in their own notebook already;
code that ran beside hidden tests could have printed them.)
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

from ..cells import SCORED_KINDS, Cell, is_graded, is_test, kind_of, new_output
from .tasks import RUBRIC_KIND

HIDDEN_FAILED = "A hidden test did not pass."
STOPPED = "This test did not run to its end."

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"Cell In\s?\[(\d+)\], line (\d+)")


@dataclass(frozen=True)
class TestSource:
    """Source of a test cell, split into what students may see and what not."""

    __test__ = False  # for pytest: not a test case

    visible: str
    hidden_lines: frozenset[int]
    """1-based numbers of the hidden lines, delimiters included."""


def split_hidden(source: str, begin: str, end: str) -> TestSource:
    """Take the hidden regions out of a test cell.

    A region that is never closed is hidden to the end of the cell.
    """
    visible: list[str] = []
    hidden: set[int] = set()
    inside = False
    for number, line in enumerate(source.split("\n"), start=1):
        if begin in line:
            inside = True
        if inside:
            hidden.add(number)
        else:
            visible.append(line)
        if end in line:
            inside = False
            hidden.add(number)
            if visible and visible[-1] == line:
                visible.pop()
    return TestSource("\n".join(visible).rstrip(), frozenset(hidden))


def failing_line(cell: Cell) -> int | None:
    """1-based line of the test cell that failed, ``None`` when it can't be told.

    The outermost frame of IPython's traceback is the cell itself.
    """
    for output in cell.get("outputs", []):
        if output.get("output_type") == "error":
            text = _ANSI.sub("", "\n".join(map(str, output.get("traceback", []))))
            for count, line in _FRAME.findall(text):
                if str(cell.get("execution_count")) == count:
                    return int(line)
    return None


def test_verdict(cell: Cell, tests: TestSource) -> str | None:
    """One sentence on a test that did not pass, ``None`` for one that did.

    Only source that is visible anyway is quoted, never a value from the run: the student's code
    can put anything into a value.
    """
    errors = [o for o in cell.get("outputs", []) if o.get("output_type") == "error"]
    if not errors:
        warned = any(o.get("name") == "stderr" for o in cell.get("outputs", []))
        return "The test wrote a warning, which counts as not passed." if warned else None
    name = str(errors[0].get("ename", ""))
    if name == "NotRun":  # written by ExecuteAnswers, not by the student's kernel
        return str(errors[0].get("evalue", STOPPED))
    line = failing_line(cell)
    if line is None:
        return HIDDEN_FAILED if tests.hidden_lines else STOPPED
    if line in tests.hidden_lines:
        return HIDDEN_FAILED
    statement = _statement_at(cell["source"], line, tests.hidden_lines)
    if statement is None:  # no such line, or its statement reaches into a hidden region
        return HIDDEN_FAILED if tests.hidden_lines else STOPPED
    if name == "AssertionError" and isinstance(statement, ast.Assert):
        message = statement.msg
        if isinstance(message, ast.Constant) and isinstance(message.value, str):
            return message.value
        return f"This did not hold: `{ast.unparse(statement.test)}`"
    known = isinstance(getattr(builtins, name, None), type)
    return f"Your code stopped with {name} in this test." if known else STOPPED


# pytest collects functions named test_*; this one is not a test.
test_verdict.__test__ = False  # type: ignore[attr-defined]


def _statement_at(source: str, line: int, hidden: frozenset[int]) -> ast.stmt | None:
    """Innermost statement on a line, unless any line of it is hidden."""
    try:
        statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    except SyntaxError:
        return None
    around = [s for s in statements if s.lineno <= line <= (s.end_lineno or s.lineno)]
    if not around:
        return None
    found = min(around, key=lambda s: (s.end_lineno or s.lineno) - s.lineno)
    lines = range(found.lineno, (found.end_lineno or found.lineno) + 1)
    return None if hidden.intersection(lines) else found


class RedactFeedback(NbGraderPreprocessor):  # type: ignore[misc]
    """The last step before a feedback page is written."""

    # nbconvert hands this to every step of an HTML page, and warns where it is not taken.
    display_data_priority: Any = List(config=True)
    begin_hidden = Unicode("BEGIN HIDDEN TESTS", help="As in ClearHiddenTests.").tag(config=True)
    end_hidden = Unicode("END HIDDEN TESTS", help="As in ClearHiddenTests.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Redact every cell; mark schemes go altogether."""
        nb.cells = [self.redacted(cell) for cell in nb.cells if kind_of(cell) != RUBRIC_KIND]
        nb.metadata.pop("widgets", None)
        return nb, resources

    def redacted(self, cell: Cell) -> Cell:
        """One cell, changed in place."""
        tests = split_hidden(cell["source"], self.begin_hidden, self.end_hidden)
        if cell["cell_type"] != "code":
            cell.source = tests.visible
            return cell
        if kind_of(cell) in SCORED_KINDS and is_graded(cell):
            cell.outputs = cell.outputs[1:]  # the bare number; the rest is our own feedback
            return cell
        verdict = test_verdict(cell, tests) if is_test(cell) else None
        cell.source = tests.visible
        cell.outputs = []
        if verdict is not None:
            cell.outputs = [new_output("stream", name="stdout", text=verdict)]
        return cell
