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

TRUNK = frozenset(
    "CHEST THORAX ABDOMEN PELVIS CHESTABDOMEN CHESTABDPELVIS ABDOMENPELVIS LUNG HEART LIVER KIDNEY "
    "PANCREAS SPLEEN COLON TSPINE LSPINE SSPINE LSSPINE TLSPINE BREAST PROSTATE BLADDER UTERUS RECTUM "
    "AORTA CORONARYARTERY STERNUM RIB STOMACH ADRENAL ESOPHAGUS MEDIASTINUM".split()
)
"""Body Part Examined of trunks: believed, unless the picture shows a neck or a head. Source: PS3.16 Annex L."""

LIMB = frozenset(
    "HIP KNEE ANKLE FOOT TOE LEG THIGH CALF FEMUR TIBIA HAND WRIST FINGER THUMB ELBOW ARM FOREARM "
    "UPPERARM HUMERUS EXTREMITY CALCANEUS PATELLA LOWERLIMB UPPERLIMB ULNA RADIUS LEGS".split()
)
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
    from scipy.ndimage import binary_closing, binary_fill_holes, binary_opening, label
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
        tissue = values > SKIN_OVER_NOISE * float(threshold_otsu(clipped))
    tissue &= coarse.seen
    # a table or a coil touches the skin along thin bridges
    opened = binary_opening(tissue, np.ones((3, 3, 3), dtype=bool))
    labels, count = label(opened)
    if not count:
        return np.zeros(values.shape, dtype=bool)
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    padded = np.pad(largest, 4, mode="edge")
    closed = binary_closing(padded, np.ones((3, 3, 3), dtype=bool), iterations=2)[4:-4, 4:-4, 4:-4]
    for z in range(closed.shape[2]):
        closed[:, :, z] = binary_fill_holes(closed[:, :, z])
    return np.asarray(binary_fill_holes(closed), dtype=bool)


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
