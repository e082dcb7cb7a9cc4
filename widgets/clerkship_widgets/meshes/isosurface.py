"""From a volume to a smooth, closed, light surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clerkship_widgets.mesh import (
    Mesh,
    as_polydata,
    close_cracks,
    largest_piece,
    surface_distance_mm,
)

__all__ = ["Decimated", "decimated", "isosurface", "shade_from_volume", "smoothed"]

Volume = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]

# Taubin's filter with these settings takes away voxel steps and leaves the volume as it was.
# Source: G. Taubin, A signal processing approach to fair surface design, SIGGRAPH 1995,
# doi:10.1145/218380.218473; pass band as recommended by vtkWindowedSincPolyDataFilter.
SMOOTHING_PASSES = 20
SMOOTHING_PASS_BAND = 0.1


@dataclass(frozen=True)
class Decimated:
    """A lighter mesh and how far it lies from the one it was made of.

    Attributes
    ----------
    mesh : Mesh
        The lighter mesh.
    mean_mm, p95_mm, max_mm : float
        Distance from points of the full mesh to the light one: mean, 95th percentile, maximum.
    """

    mesh: Mesh
    mean_mm: float
    p95_mm: float
    max_mm: float


def isosurface(values_ijk: Volume, affine_lps_mm: Affine, *, level: float = 0.5) -> Mesh:
    """Trace the surface where a volume crosses a level.

    Parameters
    ----------
    values_ijk : (i, j, k) float
        Sampled at voxel centres, indexed in the order of the affine's columns.  Outside the
        volume it is taken to be 0, so that the surface closes there.
    affine_lps_mm : (4, 4) float
        Voxel index (i, j, k), zero-based, -> LPS millimetres.
    level : float
        Tissue is where ``values_ijk`` is above it.

    Returns
    -------
    Mesh
        The largest connected piece, closed, facing outwards.

    Raises
    ------
    ValueError
        If nothing in the volume is above the level.
    """
    import pyvista as pv

    if not float(values_ijk.max(initial=-np.inf)) > level:
        raise ValueError(f"No voxel is above {level}; the largest value is {values_ijk.max()}.")
    padded = np.pad(values_ijk, 1)
    grid = pv.ImageData(dimensions=padded.shape, origin=(-1.0, -1.0, -1.0))
    grid.point_data["value"] = padded.ravel(order="F")
    traced = grid.contour(
        isosurfaces=[level],
        scalars="value",
        method="flying_edges",
        compute_normals=False,
        compute_gradients=False,
    )
    points_ijk = np.asarray(traced.points, dtype=np.float64)
    points_lps_mm = points_ijk @ affine_lps_mm[:3, :3].T + affine_lps_mm[:3, 3]
    triangles = np.asarray(traced.regular_faces, dtype=np.int32)
    return largest_piece(Mesh(points_lps_mm, triangles)).facing_outwards()


def smoothed(mesh: Mesh) -> Mesh:
    """Take the voxel steps off a surface without shrinking it."""
    surface = as_polydata(mesh).smooth_taubin(
        n_iter=SMOOTHING_PASSES, pass_band=SMOOTHING_PASS_BAND
    )
    return Mesh(np.asarray(surface.points, dtype=np.float64), mesh.triangles)


def decimated(mesh: Mesh, triangles: int, *, measure_every: int = 8) -> Decimated:
    """Thin a mesh out to about so many triangles, and measure what that cost.

    Parameters
    ----------
    mesh : Mesh
        Closed, facing outwards.
    triangles : int
        How many triangles to keep; a mesh that has fewer is returned as it is.
    measure_every : int
        Measure the error at every so many points of the full mesh.

    Returns
    -------
    Decimated
        A closed mesh and its error in mm.

    Source
    ------
    M. Garland, P. Heckbert, Surface simplification using quadric error metrics, SIGGRAPH 1997,
    doi:10.1145/258734.258849 (vtkQuadricDecimation).
    """
    if len(mesh.triangles) <= triangles:
        return Decimated(mesh, 0.0, 0.0, 0.0)
    light = as_polydata(mesh).decimate(
        1.0 - triangles / len(mesh.triangles), volume_preservation=True
    )
    closed = close_cracks(np.asarray(light.regular_faces, dtype=np.int32))
    kept = largest_piece(Mesh(np.asarray(light.points, dtype=np.float64), closed))
    error_mm = surface_distance_mm(mesh.points_lps_mm[::measure_every], kept)
    return Decimated(
        kept,
        float(error_mm.mean()),
        float(np.percentile(error_mm, 95)),
        float(error_mm.max()),
    )


def shade_from_volume(
    mesh: Mesh, values_ijk: Volume, affine_lps_mm: Affine, *, sigma_voxels: float = 2.5
) -> Mesh:
    """Darken the grooves of a surface by how much tissue surrounds each point.

    On a flat face half of the neighbourhood is tissue; in a groove more, on a crest less.

    Parameters
    ----------
    mesh : Mesh
        A surface of the volume.
    values_ijk, affine_lps_mm
        The volume, 0 to 1, as for `isosurface`.
    sigma_voxels : float
        Width of the Gaussian neighbourhood.

    Returns
    -------
    Mesh
        The same surface with `shade`.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    around = gaussian_filter(values_ijk.astype(np.float32), sigma_voxels)
    to_ijk = np.linalg.inv(affine_lps_mm)
    points_ijk = mesh.points_lps_mm @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    enclosed = map_coordinates(around, points_ijk.T, order=1, mode="constant")
    # 0.25 enclosed is a sharp crest, 0.75 a narrow groove.
    shade = np.clip((0.75 - enclosed) / 0.5, 0.0, 1.0)
    return Mesh(mesh.points_lps_mm, mesh.triangles, np.round(shade * 255).astype(np.uint8))
