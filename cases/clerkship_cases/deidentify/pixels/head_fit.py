"""Fit the brain template to a head of any contrast: first by the skull's outline, then by what is inside.

The outline (the skin over the braincase lies a nearly constant way outside the brain) works for CT and every MR contrast;
mutual information then sharpens it (Maes et al. 1997, doi:10.1109/42.563664). Nine degrees of freedom: the
template is turned, moved and stretched along its three axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from clerkship_cases.deidentify.pixels.coarse import SPACING_MM, Coarse, Floats, Mask
from clerkship_cases.errors import CaseError

SCALP_AND_SKULL_MM = 15.0
"""From brain surface to skin over the braincase, to begin with. Source: 12 mm in the three spheres of Rush & Driscoll
1969, doi:10.1109/TBME.1969.4502598, to which 3 mm of fluid and membranes are added; 19 mm in the Colin27 head."""

SCALP_AND_SKULL_LIMITS_MM = (3.0, 28.0)
"""What may come out in the end."""

CENTRE_RAS_MM = np.array([0.0, -17.0, 5.0])
"""About the middle of the MNI152 brain."""

PITCHES_DEG = (-25.0, 0.0, 25.0)
"""Nods of the head from which the fit starts."""

WORST_OUTLINE_MM = 5.5
"""The fit has failed if the thickness of skull and scalp differs more than this from its own median, in the median."""

SCALES = (0.72, 1.25)
"""Believable size against the MNI152 template, which is larger than most heads; the low end is a child of one year."""

LARGEST_TURN_DEG = 42.0

LEAST_INFORMATION = 1.045
"""Less normalised mutual information is no brain. Measured: heads from 1.046 (Colin27 without visible bone) to 1.16;
bottles, spheres and a head that is back to front at most 1.041."""

SEEN_PART = 0.85
"""Part of the brain that must lie inside the images for its place to be known."""


@dataclass(frozen=True)
class Template:
    """The MNI152 brain of nilearn.

    Attributes
    ----------
    points_ras_mm : (n, 3) float
        Where `intensities` are taken: the brain and one layer of voxels around it.
    intensities : (n,) float
    vault_ras_mm : (m, 3) float
        Skin above the braincase: what is the same in all heads and has neither ears nor face.
    brain_ras_mm : (b, 3) float
        Brain voxels.
    """

    points_ras_mm: Floats
    intensities: Floats
    vault_ras_mm: Floats
    brain_ras_mm: Floats


@dataclass(frozen=True)
class Fit:
    """Where the template lies in a patient.

    Attributes
    ----------
    ras_to_lps : (4, 4) float
        Millimetres of the template -> millimetres of the patient.
    outline_mm : float
        How uneven the layer between brain and skin is: median deviation from its median thickness.
    thickness_mm : float
        That median thickness.
    information : float
        Normalised mutual information of template and image, from 1 (none) to 2.
    """

    ras_to_lps: Floats
    outline_mm: float
    thickness_mm: float
    information: float


@cache
def brain_mask() -> tuple[Mask, Floats]:
    """Return the MNI152 brain at 2 mm and its affine (voxel centres -> RAS mm)."""
    from nilearn.datasets import load_mni152_brain_mask

    image = load_mni152_brain_mask(resolution=2)
    return np.asarray(image.dataobj) > 0, np.asarray(image.affine, dtype=np.float64)


@cache
def template() -> Template:
    """Load the template (once; about a second)."""
    from nilearn.datasets import load_mni152_template
    from scipy.ndimage import binary_dilation, generate_binary_structure
    from scipy.spatial import ConvexHull

    image = load_mni152_template(resolution=4)
    values, affine = np.asarray(image.dataobj, dtype=np.float64), np.asarray(image.affine)
    brain = values > 0.05
    ball = generate_binary_structure(3, 1)
    # room for the layer around the brain, which the template's own grid has hardly got
    values, brain = np.pad(values, 4), np.pad(brain, 4)
    near = binary_dilation(brain, ball)
    corner = affine[:3, 3] - 4 * 4.0

    def in_mm(mask: Mask) -> Floats:
        return np.asarray(np.argwhere(mask) * 4.0 + corner)

    brain_mm = in_mm(brain)
    hull = ConvexHull(brain_mm)
    directions = _directions(1500)
    surface = _rays(hull.equations, brain_mm.mean(axis=0), directions, SCALP_AND_SKULL_MM)
    above = surface[:, 2] > np.interp(surface[:, 1], [-120, 80], [-30, 15])
    return Template(in_mm(near), values[near], surface[above], brain_mm)


def _directions(count: int) -> Floats:
    """Return unit vectors spread evenly (a Fibonacci sphere)."""
    n = np.arange(count) + 0.5
    z, turn = 1 - 2 * n / count, np.pi * (1 + 5**0.5) * n
    flat = np.sqrt(1 - z**2)
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])


def _rays(equations: Floats, centre: Floats, directions: Floats, margin_mm: float) -> Floats:
    """Return where rays from the centre leave a convex hull that was moved out by a margin."""
    facing = directions @ equations[:, :3].T
    ahead = margin_mm - (equations[:, :3] @ centre + equations[:, 3])
    with np.errstate(divide="ignore"):
        reach = np.where(facing > 1e-9, ahead / facing, np.inf).min(axis=1)
    return np.asarray(centre + directions * reach[:, None])


def affine_of(parameters: Floats, centre_lps_mm: Floats) -> Floats:
    """Return the (4, 4) map template RAS -> patient LPS of nine parameters.

    Parameters
    ----------
    parameters : (9,) float
        Turns about x, y, z (rad); shifts (cm); logarithms of the scales, times ten. All are of order one.
    centre_lps_mm : (3,) float
        Where the template's centre lies when nothing is shifted.
    """
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", parameters[:3]).as_matrix()
    linear = turn @ np.diag(np.exp(parameters[6:] / 10)) @ np.diag([-1.0, -1.0, 1.0])
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = centre_lps_mm + parameters[3:6] * 10 - linear @ CENTRE_RAS_MM
    return affine


class _Head:
    """The functions that the fit makes small."""

    def __init__(self, coarse: Coarse, mask: Mask) -> None:
        from scipy.ndimage import distance_transform_edt

        self._coarse = coarse
        self._template = template()
        # the patient goes on beyond the first and last slice: a cut is no skin
        pad = 12
        grown = np.pad(mask, pad, mode="edge")
        distance = distance_transform_edt(~grown) - distance_transform_edt(grown)
        self._distance_mm = (distance.astype(np.float32)) * SPACING_MM
        self._distance_corner = coarse.corner_lps_mm - pad * SPACING_MM
        low, high = (
            (-100.0, 200.0) if coarse.is_ct else np.percentile(coarse.values[mask], (1.0, 98.0))
        )
        scaled = (coarse.values - low) / max(high - low, 1e-6)
        self._grey = np.clip(scaled, 0, 1).astype(np.float32)
        self.centre_lps_mm = self._first_centre(mask)

    def _first_centre(self, mask: Mask) -> Floats:
        """Guess the middle of the brain: 90 mm below the vertex, amid what lies above."""
        layers = np.flatnonzero(mask.sum(axis=(0, 1)) > 12)
        top = int(layers[-1])
        upper = mask.copy()
        upper[:, :, : max(0, top - int(110 / SPACING_MM))] = False
        x, y, _ = np.argwhere(upper).mean(axis=0)
        z = top - 88 / SPACING_MM
        return self._coarse.corner_lps_mm + np.array([x, y, z]) * SPACING_MM

    def outline_mm(self, affine: Floats) -> Floats:
        """Return the signed distance of each vault point from the skin; outside is positive."""
        from scipy.ndimage import map_coordinates

        points = self._template.vault_ras_mm @ affine[:3, :3].T + affine[:3, 3]
        voxel = (points - self._distance_corner).T / SPACING_MM
        found = map_coordinates(self._distance_mm, voxel, order=1, mode="nearest")
        return np.asarray(found, dtype=np.float64)

    def unlikely(self, parameters: Floats) -> Floats:
        """Return how far the parameters are from an ordinary head, in standard deviations of a guess."""
        return np.concatenate([parameters[:3] / [0.35, 0.2, 0.2], (parameters[6:] + 0.5) / 0.8])

    def residuals(self, parameters: Floats) -> Floats:
        """For least squares: outline in millimetres, and what is unlikely."""
        outline = self.outline_mm(affine_of(parameters, self.centre_lps_mm))
        weight = 2.0 * np.sqrt(len(outline) / 100)
        return np.concatenate([np.clip(outline, -40, 40), weight * self.unlikely(parameters)])

    def information(self, affine: Floats, points: slice) -> float:
        """Return normalised mutual information (1 to 2) of template and image."""
        from scipy.ndimage import gaussian_filter, map_coordinates

        ras = self._template.points_ras_mm[points]
        voxel = ras @ affine[:3, :3].T + affine[:3, 3]
        voxel = ((voxel - self._coarse.corner_lps_mm) / SPACING_MM).T
        limits = np.array(self._grey.shape)[:, None] - 1
        inside = ((voxel >= 0) & (voxel <= limits)).all(axis=0)
        if inside.mean() < 0.5:
            return 1.0
        grey = map_coordinates(self._grey, voxel[:, inside], order=1)
        theirs = self._template.intensities[points][inside]
        joint, _, _ = np.histogram2d(theirs, grey, bins=24, range=((0, 1), (0, 1)))
        joint = gaussian_filter(joint, 0.7) + 1e-9
        joint /= joint.sum()
        one, two = joint.sum(axis=1), joint.sum(axis=0)
        return float((_entropy(one) + _entropy(two)) / _entropy(joint))

    def cost(self, parameters: Floats, points: slice) -> float:
        """Weigh information against outline and plausibility."""
        affine = affine_of(parameters, self.centre_lps_mm)
        outline = self.outline_mm(affine)
        outline = np.clip(outline - np.median(outline), -15.0, 15.0)
        return (
            -self.information(affine, points)
            + 0.0004 * float((outline**2).mean())
            + 0.0005 * float((self.unlikely(parameters) ** 2).sum())
        )


def _entropy(part: npt.NDArray[np.float64]) -> float:
    return -float((part * np.log(part)).sum())


def fit_head(coarse: Coarse, mask: Mask) -> Fit:
    """Find the template in a head.

    Raises
    ------
    CaseError
        If no believable place is found, or too much of the brain is outside the images.
    """
    from scipy.optimize import least_squares, minimize

    if np.count_nonzero(mask) * (SPACING_MM / 10) ** 3 < 300:
        raise CaseError("it shows less than 300 ml of tissue, too little to find a face in it")
    head = _Head(coarse, mask)
    starts = []
    for pitch in PITCHES_DEG:
        start = np.zeros(9)
        start[0] = np.deg2rad(pitch)
        found = least_squares(head.residuals, start, loss="soft_l1", f_scale=4.0, max_nfev=40)
        starts.append((head.cost(found.x, slice(None, None, 2)), tuple(found.x)))
    best = np.array(min(starts)[1])
    sharper = minimize(
        head.cost,
        best,
        args=(slice(None, None, 3),),
        method="Powell",
        options={"xtol": 0.01, "ftol": 1e-5, "maxiter": 4, "direc": np.eye(9) * 0.05},
    )
    affine = affine_of(sharper.x, head.centre_lps_mm)
    outline = head.outline_mm(affine)
    middle = float(np.median(outline))
    fit = Fit(
        affine,
        outline_mm=float(np.median(np.abs(outline - middle))),
        thickness_mm=SCALP_AND_SKULL_MM - middle,
        information=head.information(affine, slice(None)),
    )
    _check(fit, sharper.x, coarse)
    return fit


def _check(fit: Fit, parameters: Floats, coarse: Coarse) -> None:
    scales = np.exp(parameters[6:] / 10)
    turns_deg = np.abs(np.rad2deg(parameters[:3]))
    if (
        fit.outline_mm > WORST_OUTLINE_MM
        or fit.information < LEAST_INFORMATION
        or not SCALP_AND_SKULL_LIMITS_MM[0] < fit.thickness_mm < SCALP_AND_SKULL_LIMITS_MM[1]
        or scales.min() < SCALES[0]
        or scales.max() > SCALES[1]
        or turns_deg.max() > LARGEST_TURN_DEG
    ):
        raise CaseError("no head could be found in it with certainty, nor excluded")
    brain = template().brain_ras_mm @ fit.ras_to_lps[:3, :3].T + fit.ras_to_lps[:3, 3]
    voxel = np.round((brain - coarse.corner_lps_mm) / SPACING_MM).astype(int)
    inside = ((voxel >= 0) & (voxel < coarse.seen.shape)).all(axis=1)
    seen = coarse.seen[tuple(voxel[inside].T)].sum() / len(brain)
    if seen < SEEN_PART:
        raise CaseError(
            f"it shows about {seen:.0%} of the brain, and {SEEN_PART:.0%} are needed to be sure where the "
            "face begins"
        )
