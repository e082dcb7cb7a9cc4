"""The public record of a case: what ``case.yml`` may say."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from clerkship_cases.display import Window
from clerkship_cases.errors import CaseError
from clerkship_cases.sources.kinds import Source
from clerkship_cases.strict import CaseId, Line, Strict
from clerkship_cases.yamlfile import read_record

#: Who says something about a case. Nothing is said by nobody.
Who = Literal["metadata", "author", "clinician", "pathology"]


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


class CaseRecord(Strict):
    """What a student may know about a case before reading it.

    ``findings_public`` holds statements that are safe to show before an answer is given; what a task
    asks for belongs in the key.
    """

    id: CaseId
    title: Line
    modality: Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]
    body_part: Line
    view: Line
    history: Line
    objectives: Annotated[tuple[Line, ...], Field(min_length=1)]
    difficulty: Literal["introductory", "intermediate", "advanced"]
    licence: Line
    attribution: Line
    said_by: Who
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
