"""The case library: one folder per case, ``<id>/case.yml``."""

import re
from pathlib import Path

from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.record import CaseRecord, read_case_record

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def library_root() -> Path:
    """Folder of the library: inside an installed package, beside the package in a checkout."""
    here = Path(__file__).parent
    packaged = here / "library"
    return packaged if packaged.is_dir() else here.parent / "library"


def list_cases() -> list[CaseRecord]:
    """Public records of all cases, by id. Opens no image."""
    return [read_case_record(path) for path in sorted(library_root().glob("*/case.yml"))]


def open_case(id: str) -> Case:  # noqa: A002 - it is the case's id, in every format we write
    """Open a case of the library.

    Images are read when ``volume`` or ``images`` is first used.

    Raises
    ------
    CaseError
        If there is no such case (the message lists those that exist) or its record is wrong.

    Examples
    --------
    >>> open_case("brain-mni152").volume.spacing_mm
    (1.0, 1.0, 1.0)
    """
    # The id may come from a notebook or a student's file: it must not become a path of their choice.
    path = library_root() / id / "case.yml" if isinstance(id, str) and _ID.fullmatch(id) else None
    if path is None or not path.is_file():
        known = ", ".join(sorted(path.parent.name for path in library_root().glob("*/case.yml")))
        raise CaseError(f"there is no case {id!r}. The library has: {known}.")
    return Case(read_case_record(path), path.parent)
