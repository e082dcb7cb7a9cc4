"""The brain: cortical surfaces of fsaverage, white and grey matter of the ICBM152 template.

Both ship inside the nilearn package, so nothing is downloaded.  Only what these data say is
named: neither holds labels of lobes, gyri or deep nuclei, so the scene has none.

The surfaces are in MNI305 coordinates and the maps in MNI152; the published affine between the
two is applied to the surfaces.  One affine cannot make the folds of two averages of different
people match, so the two are offered beside each other: hemispheres first, tissue when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clerkship_widgets.mesh import Mesh, mirrored
from clerkship_widgets.meshes.isosurface import decimated, isosurface, shade_from_volume, smoothed
from clerkship_widgets.structure import Group, SceneError, Structure

__all__ = ["GROUPS", "TITLE", "build", "inputs"]

TITLE = "The brain"
GROUPS = (
    Group(
        "cortex",
        "Cerebral hemispheres",
        "The average brain fsaverage: outer and inner surface of the cortex.",
    ),
    Group(
        "tissue",
        "White and grey matter",
        "Another average brain (ICBM152), with brainstem and cerebellum. Its folds do not match "
        "the hemispheres: look at one or the other.",
    ),
)

# Source: FreeSurfer wiki, CoordinateSystems, section on MNI305 and MNI152 RAS coordinates
# (https://surfer.nmr.mgh.harvard.edu/fswiki/CoordinateSystems).
MNI152_FROM_MNI305_RAS = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# A tissue is drawn where its map says at least one half: there it is more likely than not.
TISSUE_LEVEL = 0.5
TISSUE_TRIANGLES = {"wm": 24_000, "gm": 40_000}
# FreeSurfer's sulcal depth in its own units, positive in sulci; 5th to 95th percentile on
# fsaverage5 is -0.85 to 1.06.  This much of it is spread over the whole range of brightness.
DEEPEST, HIGHEST = 0.9, -0.6

_SIDES = ("left", "right")
_FSAVERAGE_SOURCE = (
    "fsaverage5, the average of 40 people's cortical surfaces (B. Fischl, M. Sereno, R. Tootell, "
    "A. Dale, Human Brain Mapping 8:272–284, 1999), as shipped with nilearn; moved from MNI305 to "
    "MNI152 by the affine on FreeSurfer's CoordinateSystems page."
)
_FSAVERAGE_LICENCE = (
    "Part of FreeSurfer (FreeSurfer Software License); nilearn (BSD-3-Clause), which ships it, "
    "states no licence of its own for the data."
)
_ICBM_SOURCE = (
    "ICBM152 2009a symmetric template, an average of 152 young adults (V. Fonov et al., NeuroImage "
    "54:313–327, 2011, doi:10.1016/j.neuroimage.2010.07.033), as shipped with nilearn. The surface "
    "encloses what the map gives a probability of at least one half. {error}"
)
_ICBM_LICENCE = (
    "ICBM152: free to use, copy, change and distribute with its notice (© McConnell Brain Imaging "
    "Centre, Montreal Neurological Institute, McGill University)."
)
_SYMMETRIC = " The template is symmetric by construction: left and right are mirror images."


def inputs() -> list[Path]:
    """List the files that the scene is made of.

    Raises
    ------
    SceneError
        If nilearn is not installed or does not hold them.
    """
    spec = find_spec("nilearn")  # finds without importing, which would take seconds
    if spec is None or spec.origin is None:
        raise SceneError("The brain is made from files of nilearn, which is not installed.")
    data = Path(spec.origin).parent / "datasets" / "data"
    files = [
        data / "fsaverage5" / f"{kind}_{side}.gii.gz"
        for side in _SIDES
        for kind in ("pial", "white", "sulc")
    ]
    files += [
        data / f"mni_icbm152_{map_}_tal_nlin_sym_09a_converted.nii.gz" for map_ in ("wm", "gm")
    ]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise SceneError(
            f"nilearn in {data.parent.parent} lacks {', '.join(missing)}; install nilearn >= 0.14."
        )
    return files


def build() -> Iterator[tuple[Structure, Mesh]]:
    """Make the structures of the brain, each with its mesh in LPS millimetres (MNI152)."""
    files = inputs()
    # VTK lets go of the interpreter while it works, so the two maps share two cores.
    with ThreadPoolExecutor(max_workers=2) as pool:
        tissues = [pool.submit(_tissue, *job) for job in zip(("wm", "gm"), files[6:8], strict=True)]
        for side, (pial, white, sulc) in zip(_SIDES, (files[0:3], files[3:6]), strict=True):
            yield _cortex(side), _fsaverage_surface(pial, sulc)
            yield _boundary(side), _fsaverage_surface(white, sulc)
        for tissue in tissues:
            yield from tissue.result()


def _cortex(side: str) -> Structure:
    return Structure(
        id=f"{side}-cerebral-cortex",
        name=f"{side.capitalize()} cerebral cortex",
        latin="Cortex cerebri",
        side=side,
        group="cortex",
        colour="#edc7bd",
        description=(
            f"The outer surface of the {side} cerebral hemisphere, where the pia mater lies on it. "
            "Light ridges are gyri, dark grooves are sulci; the shading is the sulcal depth that comes "
            "with the surface. It is an average of many people, so the folds are smoother than in any one of them."
        ),
        source=_FSAVERAGE_SOURCE,
        licence=_FSAVERAGE_LICENCE,
        ontology=("UBERON:0000956",),
    )


def _boundary(side: str) -> Structure:
    return Structure(
        id=f"{side}-grey-white-boundary",
        name=f"{side.capitalize()} grey–white boundary",
        latin="",
        side=side,
        group="cortex",
        colour="#f0e2c2",
        description=(
            f"The inner surface of the {side} cerebral cortex, where grey matter meets the white matter. "
            "It lies inside the outer surface: hide the cortex, or make it transparent, to see it. The distance "
            "between the two is the cortical thickness."
        ),
        source=_FSAVERAGE_SOURCE,
        licence=_FSAVERAGE_LICENCE,
    )


def _fsaverage_surface(surface_file: Path, sulc_file: Path) -> Mesh:
    """Read one hemisphere and shade it by sulcal depth."""
    import nibabel as nib

    surface, sulc = nib.load(surface_file), nib.load(sulc_file)
    if not (isinstance(surface, nib.GiftiImage) and isinstance(sulc, nib.GiftiImage)):
        raise SceneError(f"{surface_file.name} and {sulc_file.name} must be GIFTI files.")
    coordinates, faces = (array.data for array in surface.darrays)
    depth = sulc.darrays[0].data
    to_lps = LPS_FROM_RAS @ MNI152_FROM_MNI305_RAS
    points_lps_mm = coordinates.astype(np.float64) @ to_lps[:3, :3].T + to_lps[:3, 3]
    light = np.clip((DEEPEST - depth) / (DEEPEST - HIGHEST), 0.0, 1.0)
    shade = np.round(light * 255).astype(np.uint8)
    return Mesh(points_lps_mm, faces.astype(np.int32), shade).facing_outwards()


def _tissue(tissue: str, map_file: Path) -> list[tuple[Structure, Mesh]]:
    """Trace one tissue map, one half of the brain at a time."""
    import nibabel as nib

    image = nib.Nifti1Image.from_filename(map_file)
    stored = np.asanyarray(image.dataobj)
    probability = stored.astype(np.float32) / np.float32(np.iinfo(stored.dtype).max)
    affine_lps_mm = LPS_FROM_RAS @ np.asarray(image.affine, dtype=np.float64)
    symmetric = bool(np.array_equal(probability, probability[::-1]))

    mesh, error = _half(probability, affine_lps_mm, "left", TISSUE_TRIANGLES[tissue])
    left = _tissue_structure(tissue, "left", error, symmetric=symmetric), mesh
    if symmetric:
        mesh = mirrored(mesh)
    else:
        mesh, error = _half(probability, affine_lps_mm, "right", TISSUE_TRIANGLES[tissue])
    right = _tissue_structure(tissue, "right", error, symmetric=symmetric), mesh
    return [left, right]


def _half(
    probability: npt.NDArray[np.float32],
    affine_lps_mm: npt.NDArray[np.float64],
    side: str,
    triangles: int,
) -> tuple[Mesh, str]:
    """One side of the midline plane as a closed surface, and a sentence about its error."""
    x_lps_mm = affine_lps_mm[0, 0] * np.arange(len(probability)) + affine_lps_mm[0, 3]
    mine = x_lps_mm >= 0 if side == "left" else x_lps_mm <= 0
    one_side = np.where(mine[:, None, None], probability, np.float32(0))
    full = smoothed(isosurface(one_side, affine_lps_mm, level=TISSUE_LEVEL))
    # The cut runs between two voxels; lay its face on the midline itself.
    to_midline = np.maximum if side == "left" else np.minimum
    full.points_lps_mm[:, 0] = to_midline(full.points_lps_mm[:, 0], 0.0)
    light = decimated(full, triangles)
    error = (
        f"Thinned out from {len(full.triangles):,} to {len(light.mesh.triangles):,} triangles, which "
        f"moved the surface by {light.mean_mm:.2f} mm on average and by less than {light.p95_mm:.2f} mm "
        f"at 95 % of its points (at most {light.max_mm:.1f} mm)."
    )
    light.mesh.points_lps_mm[:, 0] = to_midline(light.mesh.points_lps_mm[:, 0], 0.0)
    return shade_from_volume(light.mesh, probability, affine_lps_mm), error


def _tissue_structure(tissue: str, side: str, error: str, *, symmetric: bool) -> Structure:
    if tissue == "wm":
        name, latin, colour = "white matter", "Substantia alba", "#f1e7d0"
        ontology = ("UBERON:0003544",)
        description = (
            f"The myelinated fibre tracts of the {side} half of the brain, cut at the midline. The map does not "
            "separate the cerebrum from the brainstem and the cerebellum, so their white matter is part of it."
        )
    else:
        name, latin, colour = "grey matter", "Substantia grisea", "#cdb5b6"
        ontology = ("UBERON:0003528",)
        description = (
            f"The grey matter of the {side} half of the brain, cut at the midline: the cortex of the cerebrum and of "
            "the cerebellum, and the deep grey matter, which the map does not tell apart."
        )
    return Structure(
        id=f"{side}-{name.replace(' ', '-')}",
        name=f"{side.capitalize()} {name}",
        latin=latin,
        side=side,
        group="tissue",
        colour=colour,
        description=description + (_SYMMETRIC if symmetric else ""),
        source=_ICBM_SOURCE.format(error=error),
        licence=_ICBM_LICENCE,
        ontology=ontology,
        visible=False,  # a second brain in the place of the first
    )
