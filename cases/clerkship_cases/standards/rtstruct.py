"""Structure sets (RTSTRUCT) to annotations and masks, and back: the outlines that radiotherapy plans by.

A structure is a set of contours in patient millimetres, each closed in one plane. Voxels belong to it by
the even-odd rule: of contours on one plane, an inner one makes a hole, one inside that an island.

Source
------
DICOM PS3.3 A.19 (IOD), C.8.8.5 (structure set), C.8.8.6 (ROI contour), C.8.8.8 (ROI observations).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.raster import plane_mask, take_plane
from clerkship_cases.standards.codes import Code
from clerkship_cases.standards.dicomfile import (
    observer_name,
    read_untrusted,
    untrusted,
    write_atomically,
)
from clerkship_cases.standards.image_place import ImagePlaces

STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
WHAT = "a DICOM structure set (RTSTRUCT)"
#: The largest of the Imaging Data Commons have about 50 MB. Our own limit.
MAX_BYTES = 128_000_000


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure (ROI) of a structure set.

    Attributes
    ----------
    number, name : int, str
        As the file has them; a name longer than a label (64 characters) is cut.
    code : Code or None
        What it is in coded terms, where the file says.
    interpreted_type : str
        ``"ORGAN"``, ``"EXTERNAL"``, ``"GTV"``, ...; empty where the file does not say.
    algorithm : str
        ``"MANUAL"``, ``"SEMIAUTOMATIC"``, ``"AUTOMATIC"``, or empty.
    colour_rgb : (int, int, int) or None
        In which the maker of the file showed it.
    annotations : tuple of Annotation
        A ``region`` per closed contour, a ``point`` per point, a ``length`` or ``angle`` per open line of two
        or three points.
    """

    number: int
    name: str
    code: Code | None
    interpreted_type: str
    algorithm: str
    colour_rgb: tuple[int, int, int] | None
    annotations: tuple[Annotation, ...]

    @property
    def has_inside(self) -> bool:
        """Whether any contour is closed."""
        return any(shape.kind == "region" for shape in self.annotations)

    def mask(self, case: Case) -> NDArray[np.bool_]:
        """Voxels of the structure: bool [slice, row, column], by the even-odd rule on every slice.

        Raises
        ------
        CaseError
            If a contour lies outside the case. Read the file with ``case=`` to keep those that lie on it.
        """
        places = ImagePlaces(case)
        mask = np.zeros(case.volume.array.shape[:3], dtype=np.bool_)
        for shape in self.annotations:
            if shape.kind != "region":
                continue
            plane, inside = plane_mask(shape, case.volume)
            if plane.axis == 2 and shape.slice_uid is not None:
                k = places.slice_index(shape.slice_uid, shape.frame_number)
                mask[k] ^= inside
            else:
                take_plane(mask, plane)[...] ^= inside
        return mask


@dataclass(frozen=True, slots=True)
class StructureSet:
    """What a structure set says.

    Attributes
    ----------
    label : str
        Name of the set.
    structures : tuple of Structure
        In the order of the file, also those without any contour.
    notes : tuple of str
        What was passed over, and why: contours on planes of which the case has no image, kinds of
        contour that are no annotation.
    """

    label: str
    structures: tuple[Structure, ...]
    notes: tuple[str, ...]

    def structure(self, name: str) -> Structure:
        """Look up a structure by name.

        Raises
        ------
        CaseError
            If there is none; the message lists those that exist.
        """
        for found in self.structures:
            if found.name == name:
                return found
        known = ", ".join(found.name for found in self.structures)
        raise CaseError(f"the structure set {self.label!r} has no {name!r}; it has: {known}.")


def read_rtstruct(
    path: Path | str, case: Case | None = None, *, by_position: bool = False
) -> StructureSet:
    """Read a structure set, whoever wrote it.

    Parameters
    ----------
    path : Path
        The file.
    case : Case, optional
        When given, only contours on its images are kept (the rest is counted in the notes) and each says
        on which image it lies: that which the file names, else the one within 0.05 mm of its plane.
    by_position : bool
        Match by position in the patient alone: for a file that names the images under other UIDs,
        because it was made before they were de-identified.

    Raises
    ------
    CaseError
        If the file is too large, damaged, no structure set, or of another patient space than the case.
    """
    from clerkship_cases.standards.rtstruct_reading import structure_set

    path = Path(path)
    with untrusted(path, WHAT):
        dataset = read_untrusted(path, frozenset({STRUCTURE_SET}), max_bytes=MAX_BYTES, what=WHAT)
        return structure_set(dataset, case, path.name, by_position=by_position)


def write_rtstruct(
    path: Path | str,
    case: Case,
    annotations: Iterable[Annotation] = (),
    *,
    observer: str,
    masks: Mapping[str, NDArray[np.bool_]] | None = None,
    codes: Mapping[str, Code] | None = None,
) -> Path:
    """Save annotations and masks as a structure set: one structure per label.

    Parameters
    ----------
    path : Path
        Where to; replaced as a whole or not at all.
    case : Case
        The images; they must be placed in the patient.
    annotations : iterable of Annotation
        Regions become closed contours, ellipses polygons of 180 corners, points points, lengths and angles
        open lines. Arrows are passed over: a structure set has nothing like them.
    observer : str
        Who drew them: a pseudonym.
    masks : mapping of label to bool [slice, row, column], optional
        Saved as their outlines along the edges of the voxels, holes included, so that the same voxels
        come back.
    codes : mapping of label to Code, optional
        What a label is in coded terms.

    Raises
    ------
    CaseError
        If the case is not placed in the patient, there is nothing to save, or the file can't be written.

    Notes
    -----
    Coordinates are decimal strings of at most 16 characters (PS3.5 6.2), which keeps a point to better than
    0.000000001 m within a patient: what is read again differs by less than a millionth of a millimetre.
    """
    from clerkship_cases.standards.rtstruct_object import build

    path = Path(path)
    built = build(case, list(annotations), masks or {}, codes or {}, observer_name(observer))
    write_atomically(built, path, max_bytes=MAX_BYTES)
    return path
