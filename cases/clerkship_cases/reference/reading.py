"""What a standard file says about a case, label by label, whichever kind of file it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.standards.codes import Code
from clerkship_cases.standards.dicomfile import as_label, untrusted
from clerkship_cases.standards.image_place import ImagePlaces
from clerkship_cases.standards.seg_frames import Place

_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{n}" for n in (22, 33, 34))
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_PRESENTATIONS = tuple(f"1.2.840.10008.5.1.4.1.1.11.{n}" for n in (1, 2))


#: Larger images are cines of an hour. Our own limit.
_MOST_IMAGE_BYTES = 512_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One finding as one file has it.

    Attributes
    ----------
    label : str
        What the file calls it.
    code : Code or None
        What it is in coded terms, where the file says.
    annotations : tuple of Annotation
        Its shapes, where the file holds shapes.
    mask : bool [slice, row, column] or None
        Its voxels, where the file holds voxels or shapes with an inside.
    """

    label: str
    code: Code | None
    annotations: tuple[Annotation, ...]
    mask: NDArray[np.bool_] | None


def from_file(
    path: Path | str, case: Case, *, threshold: float | None = None, by_position: bool = False
) -> list[Reading]:
    """Read a segmentation, report, structure set or presentation state of a case, or marks in its image.

    Of an image of the case itself its overlays are read: a region of interest as it is, of drawn lines what
    each closed one surrounds, the largest first.

    Parameters
    ----------
    path : Path
        The file; what it is, it says itself.
    case : Case
        The images that it was made on.
    threshold : float, optional
        From which fraction on a voxel belongs, for a FRACTIONAL segmentation.
    by_position : bool
        Place it by position in the patient, not by the images it names: for a segmentation or structure
        set that was made before the images were de-identified, which gave them other UIDs.

    Raises
    ------
    CaseError
        If the file is of another kind, damaged, or of other images.
    """
    path = Path(path)
    with untrusted(
        path, "a DICOM Segmentation, Structured Report, structure set or presentation state"
    ):
        try:
            head = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        except (InvalidDicomError, OSError) as problem:
            raise CaseError(
                f"{path} is not a DICOM file that can be read; expected a segmentation, a report, a "
                f"structure set or a presentation state."
            ) from problem
        kind = head.get("SOPClassUID")
    readers: dict[str, Callable[[], list[Reading]]] = {
        **dict.fromkeys(_SEGMENTATIONS, lambda: _segments(path, case, threshold, by_position)),
        **dict.fromkeys(_REPORTS, lambda: _report(path, case)),
        _STRUCTURE_SET: lambda: _structures(path, case, by_position),
        **dict.fromkeys(_PRESENTATIONS, lambda: _presentation(path, case)),
    }
    if str(kind) not in readers:
        if found := _overlays(path, case):
            return found
        raise CaseError(
            f"{path.name} holds {getattr(kind, 'name', kind)}; a reference is read from a segmentation, a report "
            f"(TID 1500), a structure set, a presentation state, or the overlays of an image of the case."
        )
    return readers[str(kind)]()


def _segments(path: Path, case: Case, threshold: float | None, by_position: bool) -> list[Reading]:
    from clerkship_cases.standards.seg_reading import read_segments

    place: Place = "position" if by_position else "source"
    return [
        Reading(segment.label, segment.property, (), segment.mask)
        for segment in read_segments(path, case, threshold=threshold, place=place)
    ]


def _report(path: Path, case: Case) -> list[Reading]:
    from clerkship_cases.standards.sr_reading import read_report

    report = read_report(path, case)
    return _by_label(
        [(shape, group.finding) for group in report.groups for shape in group.annotations]
    )


def _presentation(path: Path, case: Case) -> list[Reading]:
    from clerkship_cases.standards.presentation import read_presentation

    return _by_label([(shape, None) for shape in read_presentation(path, case).annotations])


def _structures(path: Path, case: Case, by_position: bool) -> list[Reading]:
    from clerkship_cases.standards.rtstruct import read_rtstruct

    found = []
    for structure in read_rtstruct(path, case, by_position=by_position).structures:
        mask = structure.mask(case) if structure.has_inside else None
        found.append(Reading(structure.name, structure.code, structure.annotations, mask))
    return found


def _overlays(path: Path, case: Case) -> list[Reading]:
    """Find the marks in the file of an image of the case; none if it has none or is of another case."""
    from clerkship_cases.standards.overlay import enclosed_areas, read_overlays

    places = ImagePlaces(case)
    with untrusted(path, "an image with overlays"):
        if path.stat().st_size > _MOST_IMAGE_BYTES:
            raise CaseError(f"{path.name} is too large an image to look for overlays in.")
        dataset = dcmread(path)
        slices = places.slices_of(str(dataset.get("SOPInstanceUID", "")))
        if not slices:
            return []
        found = []
        by_frame = {case.frame_numbers[k]: k for k in slices}
        for overlay in read_overlays(dataset):
            name = as_label(overlay.label or overlay.description) or f"overlay {overlay.group:04x}"
            for frame, plane in enumerate(overlay.planes, start=overlay.first_frame):
                if frame not in by_frame:
                    raise CaseError(
                        f"{path.name}: overlay {overlay.group:04x} marks frame {frame}, which the case "
                        f"{case.id!r} does not have."
                    )
                for area in [plane] if overlay.kind == "R" else enclosed_areas(plane):
                    mask = np.zeros(case.volume.array.shape[:3], dtype=np.bool_)
                    mask[by_frame[frame]] = area
                    found.append(Reading(name, None, (), mask))
        return found


def _by_label(shapes: list[tuple[Annotation, Code | None]]) -> list[Reading]:
    """Gather the shapes of each label, in the order in which labels first appear."""
    labels = list(dict.fromkeys(shape.label for shape, _code in shapes))
    return [
        Reading(
            label,
            next((code for shape, code in shapes if shape.label == label and code), None),
            tuple(shape for shape, _code in shapes if shape.label == label),
            None,
        )
        for label in labels
    ]
