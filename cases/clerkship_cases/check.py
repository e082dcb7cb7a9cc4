"""Check cases before a course: does everything hold that a record and a key say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.key import ReferenceFinding, key_roots, open_key
from clerkship_cases.library import case_paths, is_added
from clerkship_cases.licence import is_non_commercial
from clerkship_cases.record import read_case_record
from clerkship_cases.sources.kinds import FolderSource, PackageSource
from clerkship_cases.sources.stored import find_all, listed_files
from clerkship_cases.store import FileStore

State = Literal["in order", "not fetched", "wrong"]


@dataclass(frozen=True)
class Verdict:
    """What the check found for one case.

    Attributes
    ----------
    case : str
        Id of the case.
    state : str
        ``in order``; ``not fetched`` (all that can be said without the images is in order); ``wrong``.
    problems : tuple of str
        What has to be put right.
    notes : tuple of str
        What is worth knowing.
    findings : int
        References whose place was checked against the images.
    slices : int
        Slices that were decoded.
    """

    case: str
    state: State
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    findings: int = 0
    slices: int = 0


def check_cases(names: Iterable[str] = ()) -> Iterator[Verdict]:
    """Check some cases, or all, and every key that this account can read; one verdict after another.

    Raises
    ------
    CaseError
        If a case of that name does not exist.
    """
    paths, keyed = case_paths(), _keyed()
    wanted = tuple(names) or sorted({*paths, *keyed})
    for name in wanted:
        if name not in paths and name not in keyed:
            raise CaseError(f"there is no case {name!r}. The library has: {', '.join(paths)}.")
    for name in wanted:
        yield _check(name, paths.get(name), has_key=name in keyed)


def _keyed() -> set[str]:
    return {path.parent.name for root in key_roots() for path in root.glob("*/key.yml")}


def _check(name: str, path: Path | None, *, has_key: bool) -> Verdict:
    if path is None:
        return Verdict(
            name, "wrong", ("has a key and no case.yml; remove the key or add the case.",)
        )
    try:
        case = Case(read_case_record(path), path.parent)
    except CaseError as problem:
        return Verdict(name, "wrong", (str(problem),))
    problems, notes = _check_licence(case, shipped=not is_added(path))
    missing = ""
    slices = findings = 0
    try:
        missing = _not_here(case)
        if missing:
            notes.append(missing)
        else:
            slices = _check_images(case)
            notes += case.notes
    except CaseError as problem:
        problems.append(str(problem))
    if has_key:
        try:
            findings = _check_key(case, with_images=bool(slices))
        except CaseError as problem:
            problems.append(str(problem))
    state: State = "wrong" if problems else "not fetched" if missing else "in order"
    return Verdict(name, state, tuple(problems), tuple(notes), findings, slices)


def _check_licence(case: Case, *, shipped: bool) -> tuple[list[str], list[str]]:
    code = case.record.licence_code
    if code is None:
        words = "its licence is said in words only; add licence_code (an SPDX identifier, or LicenseRef-…)."
        return ([words], []) if shipped else ([], [words])
    if is_non_commercial(code):
        return [], [f"{code}: not for paid courses."]
    return [], []


def _not_here(case: Case) -> str:
    """Say that images have not been fetched; the empty string if they are here."""
    source = case.record.source
    if isinstance(source, PackageSource | FolderSource):
        return ""
    store = FileStore()
    entries = listed_files(source, case.folder, store)
    here = [] if entries is None else [path for path in find_all(entries, store) if path]
    if entries is not None and len(here) == len(entries):
        return ""
    count = f"{len(here)} of {len(entries)} files are here; " if here and entries else ""
    return f"{count}not fetched (clerkship cases get {case.id})"


def _check_images(case: Case) -> int:
    """Decode the images, and check that they have a place and a header each."""
    volume = case.volume
    slices = int(volume.array.shape[0])
    if volume.array.size == 0:
        raise CaseError("the images hold no pixels.")
    if np.issubdtype(volume.array.dtype, np.floating) and not np.isfinite(volume.array).all():
        raise CaseError("some values of the images are no numbers.")
    if len(case.images) != slices or len(case.frame_numbers) != slices:
        raise CaseError(f"{slices} slices have {len(case.images)} headers; they must be as many.")
    if not min(volume.spacing_mm) > 0:
        raise CaseError(f"the spacing {volume.spacing_mm} mm must be greater than 0.")
    corner_ijk = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, slices - 1.0]])
    there = volume.voxel_from_patient(volume.patient_from_voxel(corner_ijk))
    if not np.allclose(there, corner_ijk, atol=1e-3):
        raise CaseError("the geometry can't be inverted: a place and its voxel do not agree.")
    return slices


def _check_key(case: Case, *, with_images: bool) -> int:
    """Read the key; with images, check that every reference lies inside them and holds a voxel."""
    key = open_key(case.id)
    if not with_images:
        return 0
    from clerkship_cases.reference.shapes import check_inside
    from clerkship_cases.standards.image_place import ImagePlaces

    places = ImagePlaces(case)
    for finding in key.findings:
        try:
            check_inside(places, finding.annotation)
            _check_holds_voxels(finding, case)
        except CaseError as problem:
            raise CaseError(
                f"the key: finding {finding.name!r} of {finding.reader!r}: {problem}"
            ) from problem
    return len(key.findings)


def _check_holds_voxels(finding: ReferenceFinding, case: Case) -> None:
    has_inside = finding.mask is not None or finding.shape.kind in ("region", "ellipse")
    if has_inside and not finding.voxels(case).any():
        raise CaseError("holds no voxel of the images.")
