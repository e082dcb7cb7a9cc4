"""The key of a case: what the image shows, who says so, and where. Never shown before an answer.

Keys lie outside the library and outside every wheel. A student's server has no keys; there
:func:`open_key` says so.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from clerkship_cases.annotation import Annotation
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.record import Who
from clerkship_cases.strict import CaseId, Line, Strict
from clerkship_cases.yamlfile import read_record

Text = Annotated[str, Field(min_length=1, max_length=8000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Shape(Strict):
    """Where a finding lies: an annotation without a name of its own."""

    kind: Literal["length", "angle", "ellipse", "region", "arrow"]
    points_lps_mm: Annotated[
        tuple[tuple[Number, Number, Number], ...], Field(min_length=2, max_length=20_000)
    ]
    slice_uid: str | None = None


class ReferenceFinding(Strict):
    """One thing that the image shows.

    Attributes
    ----------
    name : str
        What tasks refer to, for instance ``"lesion"``.
    title : str
        What it is, in words for the feedback.
    who, how, reviewed : str
        Who says so, how the shape was made, and who checked it (``"none"`` if nobody has).
    shape : Shape
        Where it lies.
    """

    name: CaseId
    title: Line
    who: Who
    how: Text
    reviewed: Line
    shape: Shape
    numbers: dict[str, float | int | list[int]] = Field(default_factory=dict)
    """Numbers with which the shape can be made again, where a rule made it."""

    @property
    def annotation(self) -> Annotation:
        """The shape as an annotation, labelled with the name of the finding."""
        return Annotation(
            uid=stable_uid("finding", self.name, repr(self.shape.points_lps_mm)),
            kind=self.shape.kind,
            points_lps_mm=self.shape.points_lps_mm,
            label=self.name,
            slice_uid=self.shape.slice_uid,
        )


class Fact(Strict):
    """Something known about the case, and who says so."""

    text: Line
    who: Who


class Key(Strict):
    """What ``key.yml`` says: statements about the case, and findings with a place."""

    case: CaseId
    facts: tuple[Fact, ...] = ()
    findings: tuple[ReferenceFinding, ...] = ()

    def finding(self, name: str) -> ReferenceFinding:
        """Look up a finding by name.

        Raises
        ------
        CaseError
            If there is none; the message lists those that exist.
        """
        for finding in self.findings:
            if finding.name == name:
                return finding
        known = ", ".join(finding.name for finding in self.findings) or "none"
        raise CaseError(f"the key of {self.case!r} has no finding {name!r}; it has: {known}.")


def key_root() -> Path:
    """Folder of the keys: ``$CLERKSHIP_KEYS``, else beside the library of a checkout."""
    named = os.environ.get("CLERKSHIP_KEYS")
    return Path(named) if named else Path(__file__).parents[1] / "keys"


def open_key(case_id: str, root: Path | None = None) -> Key:
    """Read ``<root>/<case id>/key.yml``.

    Raises
    ------
    CaseError
        If there is no key here (a student's machine has none), or it is wrong (file and line).
    """
    path = (root or key_root()) / case_id / "key.yml"
    if "/" in case_id or case_id.startswith(".") or not path.is_file():
        raise CaseError(
            f"there is no key for the case {case_id!r} in {path.parent.parent}. Keys are on the teacher's "
            f"side only; if this is it, set CLERKSHIP_KEYS to the folder that holds them."
        )
    key = read_record(path, Key)
    if key.case != case_id:
        raise CaseError(
            f"{path}: case is {key.case!r}, but the folder is {case_id!r}; they must be equal."
        )
    for finding in key.findings:
        try:
            _ = finding.annotation
        except CaseError as problem:
            raise CaseError(f"{path}: finding {finding.name!r}: {problem}") from problem
    return key
