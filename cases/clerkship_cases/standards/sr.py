"""Annotations to a DICOM Structured Report (TID 1500) and back.

How an annotation maps to the standard is said in :mod:`clerkship_cases.standards.sr_report`.
"""

from collections.abc import Iterable
from pathlib import Path

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.standards.dicomfile import observer_name, write_atomically
from clerkship_cases.standards.private import MAX_ANNOTATIONS, SR_MAX_BYTES
from clerkship_cases.standards.sr_reading import read_sr

__all__ = ["read_sr", "write_sr"]


def write_sr(
    path: Path | str, case: Case, annotations: Iterable[Annotation], *, observer: str
) -> Path | None:
    """Save annotations as a DICOM Structured Report.

    Parameters
    ----------
    path : Path
        Where to; replaced as a whole or not at all.
    case : Case
        The images on which they were drawn.
    annotations : iterable of Annotation
        At most 500.
    observer : str
        Who drew them: a pseudonym, it becomes the observer of the report.

    Returns
    -------
    path : Path or None
        None when there are no annotations (a report must have one): a file of an earlier save is then
        removed, so that what is on disk is what is on screen.

    Raises
    ------
    CaseError
        If an annotation names an image of another case, or the file can't be written.

    Notes
    -----
    Coordinates are stored as 32-bit floats, as DICOM prescribes: a point 200 mm from the origin is kept
    to 0.00002 mm. Where the shape is stored in pixels, ``slice_uid`` is always set on reading.
    """
    path, drawn = Path(path), list(annotations)
    if not drawn:
        path.unlink(missing_ok=True)
        return None
    if len(drawn) > MAX_ANNOTATIONS:
        raise CaseError(
            f"{len(drawn)} annotations were given; one report holds at most {MAX_ANNOTATIONS}."
        )
    # highdicom takes two seconds to load: only when something is saved.
    from clerkship_cases.standards.sr_report import report

    write_atomically(report(case, drawn, observer_name(observer)), path, max_bytes=SR_MAX_BYTES)
    return path
