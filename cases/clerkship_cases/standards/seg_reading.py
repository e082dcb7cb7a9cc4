"""Read a DICOM Segmentation, whoever wrote it: one mask on the grid of the case per segment.

Source
------
DICOM PS3.3 A.51, A.51.2 (label map), C.8.20.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.annotation import MAX_LABEL
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.standards.codes import Code, code_of
from clerkship_cases.standards.dicomfile import read_untrusted, untrusted
from clerkship_cases.standards.image_place import ImagePlaces
from clerkship_cases.standards.private import MAX_SEGMENTS, SEG_MAX_BYTES
from clerkship_cases.standards.seg_frames import FramePlacer, Frames, Mask, Place, functional_group

_SEGMENTATION = frozenset({"1.2.840.10008.5.1.4.1.1.66.4"})
_ANY_SEGMENTATION = _SEGMENTATION | {"1.2.840.10008.5.1.4.1.1.66.7"}
WHAT = "a DICOM Segmentation of this case"

#: A whole-body segmentation has about a hundred segments and as many megabytes. Our own limits.
MAX_REFERENCE_SEGMENTS = 255
REFERENCE_MAX_BYTES = 512_000_000
#: Voxels of all masks together, one byte each: what a small server has to spare. Our own limit.
MAX_MASK_VOXELS = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment of a segmentation, on the grid of a case.

    Attributes
    ----------
    number, label : int, str
        As the file has them.
    category, property : Code or None
        What kind of thing it is and which one; SNOMED RT is turned into SNOMED CT where known.
    algorithm : str
        ``"MANUAL"``, ``"SEMIAUTOMATIC"``, ``"AUTOMATIC"``, or empty where the file does not say.
    mask : bool [slice, row, column]
        Its voxels.
    """

    number: int
    label: str
    category: Code | None
    property: Code | None
    algorithm: str
    mask: Mask


def read_segments(
    path: Path | str,
    case: Case,
    *,
    labels: Collection[str] | None = None,
    threshold: float | None = None,
    place: Place = "source",
) -> list[Segment]:
    """Read a segmentation that a teacher chose, from any software: segments in the order of the file.

    Parameters
    ----------
    path : Path
        The file: BINARY, FRACTIONAL or LABELMAP, uncompressed.
    case : Case
        The images that it belongs to.
    labels : collection of str, optional
        Read these segments only; a large file may hold a hundred.
    threshold : float, optional
        For a FRACTIONAL file, which has to be cut somewhere: the least probability or occupancy
        (0 to 1) of a voxel that belongs. There is no default, because nobody knows it but you.
    place : {"source", "position"}
        Find slices by the images that the file names; or by position in the patient alone, for a file
        that was made on the same images under other UIDs (before they were de-identified).

    Raises
    ------
    CaseError
        If the file is too large, damaged, compressed, of other images, or FRACTIONAL without a threshold.
    """
    return _read(
        Path(path),
        case,
        classes=_ANY_SEGMENTATION,
        max_bytes=REFERENCE_MAX_BYTES,
        max_segments=MAX_REFERENCE_SEGMENTS,
        labels=labels,
        threshold=threshold,
        place=place,
    )


def read_seg(path: Path | str, case: Case) -> dict[str, Mask]:
    """Read a segmentation of this case: mask [slice, row, column] by label.

    Meant for files that a student handed in: every claim of the file is checked, and less is allowed than
    :func:`read_segments` does.

    Raises
    ------
    CaseError
        If the file is too large, damaged, no binary segmentation, or of other images.
    """
    segments = _read(
        Path(path),
        case,
        classes=_SEGMENTATION,
        max_bytes=SEG_MAX_BYTES,
        max_segments=MAX_SEGMENTS,
        labels=None,
        threshold=None,
        place="source",
    )
    masks: dict[str, Mask] = {}
    for segment in segments:
        if segment.label in masks:
            masks[segment.label] |= segment.mask
        else:
            masks[segment.label] = segment.mask
    return masks


def _read(
    path: Path,
    case: Case,
    *,
    classes: frozenset[str],
    max_bytes: int,
    max_segments: int,
    labels: Collection[str] | None,
    threshold: float | None,
    place: Place,
) -> list[Segment]:
    with untrusted(path, WHAT):
        dataset = read_untrusted(path, classes, max_bytes=max_bytes, what=WHAT)
        kind = str(dataset.SegmentationType)
        _check_kind(dataset, kind, threshold, path.name)
        _check_size(dataset, case, path.name)
        segments = _segments(dataset, case, path.name, max_segments, labels)
        every = len(dataset.SegmentSequence)
        across = max(case.volume.array.shape) if place == "position" else case.volume.array.shape[0]
        frames = Frames(dataset, path.name, most_frames=every * across)
        groups = dataset.PerFrameFunctionalGroupsSequence
        if len(groups) != frames.count:
            raise CaseError(f"{path.name} has {frames.count} frames but describes {len(groups)}.")
        placer = FramePlacer(dataset, ImagePlaces(case), path.name, place)
        described = {int(item.SegmentNumber) for item in dataset.SegmentSequence}
        for n, group in enumerate(groups):
            for number, drawn in _by_segment(dataset, frames[n], group, threshold):
                if number not in described:
                    raise CaseError(
                        f"{path.name} has a frame of segment {number}, which it does not describe."
                    )
                if number in segments:
                    placer.put(segments[number].mask, drawn, group)
        return list(segments.values())


