"""A course: `course.yml`, and one folder for each module, in the order of their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clerkship_courses.catalogue import Catalogue, library_catalogue
from clerkship_courses.errors import CourseError
from clerkship_courses.header import CourseHeader, read_course_header
from clerkship_courses.module import Module, read_module

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Course", "read_course"]


@dataclass(frozen=True)
class Course:
    """A course, read and checked."""

    folder: Path
    header: CourseHeader
    modules: tuple[Module, ...]
    catalogue: Catalogue


def read_course(folder: Path, catalogue: Catalogue | None = None) -> Course:
    """Read a course with all its modules.

    Parameters
    ----------
    folder : Path
        `courses/<course>/`, with `course.yml` and the folders of the modules.
    catalogue : Catalogue, optional
        The cases that it may show; the case library, if left out.

    Raises
    ------
    CourseError
        At the first mistake, as `file:line: given, expected, remedy`.
    """
    path = folder / "course.yml"
    if not path.is_file():
        raise CourseError(
            f"{folder}: there is no course here (a course has a course.yml). "
            f"Name the folder of a course, for instance courses/imaging-foundations."
        )
    header = read_course_header(path)
    known = catalogue or library_catalogue()
    folders = sorted(child for child in folder.iterdir() if (child / "module.md").is_file())
    modules = tuple(read_module(child, known) for child in folders)
    if not modules:
        raise CourseError(
            f"{folder}: the course has no module yet; make one with "
            f"'clerkship new module {folder.name} <name>'."
        )
    seen: dict[str, Path] = {}
    for module in modules:
        for key in (module.slug, f"{module.number:02}"):
            if key in seen:
                raise CourseError(
                    f"{module.folder}: '{key}' is taken by {seen[key].name}; the number and the "
                    f"name of a module are each used once in a course."
                )
            seen[key] = module.folder
    return Course(folder, header, modules, known)
