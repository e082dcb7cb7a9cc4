"""Numbers that an annotation stands for: length, angle, area, and the values inside.

Lengths come from patient coordinates, so they are the same on a slice and on any reformat. Where the
file gives no pixel spacing they are said in pixels.
"""

import math

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.annotation import Annotation
from clerkship_cases.errors import CaseError
from clerkship_cases.raster import plane_mask, polygon_area, take_plane
from clerkship_cases.volume import Volume


def measure(annotation: Annotation, volume: Volume) -> dict[str, float | str]:
    """Measure an annotation on its image.

    Returns
    -------
    measured : dict
        By kind. Length: ``length``, ``unit`` ("mm" or "px"). Angle: ``angle_deg`` (0 to 180). Ellipse
        and region: ``area``, ``unit`` ("mm²" or "px²") and, when at least one voxel centre lies inside,
        ``mean``, ``sd``, ``min``, ``max``, ``voxels`` and ``value_unit`` (in colour: ``voxels`` only). Arrow and point: nothing.

    Raises
    ------
    CaseError
        If the shape does not lie in a plane of the image grid, or an angle has an arm of length 0.

    Notes
    -----
    ``sd`` is that of these voxels (divided by n, not by n - 1).

    Examples
    --------
    >>> from clerkship_cases import Annotation, open_case
    >>> volume = open_case("brain-mni152").volume
    >>> line = Annotation.new("length", [(0, 0, 0), (3, 4, 0)])
    >>> measure(line, volume)
    {'length': 5.0, 'unit': 'mm'}
    """
    points = np.asarray(annotation.points_lps_mm)
    length_unit = "mm" if volume.is_calibrated else "px"
    match annotation.kind:
        case "length":
            return {"length": float(np.linalg.norm(points[1] - points[0])), "unit": length_unit}
        case "angle":
            return {"angle_deg": _angle_deg(points[0] - points[1], points[2] - points[1])}
        case "ellipse" | "region":
            return _measure_area(annotation, volume) | {"unit": f"{length_unit}²"}
        case "arrow" | "point":
            return {}


def _angle_deg(arm: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Angle between two arms; by atan2, which stays exact near 0 and 180 degrees."""
    if not (arm.any() and other.any()):
        raise CaseError(
            "this angle has an arm of length 0; put its three points at different places."
        )
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(arm, other))), float(arm @ other)))


def _measure_area(annotation: Annotation, volume: Volume) -> dict[str, float | str]:
    plane, inside = plane_mask(annotation, volume)
    points_uv = volume.voxel_from_patient(annotation.points_lps_mm)[:, [plane.u, plane.v]]
    axes = volume.affine_lps_mm[:3, :3]
    cell = float(np.linalg.norm(np.cross(axes[:, plane.u], axes[:, plane.v])))
    if annotation.kind == "ellipse":
        major, minor = points_uv[1] - points_uv[0], points_uv[3] - points_uv[2]
        area = math.pi / 4 * abs(float(major[0] * minor[1] - major[1] * minor[0]))
    else:
        area = polygon_area(points_uv)
    measured: dict[str, float | str] = {"area": area * cell}
    values = take_plane(volume.array, plane)[inside].astype(np.float64)
    if volume.is_colour:
        measured["voxels"] = float(len(values))  # three numbers a voxel have no one mean
    elif values.size:
        measured |= {
            "mean": float(values.mean()),
            "sd": float(values.std()),
            "min": float(values.min()),
            "max": float(values.max()),
            "voxels": float(values.size),
            "value_unit": volume.unit,
        }
    return measured
