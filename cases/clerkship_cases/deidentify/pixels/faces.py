"""Remove the face from a head volume, so that nobody can be recognised in a surface rendering.

The idea is that of Quickshear (Schimke & Hale 2011, "Quickshear defacing for neuroimages", HealthSec): everything
in front of and below the brain goes, skin and air alike, and the brain stays. Quickshear needs a mask of the
patient's own brain; here the brain of a template is fitted to the head (`head_fit`), and instead of one plane the
underside of that brain, with a margin, is the border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from clerkship_cases.deidentify.pixels.coarse import (
    AIR_HU,
    SPACING_MM,
    Coarse,
    Floats,
    Mask,
    coarse_volume,
    rescale,
    slice_plane_lps_mm,
)
from clerkship_cases.deidentify.pixels.frames import decode, store
from clerkship_cases.deidentify.pixels.head import head_mask, holds_no_head, named_part
from clerkship_cases.deidentify.pixels.head_fit import brain_mask, fit_head
from clerkship_cases.deidentify.pixels.outcome import CLEAN_VISUAL_FEATURES, Code
from clerkship_cases.errors import CaseError

BRAIN_MARGIN_MM = 8.0
"""Kept below and before the fitted brain: what the fit may be wrong by. Chosen by trial on Colin27 and six phantoms: at
8 mm all eyes go and the phantoms lose no brain; Colin27 loses about 0.03 % of its published mask, all of it in the midline
around the chiasm, where that mask is coarse (0.05 % at 7 mm). At 9 mm some of an eye stays in a child's head."""

BROW_Z_MM = -4.0
"""In front of the brain, what lies below this height of the template goes: the root of the nose is near -42,
the brows near -20."""

BACK_Y_MM = 2.0
"""What lies behind this is no face: the ears, the neck and the brain stem are."""

CHIN_Z_MM = -185.0
"""What lies below this is no face, in the template's size: the chin is 110 to 140 mm below the root of the nose."""

SMALLEST_FACE_ML = 1.0
"""Less tissue than this in front of and below the brain is no face that one could see."""


@dataclass(frozen=True)
class FaceOutcome:
    """What was done to one series.

    Attributes
    ----------
    changed : bool
        Pixel data was written anew.
    reason_to_refuse : str or None
        A sentence for a person; the series must then not leave the hospital, and is as it was.
    method : Code or None
        CID 7050 code of what was done; None where no face was removed.
    voxels_blanked : int
        Voxels that now hold the background value.
    note : str
        Why nothing was removed, where nothing was.
    """

    changed: bool = False
    reason_to_refuse: str | None = None
    method: Code | None = None
    voxels_blanked: int = 0
    note: str = ""


@dataclass(frozen=True)
class FaceRegion:
    """Where the face is in a patient, and what to put there.

    Attributes
    ----------
    lps_to_ras : (4, 4) float
        Millimetres of the patient -> millimetres of the template.
    background : float
        Modality value of air in this series.
    """

    lps_to_ras: Floats
    background: float

    def in_slice(self, dataset: Dataset) -> Mask:
        """Return which (row, column) pixels of a slice belong to the face or the air around it."""
        affine = self.lps_to_ras @ slice_plane_lps_mm(dataset)
        rows = np.arange(int(dataset.Rows), dtype=np.float64)[:, None]
        columns = np.arange(int(dataset.Columns), dtype=np.float64)
        x, y, z = (affine[n, 0] * rows + affine[n, 1] * columns + affine[n, 3] for n in range(3))
        return in_face(x, y, z)


