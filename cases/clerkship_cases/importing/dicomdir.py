"""A DICOMDIR: which files a CD or USB stick says it holds."""

from pathlib import Path, PurePosixPath

from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.gathering import Gathered, printable, unsafe_name
from clerkship_cases.importing.limits import Limits

#: Media Storage Directory Storage, PS3.4 annex B / PS3.10.
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"


def referenced_names(directory: Dataset, where: str, limits: Limits) -> list[str]:
    """List the files that a DICOMDIR refers to, relative to its own folder.

    Records are read as a flat list (PS3.3 F.3.2.2: the offsets that make a tree of them only say
    which belongs to which), so a directory whose offsets form a ring is read like any other.

    Raises
    ------
    CaseError
        If it has no records or too many.
    """
    records = directory.get("DirectoryRecordSequence")
    if not isinstance(records, list) and not hasattr(records, "__len__"):
        raise CaseError(
            f"{where}: has no Directory Record Sequence (0004,1220), so it names no file. "
            f"Give the folder that holds the images instead."
        )
    if len(records) > 4 * limits.files:
        raise CaseError(f"{where}: has {len(records):,} directory records; that is too many.")
    names = []
    for record in records:
        value = record.get("ReferencedFileID")  # (0004,1500), up to 8 components
        if value:
            parts = [value] if isinstance(value, str) else [str(part) for part in value]
            names.append("/".join(parts))
    return names


def follow(directory_name: str, directory: Dataset, present: Gathered, limits: Limits) -> Gathered:
    """Keep of the files that are present those that a DICOMDIR names.

    Parameters
    ----------
    directory_name : str
        Name of the DICOMDIR among ``present``.
    directory : Dataset
        Its content.
    present : Gathered
        Everything in its folder; names on a disc are compared without regard to case, because a
        CD writes them in capitals and many systems show them in small letters.

    Returns
    -------
    Gathered
        Missing files, and references that lead out of the folder, are among the skipped.
    """
    base = PurePosixPath(directory_name).parent
    by_name = {name.casefold(): name for name in present.files}
    found = Gathered()
    missing = 0
    names = dict.fromkeys(referenced_names(directory, printable(directory_name), limits))
    for name in names:
        if reason := unsafe_name(name):
            found.skip(name, f"DICOMDIR names it, but {reason}")
            continue
        actual = _lookup(by_name, (base / name).as_posix())
        if actual is None:
            missing += 1
            found.skip(name, "DICOMDIR names it, but it is not there")
        else:
            found.files[actual] = present.files[actual]
    if missing:
        found.notes.append(
            f"DICOMDIR names {len(names)} files; {missing} of them are missing. "
            f"Copy the whole disc, not only a part of it."
        )
    return found


def _lookup(by_name: dict[str, str], name: str) -> str | None:
    """Find a file by its name on a disc; ISO 9660 may have added ``.`` or ``;1`` to it."""
    wanted = name.casefold()
    for spelling in (wanted, f"{wanted};1", f"{wanted}.;1", f"{wanted}."):
        if spelling in by_name:
            return by_name[spelling]
    return None


def is_dicomdir(path: Path) -> bool:
    """Tell by its name: PS3.10 8.6 fixes it."""
    return path.name.casefold().split(";")[0].rstrip(".") == "dicomdir"