def _by_segment(
    dataset: Dataset, pixels: NDArray[Any], group: Dataset, threshold: float | None
) -> Iterator[tuple[int, Mask]]:
    """Tell what a frame says of which segment: a label map says something of several."""
    kind = str(dataset.SegmentationType)
    if kind == "LABELMAP":
        background = int(dataset.get("PixelPaddingValue", 0) or 0)
        for number in np.unique(pixels):
            if int(number) != background:
                yield int(number), np.asarray(pixels == number)
        return
    identified = functional_group(dataset, group, "SegmentIdentificationSequence")
    if identified is None:
        raise KeyError("SegmentIdentificationSequence")
    number = int(identified.ReferencedSegmentNumber)
    if kind == "FRACTIONAL":
        most = int(dataset.get("MaximumFractionalValue", 255))
        yield number, np.asarray((pixels > 0) & (pixels >= (threshold or 0.0) * most))
    else:
        yield number, pixels


def _check_kind(dataset: Dataset, kind: str, threshold: float | None, name: str) -> None:
    if kind == "FRACTIONAL" and threshold is None:
        raise CaseError(
            f"{name} is a FRACTIONAL segmentation; only BINARY ones are read. Say from which fraction on a voxel "
            f"belongs (threshold=0.5, for instance) where that can be said."
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise CaseError(f"threshold {threshold} must be a fraction from 0 to 1.")
    allowed = {"BINARY": (1,), "FRACTIONAL": (8,), "LABELMAP": (8, 16)}
    if kind not in allowed:
        raise CaseError(f"{name} is a {kind!r} segmentation, which is not known here.")
    bits = int(dataset.BitsAllocated)
    if bits not in allowed[kind]:
        expected = " or ".join(str(n) for n in allowed[kind])
        raise CaseError(
            f"{name} stores {bits} bits per pixel; a {kind} segmentation stores {expected}."
        )


def _check_size(dataset: Dataset, case: Case, name: str) -> None:
    """Refuse frames that are larger than the largest plane of the case.

    Without a frame of reference they must be exactly as large as its slices.
    """
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    shape = case.volume.array.shape[:3]
    is_cut_across = dataset.get("FrameOfReferenceUID") is not None
    most = max(shape) if is_cut_across else 0
    if (rows, columns) != shape[1:] and not (0 < rows <= most and 0 < columns <= most):
        raise CaseError(
            f"{name} has {rows} x {columns} pixels, the images of {case.id!r} have {shape[1]} x {shape[2]}; "
            f"it belongs to another case."
        )


def _segments(
    dataset: Dataset, case: Case, name: str, most: int, labels: Collection[str] | None
) -> dict[int, Segment]:
    """Segments by number, still empty."""
    described = dataset.SegmentSequence
    if not 1 <= len(described) <= most:
        raise CaseError(f"{name} has {len(described)} segments; 1 to {most} are allowed.")
    found = {int(item.SegmentNumber): item for item in described}
    if len(found) != len(described):
        raise CaseError(f"{name} gives one number to two segments.")
    known = {number: str(item.SegmentLabel)[:MAX_LABEL] for number, item in found.items()}
    if labels is not None and (absent := set(labels) - set(known.values())):
        raise CaseError(
            f"{name} has no segment {sorted(absent)[0]!r}; it has: {', '.join(known.values())}."
        )
    wanted = [n for n, label in known.items() if labels is None or label in labels]
    shape = case.volume.array.shape[:3]
    if len(wanted) * int(np.prod(shape)) > MAX_MASK_VOXELS:
        raise CaseError(
            f"{name} has {len(wanted)} segments, too many to hold at once on this case; name the ones that you "
            f"need (labels=...)."
        )
    return {
        number: Segment(
            number=number,
            label=known[number],
            category=code_of(found[number], "SegmentedPropertyCategoryCodeSequence"),
            property=code_of(found[number], "SegmentedPropertyTypeCodeSequence"),
            algorithm=str(found[number].get("SegmentAlgorithmType", "")),
            mask=np.zeros(shape, dtype=np.bool_),
        )
        for number in wanted
    }