@cache
def _borders() -> tuple[npt.NDArray[np.float32], Floats]:
    """Return the height below which tissue goes, (x, y) at 2 mm, and the place of its first value."""
    from scipy.ndimage import minimum_filter

    brain, affine = brain_mask()
    if not np.allclose(affine[:3, :3], np.eye(3) * 2):
        raise CaseError("nilearn's MNI152 brain is not on the grid of 2 mm that was expected")
    pad = 40
    wide = np.pad(brain, ((pad, pad), (pad, pad), (0, 0)))
    heights = affine[2, 3] + 2.0 * np.arange(brain.shape[2])
    floor = np.where(wide.any(axis=2), heights[wide.argmax(axis=2)], np.inf)
    reach = int(BRAIN_MARGIN_MM // 2)
    offsets = np.arange(-reach, reach + 1) * 2.0
    away = np.hypot(offsets[:, None], offsets)
    # lowered by the margin all around, as if a ball rolled along the underside
    lowered = np.full(floor.shape, np.inf)
    for radius in np.unique(away[away <= BRAIN_MARGIN_MM]):
        drop = np.sqrt(BRAIN_MARGIN_MM**2 - radius**2)
        near = minimum_filter(floor, footprint=away <= radius + 1e-6, mode="nearest")
        lowered = np.minimum(lowered, near - drop)
    border = np.minimum(lowered, BROW_Z_MM)
    corner = affine[:2, 3] - 2.0 * pad
    return border.astype(np.float32), corner


def in_face(x_ras_mm: Floats, y_ras_mm: Floats, z_ras_mm: Floats) -> Mask:
    """Say which points of the template's space belong to the face, or the air before it.

    Parameters
    ----------
    x_ras_mm, y_ras_mm, z_ras_mm : array
        Millimetres of MNI152: x to the right, y anterior, z superior. Arrays of one shape.
    """
    from scipy.ndimage import map_coordinates

    near = (y_ras_mm > BACK_Y_MM) & (z_ras_mm < BROW_Z_MM) & (z_ras_mm > CHIN_Z_MM)
    found = np.zeros(near.shape, dtype=bool)
    if near.any():
        border, corner = _borders()
        places = np.stack([x_ras_mm[near] - corner[0], y_ras_mm[near] - corner[1]]) / 2.0
        found[near] = z_ras_mm[near] < map_coordinates(border, places, order=1, mode="nearest")
    return found


def find_face(datasets: Sequence[Dataset]) -> FaceRegion | str:
    """Find the face in a series.

    Parameters
    ----------
    datasets : sequence of Dataset
        The single-frame CT or MR images of one series, in any order.

    Returns
    -------
    FaceRegion or str
        Where the face is; or, where there is none, how that is known.

    Raises
    ------
    CaseError
        If it can't be told whether or where there is a face.
    """
    part = named_part(datasets[0])
    if part == "limb":
        return f"Body Part Examined is {datasets[0].BodyPartExamined}: no face"
    coarse = coarse_volume(datasets)
    mask = head_mask(coarse)
    if holds_no_head(mask, part):
        return "a body without a head: no face"
    if datasets[0].get("Modality") not in ("CT", "MR"):
        raise CaseError("faces can be removed from CT and MR alone")
    fit = fit_head(coarse, mask)
    lps_to_ras = np.asarray(np.linalg.inv(fit.ras_to_lps), dtype=np.float64)
    region = FaceRegion(lps_to_ras, _background(coarse, mask))
    if _tissue_ml(region, coarse, mask) < SMALLEST_FACE_ML:
        return "the images end above the face, or it was removed before"
    return region


def blank_face(dataset: Dataset, face: Mask, background: float) -> int:
    """Blank the face in one image, in place, and return how many pixels were blanked.

    A compressed image becomes explicit little endian; every other pixel keeps its stored value.

    Parameters
    ----------
    face : (row, column) bool
        See `FaceRegion.in_slice`.
    background : float
        Modality value of air.

    Raises
    ------
    CaseError
        If the image can't be decoded.
    """
    count = int(np.count_nonzero(face))
    if count:
        frames = decode(dataset)
        slope, intercept = rescale(dataset)
        stored = round((background - intercept) / slope)
        values = frames.values.copy()  # what was decoded may be read-only
        values[0][face] = np.clip(stored, values.min(), values.max())
        store(dataset, replace(frames, values=values))
    return count


def remove_face(datasets: list[Dataset]) -> FaceOutcome:
    """Remove the face from the images of one series, in place.

    Parameters
    ----------
    datasets : list of Dataset
        Single-frame CT or MR images with their file meta, in any order.

    Returns
    -------
    FaceOutcome
        What was done, or why the series must be refused; it is then as it was.

    Notes
    -----
    Air before the face is blanked with it: its noise would show the outline. Pixels outside the region keep
    their values. In MR, a nose can be folded over to the back of the head; this is not looked for.
    """
    if not datasets:
        return FaceOutcome(note="no images")
    try:
        found = find_face(datasets)
        if isinstance(found, str):
            return FaceOutcome(note=found)
        for one in datasets:
            decode(one)  # before anything is altered
        blanked = sum(blank_face(one, found.in_slice(one), found.background) for one in datasets)
    except CaseError as problem:
        return FaceOutcome(reason_to_refuse=str(problem))
    return FaceOutcome(changed=True, method=CLEAN_VISUAL_FEATURES, voxels_blanked=blanked)


def _background(coarse: Coarse, mask: Mask) -> float:
    """Return the modality value of air: that of CT by definition, in MR what is around the head."""
    if coarse.is_ct:
        return AIR_HU
    around = coarse.values[coarse.seen & ~mask]
    return float(np.median(around)) if around.size else float(coarse.values.min())


def _tissue_ml(region: FaceRegion, coarse: Coarse, mask: Mask) -> float:
    """Return how much tissue lies where the face should be."""
    points = np.argwhere(mask) * SPACING_MM + coarse.corner_lps_mm
    ras = points @ region.lps_to_ras[:3, :3].T + region.lps_to_ras[:3, 3]
    return float(np.count_nonzero(in_face(*ras.T))) * (SPACING_MM / 10) ** 3
