"""The public record of a case: what ``case.yml`` may say.

The fields are those of a teaching file as the RSNA's Medical Imaging Resource Community (MIRC) uses
them: title, authors, abstract, history, anatomy, modality, difficulty, keywords, rights. What an image
shows is not among them; that is in the key.
"""

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from clerkship_cases.display import Window
from clerkship_cases.errors import CaseError
from clerkship_cases.licence import LicenceCode
from clerkship_cases.sources.kinds import Source
from clerkship_cases.strict import CaseId, Line, Strict
from clerkship_cases.yamlfile import read_record

#: Who says something about a case. Nothing is said by nobody.
Who = Literal["metadata", "author", "clinician", "pathology"]

#: How difficult a case is for a reader.
Difficulty = Literal["introductory", "intermediate", "advanced"]


class Statement(Strict):
    """Something that may be said in public about a case, and who says it."""

    text: Line
    who: Who


class WindowRecord(Strict):
    """A window that the author of the case adds, in the unit of the volume."""

    name: Line
    center: float
    width: Annotated[float, Field(gt=0)]

    def window(self) -> Window:
        """Return it as the volume's window."""
        return Window(self.name, self.center, self.width)


class Review(Strict):
    """Who, if anybody, has checked what the record says against the images.

    Attributes
    ----------
    level : str
        ``none``; ``author`` (whoever wrote the record looked at the images again); ``clinician`` (one
        qualified reader); ``panel`` (several); ``pathology`` (confirmed by tissue).
    by, on : str, date
        Who, by role or name, and when. Needed at every level but ``none``.
    """

    level: Literal["none", "author", "clinician", "panel", "pathology"] = "none"
    by: Line | None = None
    on: datetime.date | None = None

    @model_validator(mode="after")
    def _is_signed(self) -> "Review":
        if self.level != "none" and (self.by is None or self.on is None):
            raise ValueError(
                f"level is {self.level!r}, so `by` (who) and `on` (a date) are needed."
            )
        return self


class CaseRecord(Strict):
    """What a student may know about a case before reading it.

    ``findings_public`` holds statements that are safe to show before an answer is given; what a task
    asks for belongs in the key. ``keywords`` and ``anatomy`` are searched, and shown: they must not
    give the answer away either.
    """

    id: CaseId
    title: Line
    authors: tuple[Line, ...] = ()
    """Who wrote the teaching file; who made the images is the ``attribution``."""
    abstract: Line | None = None
    modality: Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]
    """DICOM Modality (0008,0060)."""
    body_part: Line
    anatomy: tuple[Line, ...] = ()
    """Structures that can be seen, in plain English and small letters."""
    view: Line
    history: Line
    keywords: tuple[Line, ...] = ()
    objectives: Annotated[tuple[Line, ...], Field(min_length=1)]
    difficulty: Difficulty
    licence: Line
    licence_code: LicenceCode | None = None
    """The same as an SPDX identifier, or ``LicenseRef-<name>``; every shipped case has one."""
    attribution: Line
    said_by: Who
    reviewed: Review = Review()
    source: Source
    unit: Literal["HU", "counts", "1"] | None = None
    findings_public: tuple[Statement, ...] = ()
    windows: tuple[WindowRecord, ...] = ()


def read_case_record(path: Path) -> CaseRecord:
    """Read ``<library>/<id>/case.yml``.

    Raises
    ------
    CaseError
        With file and line of every mistake.
    """
    record = read_record(path, CaseRecord)
    if record.id != path.parent.name:
        raise CaseError(
            f"{path}: id is {record.id!r} but the folder is {path.parent.name!r}; they must be equal."
        )
    return record
