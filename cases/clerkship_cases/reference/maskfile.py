"""The voxels of a finding as a DICOM Segmentation beside its key: written once, checked whenever read."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.errors import CaseError
from clerkship_cases.standards.codes import Code
from clerkship_cases.standards.seg import read_segments, write_masks

if TYPE_CHECKING:
    from clerkship_cases.case import Case
    from clerkship_cases.key import MaskFile


def write_mask_file(
    folder: Path,
    case: "Case",
    mask: NDArray[np.bool_],
    *,
    name: str,
    reader: str,
    kind: Code | None = None,
) -> tuple[Path, str]:
    """Write ``<name>.<reader>.<hash>.seg.dcm`` into the folder of a key; returns the file and its sha256.

    The hash in the name keeps an earlier file in place until the key has been changed.
    """
    part = folder / f".{name}.{reader}.part"
    try:
        write_masks(
            part,
            case,
            {name: mask},
            observer=reader,
            what="REFERENCE",
            kinds={name: kind} if kind else None,
        )
        digest = hashlib.sha256(part.read_bytes()).hexdigest()
        path = folder / f"{name}.{reader}.{digest[:8]}.seg.dcm"
        part.chmod(0o600)
        part.replace(path)
    except OSError as problem:
        raise CaseError(
            f"{folder} can't be written ({problem.strerror or problem}); nothing was changed."
        ) from problem
    finally:
        part.unlink(missing_ok=True)
    return path, digest


def read_mask_file(mask: "MaskFile", folder: Path | None, case: "Case") -> NDArray[np.bool_]:
    """Read the voxels of a finding: bool [slice, row, column].

    Raises
    ------
    CaseError
        If the file is missing, was changed since the key was written, or is of other images.
    """
    if folder is None:
        raise CaseError(
            f"the file {mask.file} of a finding can't be found: open the key with open_key(), which "
            f"knows the folder."
        )
    path = folder / mask.file
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as problem:
        raise CaseError(
            f"{path} can't be read ({problem.strerror}); the key names it as the voxels of a finding."
        ) from problem
    if digest != mask.sha256:
        raise CaseError(
            f"{path} is not the file that the key was written with: its sha256 is {digest}, the key says "
            f"{mask.sha256}. Add the reading again if the change is meant."
        )
    for segment in read_segments(path, case):
        if segment.number == mask.segment:
            return segment.mask
    raise CaseError(f"{path} has no segment {mask.segment}; correct `segment` in the key.")
