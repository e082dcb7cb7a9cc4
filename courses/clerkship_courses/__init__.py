"""Clerkship's courses: content written as prose, built into notebooks, bundles and keys."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clerkship_courses.answers import StatedAnswers, read_answers
    from clerkship_courses.build import BuiltCourse, BuiltModule, build_course
    from clerkship_courses.check import CheckReport, check_course
    from clerkship_courses.course import Course, read_course
    from clerkship_courses.errors import CourseError
    from clerkship_courses.module import Module, read_module
    from clerkship_courses.new import new_module

__all__ = [
    "BuiltCourse",
    "BuiltModule",
    "CheckReport",
    "Course",
    "CourseError",
    "Module",
    "StatedAnswers",
    "build_course",
    "check_course",
    "new_module",
    "read_answers",
    "read_course",
    "read_module",
]

_HOME = {
    "BuiltCourse": "build",
    "BuiltModule": "build",
    "CheckReport": "check",
    "Course": "course",
    "CourseError": "errors",
    "Module": "module",
    "StatedAnswers": "answers",
    "build_course": "build",
    "check_course": "check",
    "new_module": "new",
    "read_answers": "answers",
    "read_course": "course",
    "read_module": "module",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import clerkship_courses` stays fast."""
    if name not in _HOME:
        raise AttributeError(f"module 'clerkship_courses' has no attribute {name!r}")
    return getattr(import_module(f"clerkship_courses.{_HOME[name]}"), name)
