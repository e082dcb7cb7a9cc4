"""DICOM images to a volume: order, geometry and modality LUT.

Slices are put in order by where they lie in the patient, never by file name or InstanceNumber;
rescale slope and intercept are applied slice by slice (PET changes them from slice to slice).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from clerkship_cases.display import windows_for
from clerkship_cases.errors import CaseError
from clerkship_cases.volume import Affine, Volume, smallest_exact

#: Slice gaps of one series may differ by this much (a scanner's rounding) and still be one grid.
GAP_TOLERANCE_MM = 0.05
#: Dot product of unit vectors that counts as perpendicular, as in PS3.3 C.7.6.2 practice.
_PERPENDICULAR = 1e-3
_UNIT_BY_MODALITY = {"CT": "HU", "NM": "counts", "PT": "counts"}


@dataclass(frozen=True, slots=True)
class _Frame:
    """One image plane: where its values come from and where it lies."""

    values: NDArray[np.generic]
    position_lps_mm: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None  # (2, 3): along a row (columns rise), along a column
    spacing_mm: tuple[float, float] | None  # between columns, between rows
    header: Dataset


def volume_from_dicom(datasets: Sequence[Dataset]) -> tuple[Volume, list[int]]:
    """Make one volume of the images of a series.

    Parameters
    ----------
    datasets : sequence of Dataset
        Single-frame images in any order, or one multi-frame image.

    Returns
    -------
    volume : Volume
    order : list of int
        For each slice, the index of its dataset in ``datasets``.

    Raises
    ------
    CaseError
        Colour images, different sizes or orientations in one series, two images at one place,
        a missing slice.

    Source
    ------
    DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16.2 (functional groups), C.11.1 (modality LUT).
    """
    if not datasets:
        raise CaseError("no image was given; a volume needs at least one.")
    frames: list[_Frame] = []
    owner: list[int] = []
    for n, dataset in enumerate(datasets):
        mine = _frames(dataset)
        frames += mine
        owner += [n] * len(mine)
    if len({frame.values.shape for frame in frames}) > 1:
        raise CaseError(
            "the images of this series have different sizes; give one series at a time."
        )

    affine, order, is_placed = _grid(frames)
    first = datasets[0]
    modality = str(first.get("Modality", "OT"))
    array = smallest_exact(np.stack([frames[n].values for n in order]))
    volume = Volume(
        array=array,
        affine_lps_mm=affine,
        unit=_unit(first, modality),
        modality=modality,
        is_calibrated=frames[0].spacing_mm is not None,
        inverted=first.get("PhotometricInterpretation") == "MONOCHROME1",
        windows=windows_for(array, modality, [frames[n].header for n in order]),
        frame_of_reference_uid=_frame_of_reference(first) if is_placed else None,
    )
    return volume, [owner[n] for n in order]


def _grid(frames: Sequence[_Frame]) -> tuple[Affine, list[int], bool]:
    """Affine, slice order, and whether the file places the images in the patient."""
    first = frames[0]
    column_mm, row_mm = first.spacing_mm or (1.0, 1.0)
    if first.position_lps_mm is None or first.orientation is None or first.spacing_mm is None:
        # Nominal grid: spacing if there is one, no place in the patient.
        affine = np.diag([column_mm, row_mm, 1.0, 1.0])
        return affine, list(range(len(frames))), False

    along_row, along_column = first.orientation
    normal = np.cross(along_row, along_column)
    for frame in frames[1:]:
        if frame.position_lps_mm is None or frame.orientation is None:
            raise CaseError("some images of this series have no position; all of them need one.")
        if not np.allclose(frame.orientation, first.orientation, atol=1e-3):
            raise CaseError(
                "the images of this series are turned against each other (a localiser or a radial "
                "series); give one stack of parallel slices."
            )
    positions = np.array([frame.position_lps_mm for frame in frames])
    heights_mm = positions @ normal
    order = [int(n) for n in np.argsort(heights_mm, kind="stable")]
    step = normal * _slice_step_mm(heights_mm[order], first.header)
    if len(frames) > 1:  # from end to end: also right for a tilted gantry, where slices shear
        step = (positions[order[-1]] - positions[order[0]]) / (len(frames) - 1)
    affine = np.eye(4)
    affine[:3, 0] = along_row * column_mm
    affine[:3, 1] = along_column * row_mm
    affine[:3, 2] = step
    affine[:3, 3] = positions[order[0]]
    return affine, order, True


def _slice_step_mm(heights_mm: NDArray[np.float64], header: Dataset) -> float:
    """Distance between slices: from positions, never from SliceThickness (slices may overlap)."""
    if len(heights_mm) == 1:
        # One slice has no neighbour. SpacingBetweenSlices says how far the next would have been;
        # without it the step is a nominal 1 mm, as in ITK.
        return float(header.get("SpacingBetweenSlices") or 0) or 1.0
    gaps_mm = np.diff(heights_mm)
    usual = float(np.median(gaps_mm))
    for below, gap in enumerate(gaps_mm):
        if gap < GAP_TOLERANCE_MM:
            raise CaseError(
                f"slices {below} and {below + 1} lie at the same place ({heights_mm[below]:.2f} mm); "
                f"this looks like two series or two phases. Give one of them."
            )
    for below, gap in enumerate(gaps_mm):
        if abs(gap - usual) > GAP_TOLERANCE_MM:
            raise CaseError(
                f"the gap after slice {below} is {gap:.2f} mm, elsewhere it is {usual:.2f} mm: "
                f"a slice is missing. Give the complete series."
            )
    return usual


def _frames(dataset: Dataset) -> list[_Frame]:
    """All planes of one dataset, values after its modality LUT."""
    if int(dataset.get("SamplesPerPixel", 1)) != 1 or "PALETTE" in str(
        dataset.get("PhotometricInterpretation", "")
    ):
        raise CaseError(
            f"image {dataset.get('SOPInstanceUID', '?')} is in colour "
            f"({dataset.get('PhotometricInterpretation')}); only grey images can be cases so far."
        )
    try:
        stored = dataset.pixel_array
    except Exception as problem:  # every decoder has its own exceptions; all mean the same here
        raise CaseError(
            f"the pixels of image {dataset.get('SOPInstanceUID', '?')} can't be decoded: {problem}"
        ) from problem
    if stored.ndim == 2:
        stored = stored[np.newaxis]
    shared = _item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    frames = []
    for n, plane in enumerate(stored):
        own = per_frame[n] if n < len(per_frame) else None
        frames.append(
            _Frame(
                values=_rescaled(plane, dataset, shared, own),
                position_lps_mm=_vector(
                    _find("PlanePositionSequence", "ImagePositionPatient", dataset, shared, own), 3
                ),
                orientation=_orientation(
                    _find(
                        "PlaneOrientationSequence", "ImageOrientationPatient", dataset, shared, own
                    )
                ),
                spacing_mm=_spacing(
                    _find("PixelMeasuresSequence", "PixelSpacing", dataset, shared, own)
                ),
                header=_window_header(dataset, shared, own),
            )
        )
    return frames


def _rescaled(
    plane: NDArray[np.generic], dataset: Dataset, shared: Dataset | None, own: Dataset | None
) -> NDArray[np.generic]:
    """Apply the modality LUT, or slope and intercept, of this very frame."""
    if dataset.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(plane, dataset))
    group = "PixelValueTransformationSequence"
    slope = float(_find(group, "RescaleSlope", dataset, shared, own) or 1)
    intercept = float(_find(group, "RescaleIntercept", dataset, shared, own) or 0)
    if (slope, intercept) == (1.0, 0.0):
        return plane
    return plane.astype(np.float64) * slope + intercept


def _find(
    group: str, keyword: str, dataset: Dataset, shared: Dataset | None, own: Dataset | None
) -> Any:
    """Look an attribute up in the frame's groups, the shared ones, then the top level."""
    for place in (own, shared):
        item = _item(place, group) if place is not None else None
        if item is not None and keyword in item:
            return item.get(keyword)
    return dataset.get(keyword)


