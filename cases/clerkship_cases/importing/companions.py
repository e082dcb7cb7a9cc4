"""References that come with a study: segmentations, contours and reports made on the same images."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from clerkship_cases.errors import CaseError

if TYPE_CHECKING:
    from clerkship_cases.case import Case

#: Who reads a companion is not in it any more: names of readers are taken out with the patient's.
_READER = "imported"
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 48


def keep_references(
    case: "Case", files: Iterable[Path], root: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Turn companions into findings of a key.

    Parameters
    ----------
    case : Case
        The case that is being made; its images already carry their new identifiers.
    files : iterable of Path
        De-identified segmentations, contours and reports.
    root : Path
        Folder of keys to write into: ``<root>/<case id>/key.yml``.

    Returns
    -------
    found : tuple of str
        Names of the findings that were kept.
    why_not : tuple of str
        A sentence for each that could not be.
    """
    from clerkship_cases.reference import add_reference, from_file

    found: list[str] = []
    why_not: list[str] = []
    for number, path in enumerate(files, start=1):
        try:
            readings = from_file(path, case)
        except CaseError as problem:
            why_not.append(f"Reference {number} of the study could not be read: {problem}")
            continue
        for reading in readings:
            title = reading.label or "finding"
            try:
                add_reference(
                    case,
                    reading,
                    name=finding_name(title, found),
                    title=title,
                    who="metadata",
                    how="Came with the study, as the file has it.",
                    reviewed="none",
                    reader=_READER,
                    root=root,
                )
            except CaseError as problem:
                why_not.append(f"“{title}” of reference {number} was not kept: {problem}")
            else:
                found.append(finding_name(title, found))
    return tuple(found), tuple(why_not)


def finding_name(title: str, taken: Iterable[str]) -> str:
    """Make a name for a finding from its title, unlike those that are taken.

    Examples
    --------
    >>> finding_name("Liver (right lobe)", ["liver-right-lobe"])
    'liver-right-lobe-2'
    """
    name = _NOT_IN_A_NAME.sub("-", title.casefold()).strip("-")[:_LONGEST_NAME].strip("-")
    name = name or "finding"
    taken = set(taken)
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
