"""A series as one small volume on the patient's own axes: enough to see what it is of, and to fit a head to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from clerkship_cases.deidentify.pixels.frames import decode
from clerkship_cases.errors import CaseError

SPACING_MM = 4.0
"""Voxel size of the small volume. Features that tell a head from a body are centimetres large."""

FEWEST_SLICES = 12
"""A stack of fewer positions is not judged: too little of a head to be sure where its face is."""

UNEVEN_PART = 0.35
"""Largest deviation of a slice from its even place, as part of the spacing."""

MAX_SLICE_GAP_MM = 12.0
"""Slices further apart do not make a volume in which a head could be found."""

AIR_HU = -1000.0

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Coarse:
    """A series on a grid along the patient axes.

    Attributes
    ----------
    values : (x, y, z) float32
        Modality values (Hounsfield units for CT); 0-based, x to the left, y posterior, z superior.
    seen : (x, y, z) bool
        Where the series has image.
    corner_lps_mm : (3,) float
        Centre of voxel (0, 0, 0).
    is_ct : bool
    """

    values: npt.NDArray[np.float32]
    seen: Mask
    corner_lps_mm: Floats
    is_ct: bool


def slice_plane_lps_mm(dataset: Dataset) -> Floats:
    """Return the (4, 4) affine from (row, column, 0) to the patient: pixel centres, zero-based.

    The third axis is the unit normal of the slice.

    Raises
    ------
    CaseError
        If the slice does not say where it lies.

    Source
    ------
    PS3.3 C.7.6.2.1.1.
    """
    try:
        along_row, along_column = np.reshape(
            np.array(dataset.ImageOrientationPatient, dtype=np.float64), (2, 3)
        )
        row_mm, column_mm = (float(value) for value in dataset.PixelSpacing)
        origin = np.array(dataset.ImagePositionPatient, dtype=np.float64).reshape(3)
    except (AttributeError, TypeError, ValueError) as problem:
        raise CaseError(
            "it does not say where its slices lie (Image Position (Patient), Image Orientation (Patient) "
            "and Pixel Spacing are needed)"
        ) from problem
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = along_column * row_mm, along_row * column_mm
    affine[:3, 2], affine[:3, 3] = np.cross(along_row, along_column), origin
    sound = np.isfinite(affine).all() and min(row_mm, column_mm) > 0
    if not sound or abs(np.linalg.norm(affine[:3, 2]) - 1) > 0.01:
        raise CaseError("its Image Orientation (Patient) or Pixel Spacing can't be true")
    return affine


def modality_values(dataset: Dataset) -> npt.NDArray[np.float32]:
    """Decode one image to (row, column) modality values: Rescale Slope and Intercept applied.

    Raises
    ------
    CaseError
        If it can't be decoded, or is no single grey frame.
    """
    frames = decode(dataset)
    if frames.is_colour or len(frames.values) != 1:
        raise CaseError("its images are not single grey frames")
    slope, intercept = rescale(dataset)
    values: npt.NDArray[np.float32] = frames.values[0].astype(np.float32)
    return values * np.float32(slope) + np.float32(intercept)


def rescale(dataset: Dataset) -> tuple[float, float]:
    """Return slope and intercept from stored to modality values; 1 and 0 where the image has none."""
    try:
        slope = float(dataset.get("RescaleSlope") or 1)
        return slope, float(dataset.get("RescaleIntercept") or 0)
    except (TypeError, ValueError) as problem:
        raise CaseError("its Rescale Slope or Rescale Intercept is no number") from problem


def coarse_volume(datasets: Sequence[Dataset]) -> Coarse:
    """Resample a series to the patient axes.

    Parameters
    ----------
    datasets : sequence of Dataset
        Single-frame images in any order. Where several images lie at one place (echoes, time points), the
        first stands for all: they show the same head.

    Raises
    ------
    CaseError
        If they are no stack of parallel, evenly spaced slices, or can't be decoded.
    """
    planes = [slice_plane_lps_mm(one) for one in datasets]
    stack, step_lps_mm = _stack(datasets, planes)
    first = planes[stack[0]]
    affine = first.copy()
    affine[:3, 2] = step_lps_mm
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    blocks = [max(1, int(SPACING_MM // size)) for size in sizes]
    layers = [_block_mean(modality_values(datasets[n]), blocks[0], blocks[1]) for n in stack]
    if len({layer.shape for layer in layers}) != 1:
        raise CaseError("its slices differ in size")
    volume = np.stack(_groups_mean(layers, blocks[2]), axis=-1)
    small = affine.copy()
    small[:3, :3] = affine[:3, :3] * blocks
    small[:3, 3] += affine[:3, :3] @ ((np.array(blocks) - 1) / 2)
    return _on_patient_axes(volume, small, is_ct=str(datasets[0].get("Modality", "")) == "CT")


def _stack(datasets: Sequence[Dataset], planes: Sequence[Floats]) -> tuple[list[int], Floats]:
    """Return the images in order, one for each place, and the step from one to the next."""
    normal = planes[0][:3, 2]
    for plane in planes:
        if np.abs(plane[:3, :3] - planes[0][:3, :3]).max() > 0.01:
            raise CaseError("its images lie in several directions, so they make no volume")
    along_mm = np.array([plane[:3, 3] @ normal for plane in planes])
    stack: list[int] = []
    for n in np.argsort(along_mm, kind="stable"):
        if not stack or along_mm[n] - along_mm[stack[-1]] > 0.05:
            stack.append(int(n))
    if len(stack) < FEWEST_SLICES:
        raise CaseError(f"it has {len(stack)} slices, and {FEWEST_SLICES} are needed to judge")
    origins = np.array([planes[n][:3, 3] for n in stack])
    step = (origins[-1] - origins[0]) / (len(stack) - 1)
    size = float(step @ normal)
    even = origins[0] + np.arange(len(stack))[:, None] * step
    if np.abs(origins - even).max() > max(0.2, UNEVEN_PART * size):
        raise CaseError(
            "its slices are not evenly spaced: some are missing, or it is several stacks"
        )
    if size > MAX_SLICE_GAP_MM:
        raise CaseError(f"its slices are {size:.0f} mm apart, too far for a volume")
    return stack, step


def _block_mean(image: npt.NDArray[np.float32], rows: int, columns: int) -> npt.NDArray[np.float32]:
    height, width = image.shape[0] // rows, image.shape[1] // columns
    cut = image[: height * rows, : width * columns]
    means: npt.NDArray[np.float32] = cut.reshape(height, rows, width, columns).mean(axis=(1, 3))
    return means


def _groups_mean(layers: list[npt.NDArray[np.float32]], size: int) -> list[Any]:
    whole = len(layers) // size * size
    return [np.mean(layers[n : n + size], axis=0) for n in range(0, whole, size)]


def _on_patient_axes(volume: npt.NDArray[np.float32], affine: Floats, *, is_ct: bool) -> Coarse:
    from scipy.ndimage import affine_transform

    shape = np.array(volume.shape)
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in shape])).reshape(3, -1)
    corners_mm = affine[:3, :3] @ corners + affine[:3, 3:]
    low, high = corners_mm.min(axis=1), corners_mm.max(axis=1)
    size = np.maximum(1, np.ceil((high - low) / SPACING_MM).astype(int))
    if size.prod() > 30_000_000:
        raise CaseError("its slices cover several metres, which no patient does")
    corner = low + SPACING_MM / 2
    inverse = np.linalg.inv(affine[:3, :3])
    matrix, offset = inverse * SPACING_MM, inverse @ (corner - affine[:3, 3])
    outside = AIR_HU if is_ct else 0.0
    # the nearest value goes on beyond the outermost centres; `seen` says where image ends
    values = affine_transform(
        volume, matrix, offset, tuple(size), order=1, mode="nearest", output=np.float32
    )
    grid = np.indices(tuple(size), dtype=np.float64).reshape(3, -1)
    voxel = matrix @ grid + offset[:, None]
    inside = ((voxel >= -0.5) & (voxel <= shape[:, None] - 0.5)).all(axis=0).reshape(tuple(size))
    return Coarse(np.where(inside, values, np.float32(outside)), inside, corner, is_ct)
