"""What the header of a module and `course.yml` may say."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from clerkship_courses.items import ID
from clerkship_courses.located_yaml import load_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CourseHeader", "ModuleHeader", "Objective", "read_course_header"]

MOST_OBJECTIVES = 5
"""More than a student can hold in mind during one module; split the module instead."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Objective(_Strict):
    """What a student can do afterwards: a verb, a structure, a modality."""

    id: str = Field(pattern=f"^{ID.pattern}$", description="write a short id, for instance side")
    text: str = Field(
        min_length=1, description="write what the student can do: verb, structure, modality"
    )
    minutes: int = Field(gt=0, description="write whole minutes, for instance 15")
    tags: list[str] = Field([], description="write a list of framework tags, or leave it out")


class ModuleHeader(_Strict):
    """The front matter of `module.md`."""

    title: str = Field(min_length=1, description="write title: and the name of the module")
    summary: str = Field(min_length=1, description="write one or two sentences for the first page")
    authors: list[str] = Field(min_length=1, description="write a list, for instance [Jane Roe]")
    objectives: list[Objective] = Field(
        min_length=1,
        max_length=MOST_OBJECTIVES,
        description=f"write one to {MOST_OBJECTIVES} objectives, each with id, text and minutes",
    )
    cases: list[str] = Field([], description="write the ids of the cases that the module shows")
    sources: dict[str, str] = Field({}, description="write id: full reference, one for each line")
    licence: str = Field(min_length=1, description="write the licence of the text, e.g. CC BY 4.0")
    reviewed_by: str | None = Field(
        None, description="write the clinician who read the module, or leave it out"
    )
    reviewed_on: datetime.date | None = Field(
        None, description="write the day of the review as 2026-03-31, or leave it out"
    )

    @property
    def minutes(self) -> int:
        """The time of all objectives."""
        return sum(objective.minutes for objective in self.objectives)


class CourseHeader(_Strict):
    """What `course.yml` says."""

    id: str = Field(pattern=f"^{ID.pattern}$", description="write the name of the course's folder")
    title: str = Field(min_length=1, description="write title: and the name of the course")
    summary: str = Field(
        min_length=1, description="write a few sentences on what it is, and is not"
    )
    licence: str = Field(min_length=1, description="write the licence of the text, e.g. CC BY 4.0")


def read_course_header(path: Path) -> CourseHeader:
    """Read `course.yml`.

    Raises
    ------
    CourseError
        At the line of the first mistake, or if the id is not the folder's name.
    """
    sheet = load_yaml(path.read_text(encoding="utf-8"), path)
    if not isinstance(sheet.data, dict):
        raise sheet.error("the file should say id:, title:, summary: and licence: of the course.")
    header = sheet.read(CourseHeader)
    if header.id != path.parent.name:
        raise sheet.error(
            f"the id is '{header.id}' but the folder is called '{path.parent.name}'; "
            f"make them equal.",
            "id",
        )
    return header
