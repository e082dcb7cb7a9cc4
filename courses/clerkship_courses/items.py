"""Quiz items: `items.yml`, the questions of a module with their answers and feedback."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clerkship_courses.errors import CourseError
from clerkship_courses.located_yaml import Sheet, load_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ID", "Item", "Items", "Option", "read_items"]

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Ids of items, options, tasks and modules: they name files and stand in addresses."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Option(_Strict):
    """One option of a choice; the feedback is what a student hears who chose it."""

    text: str = Field(min_length=1, description="write what the student reads")
    correct: bool = Field(False, description="write correct: true, or leave it out")
    feedback: str = Field("", description="write a sentence that helps who chose this option")
    misconception: str = Field("", description="write a short tag such as wrong-side")


class Item(_Strict):
    """One question.

    `choice` has one right option, `choices` one or more, `number` an answer with a tolerance, both
    in the item's unit.
    """

    id: str = Field(
        pattern=f"^{ID.pattern}$", description="write small letters, digits and hyphens"
    )
    kind: Literal["choice", "choices", "number"] = Field(
        description="write choice (one right option), choices (several) or number"
    )
    objective: str = Field(description="name an objective of the module's header")
    stem: str = Field(min_length=1, description="write the question")
    points: float = Field(1.0, gt=0, description="write a number greater than 0")
    options: dict[str, Option] = Field({}, description="write option-id: {text: …}")
    answer: float | None = Field(None, description="write the right number, without its unit")
    tolerance: float = Field(
        0.0, ge=0, description="write how far from the answer still counts, 0 or more"
    )
    unit: str = Field("", description="write the unit, for instance mm")
    explanation: str = Field("", description="write why the answer is right")
    source: str = Field(
        "", description="write where the fact stands: an id of the header's sources"
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Item:
        if self.kind == "number":
            if self.options:
                raise ValueError("a number item takes no options; remove them or change the kind")
            if self.answer is None:
                raise ValueError("this number item has no answer; add answer: and tolerance:")
            return self
        if self.answer is not None or self.unit or self.tolerance:
            raise ValueError(
                f"a {self.kind} item takes no answer, tolerance or unit; mark the right option "
                f"with correct: true"
            )
        if len(self.options) < 2:
            raise ValueError(
                f"this {self.kind} item offers {len(self.options)} option(s); give at least two"
            )
        right = [key for key, option in self.options.items() if option.correct]
        if not right:
            raise ValueError("no option is right; mark it with correct: true")
        if self.kind == "choice" and len(right) > 1:
            raise ValueError(
                f"{len(right)} options are right ({', '.join(right)}); a choice item has one, "
                f"so mark one, or write kind: choices"
            )
        if len(right) == len(self.options):
            raise ValueError("every option is right, so nothing is asked; add a wrong one")
        return self

    @property
    def right_options(self) -> list[str]:
        """Ids of the right options, in the order shown."""
        return [key for key, option in self.options.items() if option.correct]


@dataclass(frozen=True)
class Items:
    """The items of one module, and where each is written."""

    path: Path
    by_id: dict[str, Item]
    line_of: dict[str, int]

    def error(self, message: str, item_id: str) -> CourseError:
        """Return an error that points at an item."""
        return CourseError(message, self.path, self.line_of.get(item_id, 1))


def read_items(path: Path) -> Items:
    """Read `items.yml`; a module without quizzes needs none.

    Parameters
    ----------
    path : Path
        The file, a list of items.

    Raises
    ------
    CourseError
        At the line of the first mistake.
    """
    if not path.is_file():
        return Items(path, {}, {})
    sheet = load_yaml(path.read_text(encoding="utf-8"), path)
    entries = sheet.data if sheet.data is not None else []
    if not isinstance(entries, list):
        raise sheet.error(
            "the file is not a list of items; begin each item with '- id: …' in the first column."
        )
    by_id: dict[str, Item] = {}
    line_of: dict[str, int] = {}
    for index in range(len(entries)):
        item = _read_item(sheet.at(index))
        line = sheet.line(index)
        if item.id in by_id:
            raise sheet.error(
                f"the id '{item.id}' is given twice (first on line {line_of[item.id]}); "
                f"give each item an id of its own.",
                index,
            )
        by_id[item.id], line_of[item.id] = item, line
    return Items(path, by_id, line_of)


def _read_item(sheet: Sheet) -> Item:
    entry: Any = sheet.data
    if not isinstance(entry, dict):
        raise sheet.error(f"{entry!r} is not an item; write '- id: …' and the rest below it.")
    item = sheet.read(Item)
    for option_id in item.options:
        if not ID.fullmatch(option_id):
            raise sheet.error(
                f"the option id {option_id!r} should be small letters, digits and hyphens, "
                f"for instance 'left-side'.",
                "options",
                option_id,
            )
    return item
