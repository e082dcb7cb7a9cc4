"""Slices in order, and the grid they make: what fits is said, what does not is refused with the place.

Order comes from positions along the normal of the slices, never from file names or InstanceNumber.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.dicom.plane import Plane
from clerkship_cases.errors import CaseError
from clerkship_cases.volume import Affine

#: Slice gaps of one series may differ by this much (a scanner's rounding) and still be one grid: a PET
#: of our test data has gaps of 3.27 and 3.29 mm.
GAP_TOLERANCE_MM = 0.05
#: Two slices nearer than this lie at the same place.
SAME_PLACE_MM = 0.01
#: A gap is a whole number of slices if it differs from that by less than this share of a gap.
_WHOLE_SHARE = 0.1
#: Cosines of one series may differ by this much: what rounding to six digits and small drifts make.
_COSINE_TOLERANCE = 1e-3
_SPACING_TOLERANCE = 1e-3
#: Differences below this are rounding of the header and not worth a word.
_WORTH_SAYING_MM = 0.005


@dataclass(frozen=True, slots=True)
class Grid:
    """Planes in order, and the affine that they share.

    Attributes
    ----------
    affine_lps_mm : (4, 4) float
    order : list of int
        For each slice, the index of its plane; dropped duplicates are missing.
    is_placed : bool
        False where the file does not place the images in the patient.
    notes : tuple of str
        What was recognised, one sentence each.
    """

    affine_lps_mm: Affine
    order: list[int]
    is_placed: bool
    notes: tuple[str, ...] = ()


def make_grid(
    planes: Sequence[Plane],
    same_content: Callable[[int, int], bool],
    *,
    accept_uneven: bool = False,
) -> Grid:
    """Put planes in order along their normal, and find the affine.

    Parameters
    ----------
    planes : sequence of Plane
        Of one stack; at least one.
    same_content : (int, int) -> bool
        Whether two planes show the same values; asked only for planes at one place.
    accept_uneven : bool
        Take uneven gaps and missing slices: the slices are then shown one step apart, which is the mean.

    Raises
    ------
    CaseError
        If planes are turned against each other, have different spacings, lie at one place with
        different content, have a gap between them, or do not follow a line.

    Source
    ------
    DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1. Gantry tilt: ImagePositionPatient moves along a line
    that is not the normal, so the affine is sheared.
    """
    first = planes[0]
    column_mm, row_mm = first.spacing_mm or (1.0, 1.0)
    if not any(plane.is_placed for plane in planes):
        # A nominal grid: spacing if there is one, no place in the patient.
        affine = np.diag([column_mm, row_mm, 1.0, 1.0])
        said = ("The file does not place the images in the patient; they are in the file's order.",)
        return Grid(affine, list(range(len(planes))), False, said if len(planes) > 1 else ())
    _refuse_mixture(planes)
    assert_placed = [p.position_lps_mm for p in planes if p.position_lps_mm is not None]
    positions_lps_mm = np.array(assert_placed)
    along_row, along_column = _orientation(first)
    normal = np.cross(along_row, along_column)
    normal /= np.linalg.norm(normal)
    heights_mm = positions_lps_mm @ normal
    order = [int(n) for n in np.argsort(heights_mm, kind="stable")]
    order, notes = _without_duplicates(order, heights_mm, same_content)
    step, step_notes = _step(positions_lps_mm[order], normal, first, accept_uneven)
    affine = np.eye(4)
    affine[:3, 0] = along_row * column_mm
    affine[:3, 1] = along_column * row_mm
    affine[:3, 2] = step
    affine[:3, 3] = positions_lps_mm[order[0]]
    return Grid(affine, order, True, (*notes, *step_notes))


def _orientation(plane: Plane) -> NDArray[np.float64]:
    if plane.orientation is None:
        raise CaseError("an image of this series has no ImageOrientationPatient (0020,0037).")
    return plane.orientation


def _refuse_mixture(planes: Sequence[Plane]) -> None:
    """Refuse planes that can't be slices of one grid."""
    first = planes[0]
    for plane in planes:
        if not plane.is_placed:
            raise CaseError(
                f"some images of this series have no position or orientation or spacing, for instance "
                f"{_name(plane)}; all of them need ImagePositionPatient (0020,0032), "
                f"ImageOrientationPatient (0020,0037) and PixelSpacing (0028,0030), or none."
            )
    directions = np.array([plane.orientation for plane in planes])
    off = np.abs(directions - directions[0]).max(axis=(1, 2)) > _COSINE_TOLERANCE
    if off.any():
        raise CaseError(
            f"the images of this series are turned against each other (a localiser or a radial series), "
            f"for instance {_name(planes[int(np.argmax(off))])}; give one stack of parallel slices."
        )
    spacings_mm = np.array([plane.spacing_mm for plane in planes])
    off = (np.abs(spacings_mm / spacings_mm[0] - 1) > _SPACING_TOLERANCE).any(axis=1)
    if off.any():
        other = planes[int(np.argmax(off))]
        raise CaseError(
            f"the images of this series have different PixelSpacing (0028,0030), for instance "
            f"{_name(other)}: {other.spacing_mm} and {first.spacing_mm} mm; give one series at a time."
        )


def _name(plane: Plane) -> str:
    return plane.pixels.frames.format.name


