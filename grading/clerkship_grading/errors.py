"""The one exception family of the grading package."""

from __future__ import annotations


class GradingError(Exception):
    """Something on the teacher's side is wrong: a key bundle, a course folder, a request.

    A student's broken file is never a ``GradingError``: it costs that student points, with a plain
    message, and the class is graded all the same.
    """
