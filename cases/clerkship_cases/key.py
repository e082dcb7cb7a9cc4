"""The key of a case: what the image shows, who says so, and where. Never shown before an answer.

Keys lie outside the library and outside every wheel. A student's server has no keys; there
:func:`open_key` says so. A finding may have been outlined by several readers: each reading is an entry
of its own with the same name, and none overwrites another.
"""

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, field_validator, model_validator

from clerkship_cases.annotation import Annotation
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.raster import region_mask
from clerkship_cases.record import Who
from clerkship_cases.sources.kinds import inside
from clerkship_cases.strict import CaseId, Line, Sha256, Strict
from clerkship_cases.yamlfile import read_record

if TYPE_CHECKING:
    from clerkship_cases.case import Case

Text = Annotated[str, Field(min_length=1, max_length=8000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
#: A pseudonym or a role ("radiologist-2", "author"), never a name: keys are shared between teachers.
Reader = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_.][a-z0-9]+)*$", max_length=32)]

#: How a reference was checked after it was made: by nobody, by its own maker on another day, by one
#: other reader, by several together, against the specimen, or against later images of the same patient.
ReviewLevel = Literal["none", "self", "second reader", "panel", "pathology", "follow-up"]
_NOBODY_ELSE: tuple[ReviewLevel, ...] = ("none", "self")


class Shape(Strict):
    """Where a finding lies: an annotation without a name of its own."""

    kind: Literal["length", "angle", "ellipse", "region", "arrow", "point"]
    points_lps_mm: Annotated[
        tuple[tuple[Number, Number, Number], ...], Field(min_length=1, max_length=20_000)
    ]
    slice_uid: str | None = None
    frame_number: int | None = None


class MaskFile(Strict):
    """A DICOM Segmentation beside ``key.yml`` that holds every voxel of a finding."""

    file: Line
    segment: Annotated[int, Field(ge=1)] = 1
    sha256: Sha256

    @field_validator("file")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        return inside(value)


class ReferenceFinding(Strict):
    """One thing that the image shows, as one reader saw it.

    Attributes
    ----------
    name : str
        What tasks refer to, for instance ``"lesion"``.
    title : str
        What it is, in words for the feedback.
    who : str
        What the statement rests on: the file's ``metadata``, an ``author`` of this project, a
        ``clinician``, ``pathology``.
    how : str
        How the shape was made, closely enough that someone else could make it again.
    reader : str
        Who made the shape: a pseudonym or a role. The value of ``who`` where the key names nobody.
    date : date or None
        When.
    made_from : tuple of str
        The readers whose readings were fused; empty for a reading of one's own.
    reviewed : str
        How it was checked (:data:`ReviewLevel`); ``"none"`` if nobody has looked at it again.
    reviewed_by, reviewed_on : str, date
        By whom and when. Needed as soon as somebody else is said to have looked.
    shape : Shape
        Where it lies. For a finding with a mask: its outline on the slice where it is largest.
    mask : MaskFile or None
        All its voxels, for a finding that one shape does not hold.
    """

    name: CaseId
    title: Line
    who: Who
    how: Text
    reader: Reader = ""
    date: datetime.date | None = None
    made_from: tuple[Reader, ...] = ()
    reviewed: ReviewLevel
    reviewed_by: Line | None = None
    reviewed_on: datetime.date | None = None
    shape: Shape
    mask: MaskFile | None = None
    numbers: dict[str, float | int | list[int]] = Field(default_factory=dict)
    """Numbers with which the shape can be made again, where a rule made it."""
    _folder: Path | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _reader_is_who(cls, value: object) -> object:
        if isinstance(value, dict) and "reader" not in value and isinstance(value.get("who"), str):
            return {**value, "reader": value["who"]}
        return value

    @model_validator(mode="after")
    def _review_is_signed(self) -> "ReferenceFinding":
        if self.reviewed not in _NOBODY_ELSE and self.reviewed_by is None:
            raise ValueError(
                f"reviewed is {self.reviewed!r}, so reviewed_by must say who looked (a role will do)."
            )
        return self

    @property
    def annotation(self) -> Annotation:
        """The shape as an annotation, labelled with the name of the finding."""
        return Annotation(
            uid=stable_uid("finding", self.name, repr(self.shape.points_lps_mm)),
            kind=self.shape.kind,
            points_lps_mm=self.shape.points_lps_mm,
            label=self.name,
            slice_uid=self.shape.slice_uid,
            frame_number=self.shape.frame_number,
        )

    def voxels(self, case: "Case") -> NDArray[np.bool_]:
        """Every voxel of the finding: bool [slice, row, column].

        Raises
        ------
        CaseError
            If the shape has no inside (a point, a length), or its file is missing, changed, or of
            other images.
        """
        if self.mask is None:
            return region_mask(self.annotation, case.volume)
        from clerkship_cases.reference.maskfile import read_mask_file

        return read_mask_file(self.mask, self._folder, case)


