"""Drawn regions to a DICOM Segmentation and back: voxels of the source grid, one segment per label.

Source
------
DICOM PS3.3 A.51 (IOD), C.8.20 (modules).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.raster import plane_mask, take_plane
from clerkship_cases.standards.codes import Code
from clerkship_cases.standards.dicomfile import observer_name, write_atomically
from clerkship_cases.standards.private import MAX_SEGMENTS, SEG_MAX_BYTES
from clerkship_cases.standards.seg_frames import Mask
from clerkship_cases.standards.seg_reading import Segment, read_seg, read_segments

__all__ = ["UNLABELLED", "Segment", "read_seg", "read_segments", "write_masks", "write_seg"]

#: The segment of shapes that were given no label: a segment must have one (C.8.20.4).
UNLABELLED = "unlabelled"


def write_seg(
    path: Path | str, case: Case, annotations: Iterable[Annotation], *, observer: str
) -> Path | None:
    """Save the regions and ellipses among ``annotations`` as a DICOM Segmentation.

    Shapes with the same label become one segment (their union). Segments may overlap.

    Parameters
    ----------
    path : Path
        Where to; replaced as a whole or not at all.
    case : Case
        The images on which the shapes were drawn.
    annotations : iterable of Annotation
        Lengths, angles and arrows are passed over; they have no inside.
    observer : str
        Who drew them: a pseudonym.

    Returns
    -------
    path : Path or None
        None when there is no region: a file of an earlier save is then removed, so that what is on disk
        is what is on screen.

    Raises
    ------
    CaseError
        If a shape lies oblique to or outside the images, or the file can't be written.
    """
    masks: dict[str, Mask] = {}
    volume = case.volume
    for annotation in annotations:
        if annotation.kind not in ("region", "ellipse"):
            continue
        plane, inside = plane_mask(annotation, volume)
        label = annotation.label or UNLABELLED
        mask = masks.setdefault(label, np.zeros(volume.array.shape[:3], dtype=np.bool_))
        take_plane(mask, plane)[...] |= inside
    return write_masks(path, case, masks, observer=observer)


def write_masks(
    path: Path | str,
    case: Case,
    masks: Mapping[str, Mask],
    *,
    observer: str,
    what: str = "ANSWER",
    kinds: Mapping[str, Code] | None = None,
) -> Path | None:
    """Save masks [slice, row, column] by label; see :func:`write_seg`.

    ``what`` becomes the ContentLabel of the file (``"ANSWER"`` or ``"REFERENCE"``); ``kinds`` says what a
    label is in coded terms, where more is known of it than the word.
    """
    path = Path(path)
    if not masks:
        path.unlink(missing_ok=True)
        return None
    if len(masks) > MAX_SEGMENTS:
        raise CaseError(
            f"{len(masks)} labels were given; a segmentation holds at most {MAX_SEGMENTS}."
        )
    for label, mask in masks.items():
        if mask.shape != case.volume.array.shape[:3]:
            raise CaseError(
                f"the mask {label!r} has shape {mask.shape}; the images of {case.id!r} have "
                f"{case.volume.array.shape[:3]}."
            )
    # highdicom takes two seconds to load: only when something is saved.
    from clerkship_cases.standards.seg_object import segmentation

    built = segmentation(case, masks, observer_name(observer), what=what, kinds=kinds or {})
    write_atomically(built, path, max_bytes=SEG_MAX_BYTES)
    return path
