"""Python in `module.md`: read it out of its fence, and refuse what could not run or could not fail."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from clerkship_courses.errors import CourseError
from clerkship_courses.parts import BEGIN_SOLUTION, END_SOLUTION

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_courses.source import Block

__all__ = ["check_python", "read_solution", "read_tests"]


def check_python(code: str, path: Path, line: int) -> None:
    """Raise a `CourseError` at the line where a piece of code stops being Python.

    Parameters
    ----------
    code : str
        The code.
    path, line : Path, int
        The file, and the line of its first line of code.
    """
    try:
        ast.parse(code)
    except SyntaxError as failure:
        raise CourseError(
            f"this is not Python: {failure.msg}. Correct it (notebook magics such as %time "
            f"are not taken here).",
            path,
            line + (failure.lineno or 1) - 1,
        ) from None


def read_solution(block: Block, path: Path) -> str:
    """Return the solution of a code task, with nbgrader's marks around what a student writes.

    Raises
    ------
    CourseError
        If it is no fence of Python, or the marks are missing or out of order.
    """
    code = _fenced_python(block, path)
    marks = [row.strip() for row in code.splitlines() if row.strip() in _MARKS]
    if not marks or marks != [BEGIN_SOLUTION, END_SOLUTION] * (len(marks) // 2):
        raise CourseError(
            f"the SOLUTION does not say which lines the student writes; put {BEGIN_SOLUTION!r} "
            f"above them and {END_SOLUTION!r} below.",
            path,
            block.line,
        )
    return code


def read_tests(block: Block, path: Path) -> str:
    """Return the tests of a code task.

    Raises
    ------
    CourseError
        If they are no fence of Python, or nothing in them can fail.
    """
    code = _fenced_python(block, path)
    if not any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(ast.parse(code))):
        raise CourseError(
            f"the block {block.name} asserts nothing, so it cannot fail; add an assert with a "
            f"message for the student.",
            path,
            block.line,
        )
    return code


_MARKS = (BEGIN_SOLUTION, END_SOLUTION)


def _fenced_python(block: Block, path: Path) -> str:
    """Return the code of a block that is one ```python fence and nothing else."""
    rows = block.text.splitlines()
    if rows[0].strip() != "```python" or rows[-1].strip() != "```" or "```" in rows[1:-1]:
        raise CourseError(
            f"the block {block.name} should be one fence of Python: a line ```python, the code, "
            f"a line ```.",
            path,
            block.line,
        )
    code = "\n".join(rows[1:-1])
    check_python(code, path, block.line + 1)
    return code
