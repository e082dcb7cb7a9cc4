"""A module: `module.md` and `items.yml` of one folder, read and checked together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clerkship_courses.errors import CourseError, one_of, suggestion
from clerkship_courses.header import ModuleHeader
from clerkship_courses.items import ID, Items, read_items
from clerkship_courses.located_yaml import load_yaml
from clerkship_courses.parts import Part, PracticeQuiz, QuizTask, Task
from clerkship_courses.regions import read_parts
from clerkship_courses.source import split_source

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_courses.catalogue import Catalogue
    from clerkship_courses.located_yaml import Sheet

__all__ = ["Module", "read_module"]

_NUMBERED = re.compile(r"(?P<number>\d{2})-(?P<slug>.+)")


@dataclass(frozen=True)
class Module:
    """One module, ready to be built.

    Attributes
    ----------
    course, slug : str
        Folder names, the module's without its number.
    number : int
        Place in the course.
    folder : Path
        Where it is written.
    """

    course: str
    slug: str
    number: int
    folder: Path
    header: ModuleHeader
    items: Items
    parts: tuple[Part, ...]

    @property
    def source_path(self) -> Path:
        """The `module.md`."""
        return self.folder / "module.md"

    @property
    def tasks(self) -> dict[str, Task]:
        """The graded tasks, in the order of the page."""
        return {part.name: part for part in self.parts if isinstance(part, Task)}

    @property
    def points(self) -> float:
        """All points together."""
        return sum(task.points for task in self.tasks.values())


def read_module(folder: Path, catalogue: Catalogue) -> Module:
    """Read and check one module.

    Parameters
    ----------
    folder : Path
        `courses/<course>/<nn-slug>/`, with `module.md` and, if there are quizzes, `items.yml`.
    catalogue : Catalogue
        The cases that it may show.

    Raises
    ------
    CourseError
        At the first mistake, as `file:line: given, expected, remedy`.
    """
    named = _NUMBERED.fullmatch(folder.name)
    if not named or not ID.fullmatch(named["slug"]):
        raise CourseError(
            f"{folder}: a module's folder is named by its place and its name, in small letters, "
            f"digits and hyphens, for instance 03-chest-radiograph; rename the folder."
        )
    path = folder / "module.md"
    if not path.is_file():
        raise CourseError(f"{folder}: there is no module.md in this module; add one.")
    source = split_source(path.read_text(encoding="utf-8"), path)
    sheet = load_yaml(source.header, path, source.header_line)
    if not isinstance(sheet.data, dict):
        raise sheet.error("the header is empty; it needs title:, summary:, authors: and more.")
    header = sheet.read(ModuleHeader)
    _check_header(sheet, header, catalogue)
    items = read_items(folder / "items.yml")
    parts = read_parts(source, header, items, catalogue)
    _check_items(items, header, parts)
    return Module(
        course=folder.parent.name,
        slug=named["slug"],
        number=int(named["number"]),
        folder=folder,
        header=header,
        items=items,
        parts=parts,
    )


def _check_header(sheet: Sheet, header: ModuleHeader, catalogue: Catalogue) -> None:
    for index, case in enumerate(header.cases):
        if case not in catalogue.records:
            raise sheet.error(
                f"there is no case '{case}' in the library; it has {one_of(catalogue.records)}."
                f"{suggestion(case, catalogue.records)}",
                "cases",
                index,
            )
    seen: dict[str, int] = {}
    for index, objective in enumerate(header.objectives):
        if objective.id in seen:
            raise sheet.error(
                f"the objective '{objective.id}' is given twice; give each an id of its own.",
                "objectives",
                index,
            )
        seen[objective.id] = index


def _check_items(items: Items, header: ModuleHeader, parts: tuple[Part, ...]) -> None:
    objectives = [objective.id for objective in header.objectives]
    used = {
        item for part in parts if isinstance(part, QuizTask | PracticeQuiz) for item in part.items
    }
    graded = {item for part in parts if isinstance(part, QuizTask) for item in part.items}
    practised = {item for part in parts if isinstance(part, PracticeQuiz) for item in part.items}
    for key, item in items.by_id.items():
        if item.objective not in objectives:
            raise items.error(
                f"item '{key}' names the objective '{item.objective}'; the header has "
                f"{one_of(objectives)}.{suggestion(item.objective, objectives)}",
                key,
            )
        if item.source and item.source not in header.sources:
            raise items.error(
                f"item '{key}' names the source '{item.source}'; the header's sources are "
                f"{one_of(header.sources)}.{suggestion(item.source, header.sources)}",
                key,
            )
        if key not in used:
            raise items.error(
                f"item '{key}' is in no quiz; list it under === ITEMS === of one, or take it out.",
                key,
            )
        if key in graded & practised:
            raise items.error(
                f"item '{key}' is in a graded quiz and in a practice quiz, which would give the "
                f"answer away; write a parallel item for one of them.",
                key,
            )