def _without_duplicates(
    order: list[int], heights_mm: NDArray[np.float64], same_content: Callable[[int, int], bool]
) -> tuple[list[int], list[str]]:
    """Drop planes that repeat their neighbour; refuse those that lie there but show something else."""
    kept: list[int] = []
    dropped: list[float] = []
    for n in order:
        if not kept or heights_mm[n] - heights_mm[kept[-1]] >= SAME_PLACE_MM:
            kept.append(n)
        elif same_content(kept[-1], n):
            dropped.append(float(heights_mm[n]))
        else:
            raise CaseError(
                f"two different images lie at the same place ({heights_mm[n]:.2f} mm along the normal of "
                f"the slices); this looks like two series or two phases. Give one of them."
            )
    if not dropped:
        return kept, []
    places = ", ".join(f"{height:.2f}" for height in sorted(set(dropped))[:5])
    return kept, [
        f"Duplicate slices were dropped: {len(dropped)} repeated the image at the same place "
        f"(at {places} mm{' and more' if len(set(dropped)) > 5 else ''})."
    ]


def _step(
    positions_lps_mm: NDArray[np.float64],
    normal: NDArray[np.float64],
    first: Plane,
    accept_uneven: bool,
) -> tuple[NDArray[np.float64], list[str]]:
    """From one slice to the next, by positions and never by SliceThickness (slices may overlap)."""
    count = len(positions_lps_mm)
    if count == 1:
        # One slice has no neighbour. SpacingBetweenSlices says how far the next would have been;
        # without it the step is a nominal 1 mm, as in ITK.
        stated = first.groups[-1].get("SpacingBetweenSlices")
        for group in first.groups[:-1]:
            measures = group.get("PixelMeasuresSequence")
            stated = (measures[0].get("SpacingBetweenSlices") if measures else None) or stated
        return normal * (abs(float(stated or 0)) or 1.0), []
    notes = _gap_notes(positions_lps_mm @ normal, accept_uneven)
    # From end to end: also right for a tilted gantry, where the slices shear.
    step = (positions_lps_mm[-1] - positions_lps_mm[0]) / (count - 1)
    sideways = step - (step @ normal) * normal
    if np.linalg.norm(sideways) * (count - 1) > max(first.spacing_mm or (1.0, 1.0)) / 2:
        angle_deg = np.degrees(np.arctan2(np.linalg.norm(sideways), step @ normal))
        notes.append(
            f"The gantry was tilted by {angle_deg:.1f} degrees: each slice is shifted against the one "
            f"below, so the grid is sheared."
        )
    line = positions_lps_mm[0] + np.arange(count)[:, np.newaxis] * step
    off = positions_lps_mm - line
    off -= np.outer(off @ normal, normal)  # along the normal, gaps have been looked at
    worst = int(np.argmax(np.linalg.norm(off, axis=1)))
    off_mm = float(np.linalg.norm(off[worst]))
    if off_mm > max(GAP_TOLERANCE_MM, min(first.spacing_mm or (1.0, 1.0)) / 4):
        said = f"slice {worst} lies {off_mm:.2f} mm beside the line of the others"
        if not accept_uneven:
            raise CaseError(
                f"{said}: the table moved or two series are mixed. Give one series, or ask for uneven "
                f"slices to be accepted."
            )
        notes.append(f"{said[0].upper()}{said[1:]}.")
    return step, notes


def _gap_notes(heights_mm: NDArray[np.float64], accept_uneven: bool) -> list[str]:
    """Look at the gaps between neighbours: even, missing slices, or uneven."""
    gaps_mm = np.diff(heights_mm)
    usual_mm = float(np.sort(gaps_mm)[(len(gaps_mm) - 1) // 2])  # of two candidates the smaller one
    odd = np.flatnonzero(np.abs(gaps_mm - usual_mm) > GAP_TOLERANCE_MM)
    if len(odd) == 0:
        spread_mm = float(gaps_mm.max() - gaps_mm.min())
        if spread_mm <= _WORTH_SAYING_MM:
            return []
        return [
            f"Gaps between slices vary from {gaps_mm.min():.3f} to {gaps_mm.max():.3f} mm; their mean is used."
        ]
    shares = gaps_mm[odd] / usual_mm
    if (np.abs(shares - np.rint(shares)) < _WHOLE_SHARE).all() and (shares > 1.5).all():
        lost = int((np.rint(shares) - 1).sum())
        places = "; ".join(
            f"{round(gaps_mm[n] / usual_mm) - 1} after slice {n} "
            f"({heights_mm[n]:.2f} to {heights_mm[n + 1]:.2f} mm)"
            for n in odd[:5]
        )
        said = (
            f"{'a slice is' if lost == 1 else f'{lost} slices are'} missing: {places}"
            f"{'; and more' if len(odd) > 5 else ''}; elsewhere the gap is {usual_mm:.2f} mm"
        )
        remedy = "Give the complete series"
    else:
        said = (
            f"the slices are unevenly spaced: gaps run from {gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm, "
            f"most are {usual_mm:.2f} mm; the first other one comes after slice {odd[0]} "
            f"({heights_mm[odd[0]]:.2f} to {heights_mm[odd[0] + 1]:.2f} mm)"
        )
        remedy = "Give a series with even gaps"
    if not accept_uneven:
        raise CaseError(
            f"{said}. {remedy}, or ask for uneven slices to be accepted: they are then shown at equal "
            f"distances, and lengths across slices are not true."
        )
    even_mm = np.linspace(heights_mm[0], heights_mm[-1], len(heights_mm))
    off_mm = float(np.abs(heights_mm - even_mm).max())
    return [
        f"{said[0].upper()}{said[1:]}. Slices are shown at equal distances, up to {off_mm:.2f} mm from "
        f"where they lie."
    ]
