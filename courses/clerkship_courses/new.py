"""Begin a module from a template that builds at once, so that a teacher starts by changing words."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from clerkship_courses.errors import CourseError, suggestion
from clerkship_courses.items import ID

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["new_module"]

TEMPLATE = ("module.md", "items.yml", "answers.yml")
MOST_MODULES = 99


def new_module(courses: Path, course: str, slug: str) -> Path:
    """Make a new module, and the course if there is none of that name yet.

    Parameters
    ----------
    courses : Path
        The folder that holds the courses.
    course, slug : str
        Names in small letters, digits and hyphens; the module's without its number.

    Returns
    -------
    Path
        The new folder, `courses/<course>/<nn-slug>/`.

    Raises
    ------
    CourseError
        If a name cannot be used or is taken; nothing is written then.
    """
    for what, name in (("course", course), ("module", slug)):
        if not ID.fullmatch(name):
            plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "chest-radiograph"
            raise CourseError(
                f"'{name}' cannot name a {what}; use small letters, digits and hyphens, beginning "
                f"with a letter, for instance '{plain}'."
            )
    folder = courses / course
    if not folder.is_dir():
        known = [child.parent.name for child in courses.glob("*/course.yml")]
        close = suggestion(course, known)
        if close:
            raise CourseError(f"there is no course '{course}' in {courses}.{close}")
    taken = _modules(folder)
    if slug in taken.values():
        raise CourseError(
            f"{folder}: the course has a module '{slug}' already; choose another name."
        )
    number = max(taken, default=0) + 1
    if number > MOST_MODULES:
        raise CourseError(f"{folder}: a course holds {MOST_MODULES} modules; begin another course.")
    module = folder / f"{number:02}-{slug}"
    words = {"TITLE": _words(slug), "SLUG": slug}
    pages = {name: _filled(name, words) for name in TEMPLATE}
    if not (folder / "course.yml").is_file():
        pages_of_course = {
            "course.yml": _filled("course.yml", {"TITLE": _words(course), "ID": course})
        }
        _write_all(folder, pages_of_course)
    _write_all(module, pages)
    return module


def _modules(folder: Path) -> dict[int, str]:
    found = (re.fullmatch(r"(\d{2})-(.+)", path.name) for path in folder.glob("[0-9][0-9]-*"))
    return {int(match[1]): match[2] for match in found if match}


def _words(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _filled(name: str, words: dict[str, str]) -> str:
    text = (files("clerkship_courses") / "template" / name).read_text(encoding="utf-8")
    for key, value in words.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    return text


def _write_all(folder: Path, pages: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as failure:
        raise CourseError(
            f"{folder}: the module cannot be written there ({failure.strerror or failure}); choose "
            f"a folder that you may write to."
        ) from failure