class Fact(Strict):
    """Something known about the case, and who says so."""

    text: Line
    who: Who


class Key(Strict):
    """What ``key.yml`` says: statements about the case, and findings with a place."""

    case: CaseId
    facts: tuple[Fact, ...] = ()
    findings: tuple[ReferenceFinding, ...] = ()

    def finding(self, name: str, reader: str | None = None) -> ReferenceFinding:
        """Look up a finding by name: of one reader, else the one that :meth:`reference` begins with.

        Raises
        ------
        CaseError
            If there is none; the message lists those that exist.
        """
        if reader is None:
            return self.reference(name)[0]
        readings = self.readers(name)
        if reader not in readings:
            raise CaseError(
                f"the finding {name!r} of {self.case!r} has no reading by {reader!r}; it has: "
                f"{', '.join(readings)}."
            )
        return readings[reader][0]

    def readers(self, name: str) -> dict[str, tuple[ReferenceFinding, ...]]:
        """Tell the readings of a finding apart, reader by reader, in the order of the key.

        A reader has more than one entry where the finding has several parts. What was fused from
        readings stands under the reader's name that it was given (``"consensus"``).

        Raises
        ------
        CaseError
            If there is no such finding.
        """
        found: dict[str, tuple[ReferenceFinding, ...]] = {}
        for finding in self.findings:
            if finding.name == name:
                found[finding.reader] = (*found.get(finding.reader, ()), finding)
        if not found:
            known = ", ".join(dict.fromkeys(finding.name for finding in self.findings)) or "none"
            raise CaseError(f"the key of {self.case!r} has no finding {name!r}; it has: {known}.")
        return found

    def reference(self, name: str) -> tuple[ReferenceFinding, ...]:
        """Choose what answers are compared with: the fused reading if there is one, else the first reader's.

        Raises
        ------
        CaseError
            If there is no such finding.
        """
        readings = list(self.readers(name).values())
        fused = (parts for parts in readings if parts[0].made_from)
        return next(fused, readings[0])


def key_roots() -> tuple[Path, ...]:
    """Folders of the keys: ``$CLERKSHIP_KEYS`` (several, as in ``PATH``), else the checkout's and yours.

    New readings are written to the last one.
    """
    named = [part for part in os.environ.get("CLERKSHIP_KEYS", "").split(os.pathsep) if part]
    if named:
        return tuple(Path(part) for part in named)
    from clerkship_cases.library import added_root

    return (Path(__file__).parents[1] / "keys", added_root() / "keys")


def key_root() -> Path:
    """Return the first of :func:`key_roots`."""
    return key_roots()[0]


def open_key(case_id: str, root: Path | None = None) -> Key:
    """Read the key of a case: ``<root>/<case id>/key.yml`` of every root that has one, as one key.

    Parameters
    ----------
    case_id : str
        Which case.
    root : Path, optional
        Look here only, not in all of :func:`key_roots`.

    Raises
    ------
    CaseError
        If there is no key here (a student's machine has none), or it is wrong (file and line).
    """
    roots = (root,) if root is not None else key_roots()
    is_name = case_id != "" and "/" not in case_id and not case_id.startswith(".")
    paths = [folder / case_id / "key.yml" for folder in roots] if is_name else []
    found = [read_key(path) for path in paths if path.is_file()]
    if not found:
        raise CaseError(
            f"there is no key for the case {case_id!r} in {_listed(roots)}. Keys are on the teacher's "
            f"side only; if this is it, set CLERKSHIP_KEYS to the folder that holds them."
        )
    return Key(
        case=case_id,
        facts=tuple(fact for key in found for fact in key.facts),
        findings=tuple(finding for key in found for finding in key.findings),
    )


def read_key(path: Path) -> Key:
    """Read one ``key.yml``; its folder must bear the name of its case.

    Raises
    ------
    CaseError
        With file and line of every mistake.
    """
    key = read_record(path, Key)
    if key.case != path.parent.name:
        raise CaseError(
            f"{path}: case is {key.case!r}, but the folder is {path.parent.name!r}; they must be equal."
        )
    for finding in key.findings:
        finding._folder = path.parent
        try:
            _ = finding.annotation
        except CaseError as problem:
            raise CaseError(f"{path}: finding {finding.name!r}: {problem}") from problem
    return key


def _listed(roots: Sequence[Path]) -> str:
    return " or ".join(str(root) for root in roots)
