"""Drawn regions to a DICOM Segmentation and back: voxels of the source grid, one segment per label.

Source
------
DICOM PS3.3 A.51 (IOD), C.8.20 (modules).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.annotation import MAX_LABEL, Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.raster import plane_mask, take_plane
from clerkship_cases.standards.dicomfile import (
    observer_name,
    read_untrusted,
    untrusted,
    write_atomically,
)
from clerkship_cases.standards.private import MAX_SEGMENTS, SEG_MAX_BYTES

#: The segment of shapes that were given no label: a segment must have one (C.8.20.4).
UNLABELLED = "unlabelled"

_SEGMENTATION = frozenset({"1.2.840.10008.5.1.4.1.1.66.4"})
_WHAT = "a DICOM Segmentation of this case"
Mask = NDArray[np.bool_]


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
        mask = masks.setdefault(label, np.zeros(volume.array.shape, dtype=np.bool_))
        take_plane(mask, plane)[...] |= inside
    return write_masks(path, case, masks, observer=observer)


def write_masks(
    path: Path | str, case: Case, masks: Mapping[str, Mask], *, observer: str
) -> Path | None:
    """Save masks [slice, row, column] by label; see :func:`write_seg`."""
    path = Path(path)
    if not masks:
        path.unlink(missing_ok=True)
        return None
    if len(masks) > MAX_SEGMENTS:
        raise CaseError(
            f"{len(masks)} labels were given; a segmentation holds at most {MAX_SEGMENTS}."
        )
    for label, mask in masks.items():
        if mask.shape != case.volume.array.shape:
            raise CaseError(
                f"the mask {label!r} has shape {mask.shape}; the images of {case.id!r} have "
                f"{case.volume.array.shape}."
            )
    # highdicom takes two seconds to load: only when something is saved.
    from clerkship_cases.standards.seg_object import segmentation

    write_atomically(
        segmentation(case, masks, observer_name(observer)), path, max_bytes=SEG_MAX_BYTES
    )
    return path


def read_seg(path: Path | str, case: Case) -> dict[str, Mask]:
    """Read a segmentation of this case: mask [slice, row, column] by label.

    Meant for files that a student handed in: every claim of the file is checked.

    Raises
    ------
    CaseError
        If the file is too large, damaged, no binary segmentation, or of other images.
    """
    path = Path(path)
    with untrusted(path, _WHAT):
        dataset = read_untrusted(path, _SEGMENTATION, max_bytes=SEG_MAX_BYTES, what=_WHAT)
        return _masks(dataset, case, path.name)


def _masks(dataset: Dataset, case: Case, name: str) -> dict[str, Mask]:
    shape = case.volume.array.shape
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if dataset.SegmentationType != "BINARY":
        raise CaseError(
            f"{name} is a {dataset.SegmentationType} segmentation; only BINARY ones are read."
        )
    if (rows, columns) != shape[1:]:
        raise CaseError(
            f"{name} has {rows} x {columns} pixels, the images of {case.id!r} have {shape[1]} x {shape[2]}; "
            f"it belongs to another case."
        )
    labels = _labels(dataset, name)
    groups = dataset.PerFrameFunctionalGroupsSequence
    packed = _packed(dataset, rows * columns, len(labels) * shape[0], name)
    if len(groups) != int(dataset.NumberOfFrames):
        raise CaseError(f"{name} has {dataset.NumberOfFrames} frames but describes {len(groups)}.")
    slice_of = {str(header.SOPInstanceUID): k for k, header in enumerate(case.images)}
    masks = {label: np.zeros(shape, dtype=np.bool_) for label in labels.values()}
    for n, group in enumerate(groups):
        segment = _functional_group(dataset, group, "SegmentIdentificationSequence")
        derivation = _functional_group(dataset, group, "DerivationImageSequence")
        number = int(segment.ReferencedSegmentNumber)
        source = str(derivation.SourceImageSequence[0].ReferencedSOPInstanceUID)
        if number not in labels:
            raise CaseError(f"{name} has a frame of segment {number}, which it does not describe.")
        if source not in slice_of:
            raise CaseError(
                f"{name} was drawn on another image ({source}), not on the case {case.id!r}."
            )
        masks[labels[number]][slice_of[source]] |= _frame(packed, n, rows, columns)
    return masks


def _functional_group(dataset: Dataset, own: Dataset, keyword: str) -> Dataset:
    """Look in the frame's own group, else in the one that all frames share (C.7.6.16.2)."""
    place = own if keyword in own else dataset.SharedFunctionalGroupsSequence[0]
    item: Dataset = place[keyword].value[0]
    return item


def _labels(dataset: Dataset, name: str) -> dict[int, str]:
    """Label of each segment, by its number."""
    segments = dataset.SegmentSequence
    if not 1 <= len(segments) <= MAX_SEGMENTS:
        raise CaseError(f"{name} has {len(segments)} segments; 1 to {MAX_SEGMENTS} are allowed.")
    labels = {
        int(segment.SegmentNumber): str(segment.SegmentLabel)[:MAX_LABEL] for segment in segments
    }
    if len(labels) != len(segments):
        raise CaseError(f"{name} gives one number to two segments.")
    return labels


def _packed(dataset: Dataset, pixels: int, most_frames: int, name: str) -> NDArray[np.uint8]:
    """Pixel data as bytes of 8 pixels, after making sure that it holds what the header says."""
    frames = int(dataset.NumberOfFrames)
    if not 1 <= frames <= most_frames:
        raise CaseError(f"{name} has {frames} frames; this case allows 1 to {most_frames}.")
    if int(dataset.BitsAllocated) != 1:
        raise CaseError(
            f"{name} stores {dataset.BitsAllocated} bits per pixel; a BINARY one stores 1."
        )
    packed = np.frombuffer(dataset.PixelData, dtype=np.uint8)
    if packed.size * 8 < frames * pixels:
        raise CaseError(f"{name} is cut short: it has fewer pixels than it says.")
    return packed


def _frame(packed: NDArray[np.uint8], n: int, rows: int, columns: int) -> Mask:
    """Unpack one frame; frames follow each other without padding, lowest bit first (PS3.5 8.1.1)."""
    first_byte, first_bit = divmod(n * rows * columns, 8)
    bits = np.unpackbits(packed[first_byte:], count=first_bit + rows * columns, bitorder="little")
    return bits[first_bit:].reshape(rows, columns).astype(np.bool_)
