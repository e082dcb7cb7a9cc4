"""What a series is of: a head, a body, or something that can't be told."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from clerkship_cases.deidentify.pixels.coarse import SPACING_MM, Coarse, Mask

TISSUE_HU = -300.0
"""Skin is denser, air and most of a head rest are not."""

SKIN_OVER_NOISE = 0.35
"""MR: tissue begins at this part of Otsu's threshold, for skin and fat are darker than what Otsu parts."""

BODY_WIDTH_MM = 230.0
"""A slice of one piece that is wider is a trunk. Heads are hardly broader than 180 mm; ears, padding and
a head that is turned are added, and shoulders are 350 mm and more."""

NECK_MM = 60.0
"""So much neck above wide shoulders still holds no chin; more may hold one. Our own choice, on the careful side."""

_TRUNK = """
    CHEST THORAX ABDOMEN PELVIS CHESTABDOMEN CHESTABDPELVIS ABDOMENPELVIS LUNG HEART LIVER KIDNEY
    PANCREAS SPLEEN COLON TSPINE LSPINE SSPINE LSSPINE TLSPINE BREAST PROSTATE BLADDER UTERUS RECTUM
    AORTA CORONARYARTERY STERNUM RIB STOMACH ADRENAL ESOPHAGUS MEDIASTINUM
"""
TRUNK = frozenset(_TRUNK.split())
"""Body Part Examined of trunks: believed, unless the picture shows a neck or a head. Source: PS3.16 Annex L."""

_LIMB = """
    HIP KNEE ANKLE FOOT TOE LEG THIGH CALF FEMUR TIBIA HAND WRIST FINGER THUMB ELBOW ARM FOREARM
    UPPERARM HUMERUS EXTREMITY CALCANEUS PATELLA LOWERLIMB UPPERLIMB ULNA RADIUS LEGS
"""
LIMB = frozenset(_LIMB.split())
"""Body Part Examined of limbs: believed. Source: PS3.16 Annex L."""


def named_part(dataset: Dataset) -> str:
    """Return "trunk", "limb", or "" when the header does not say or says something near the head."""
    name = str(dataset.get("BodyPartExamined") or "").upper()
    name = "".join(letter for letter in name if letter.isalpha())
    if name in LIMB:
        return "limb"
    return "trunk" if name in TRUNK else ""


def head_mask(coarse: Coarse) -> Mask:
    """Return where the patient is: the largest connected piece of tissue, with its holes filled.

    Source
    ------
    The threshold for MR starts from Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    from scipy.ndimage import binary_opening, label
    from skimage.filters import threshold_otsu

    values = coarse.values
    if coarse.is_ct:
        tissue = values > TISSUE_HU
    else:
        inner = values[coarse.seen]
        top = float(np.percentile(inner, 99)) if inner.size else 0.0
        clipped = np.clip(inner, 0, top)
        if top <= 0 or np.ptp(clipped) == 0:
            return np.zeros(values.shape, dtype=bool)
        tissue = values > SKIN_OVER_NOISE * float(threshold_otsu(clipped))  # type: ignore[no-untyped-call]
    tissue &= coarse.seen
    if not coarse.is_ct:
        tissue = _closed(tissue, 1)  # thin scalp over a dark skull has gaps
    solid = _filled(tissue)
    # a table or a coil touches the skin along thin bridges
    labels, count = label(binary_opening(solid, np.ones((3, 3, 3), dtype=bool)))
    if not count:
        return np.zeros(values.shape, dtype=bool)
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return _filled(_closed(largest, 2))


def _closed(mask: Mask, times: int) -> Mask:
    """Close gaps; beyond its edges the mask goes on as it ends."""
    from scipy.ndimage import binary_closing

    around = 2 * times
    inner = (slice(around, -around),) * 3
    wide = np.pad(mask, around, mode="edge")
    cube = np.ones((3, 3, 3), dtype=bool)
    return np.asarray(binary_closing(wide, cube, iterations=times)[inner], dtype=bool)


def _filled(mask: Mask) -> Mask:
    """Fill what is enclosed, in each axial layer and then as a whole: a head may be cut open below."""
    from scipy.ndimage import binary_fill_holes

    layers = [binary_fill_holes(mask[:, :, z]) for z in range(mask.shape[2])]
    return np.asarray(binary_fill_holes(np.stack(layers, axis=2)), dtype=bool)


def widths_mm(mask: Mask) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the width, left to right, of the largest piece in each axial layer; arms apart from a head."""
    from scipy.ndimage import label

    widths = np.zeros(mask.shape[2])
    for z in range(mask.shape[2]):
        labels, count = label(mask[:, :, z])
        if count:
            largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
            widths[z] = np.ptp(np.flatnonzero(largest.any(axis=1))) * SPACING_MM + SPACING_MM
    return widths


def holds_no_head(mask: Mask, part: str) -> bool:
    """Say whether this is surely a body without a head.

    Parameters
    ----------
    mask : (x, y, z) bool
        The patient.
    part : str
        What `named_part` says.
    """
    if part == "limb":
        return True
    widths = widths_mm(mask)
    filled = np.flatnonzero(widths)
    if not filled.size:
        return False
    wide = np.flatnonzero(widths >= BODY_WIDTH_MM)
    if wide.size:
        return bool((filled[-1] - wide[-1]) * SPACING_MM <= NECK_MM)
    open_top = filled[-1] >= mask.shape[2] - 2  # it goes on above the first slice: no vertex
    return part == "trunk" and open_top