def _item(dataset: Dataset, keyword: str) -> Dataset | None:
    sequence = dataset.get(keyword)
    return sequence[0] if sequence else None


def _window_header(dataset: Dataset, shared: Dataset | None, own: Dataset | None) -> Dataset:
    """Where this frame's window is written: its functional groups, else the top level."""
    for place in (own, shared):
        item = _item(place, "FrameVOILUTSequence") if place is not None else None
        if item is not None:
            return item
    return dataset


def _vector(value: object, length: int) -> NDArray[np.float64] | None:
    if value is None or value == "":
        return None
    vector = np.array([float(v) for v in value], dtype=np.float64)  # type: ignore[attr-defined]
    return vector if vector.shape == (length,) and np.isfinite(vector).all() else None


def _orientation(value: object) -> NDArray[np.float64] | None:
    """Two perpendicular unit vectors, or None when the file says nothing usable."""
    cosines = _vector(value, 6)
    if cosines is None:
        return None
    vectors: NDArray[np.float64] = cosines.reshape(2, 3)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (np.abs(lengths - 1) > 0.01).any() or abs(vectors[0] @ vectors[1]) > _PERPENDICULAR:
        raise CaseError(
            f"ImageOrientationPatient is {cosines.tolist()}; it must be two perpendicular vectors of "
            f"length 1 (PS3.3 C.7.6.2.1.1)."
        )
    return vectors


def _spacing(value: object) -> tuple[float, float] | None:
    """(between columns, between rows) in mm; the file writes (row, column) spacing."""
    spacing = _vector(value, 2)
    if spacing is None or (spacing <= 0).any():
        return None
    row_mm, column_mm = spacing
    return float(column_mm), float(row_mm)


def _unit(dataset: Dataset, modality: str) -> str:
    """Say HU only where the file does not say otherwise."""
    rescale_type = str(dataset.get("RescaleType") or "")
    if modality == "CT" and rescale_type not in ("", "HU"):
        return "1"
    return _UNIT_BY_MODALITY.get(modality, "1")


def _frame_of_reference(dataset: Dataset) -> str | None:
    uid = str(dataset.get("FrameOfReferenceUID") or "")
    return uid or None
