"""The case library: one folder per case, ``<id>/case.yml``.

Two folders hold cases: the library that is shipped, and what was added on this machine
(``clerkship cases add``). A case that was added never hides a shipped one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.record import CaseRecord, read_case_record

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def library_root() -> Path:
    """Folder of the shipped library: inside an installed package, beside the package in a checkout."""
    here = Path(__file__).parent
    packaged = here / "library"
    return packaged if packaged.is_dir() else here.parent / "library"


def added_root() -> Path:
    """Where cases of this machine live: ``$CLERKSHIP_LIBRARY``, else ``~/.local/share/clerkship``.

    ``cases/<id>/`` is the public part of a case, ``keys/<id>/`` the teacher's.
    """
    named = os.environ.get("CLERKSHIP_LIBRARY")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "clerkship"


def library_roots() -> tuple[Path, ...]:
    """Folders that hold cases: the shipped library first, then the cases that were added here."""
    return (library_root(), added_root() / "cases")


def case_paths() -> dict[str, Path]:
    """``case.yml`` of every case, by id. Reads none of them."""
    found: dict[str, Path] = {}
    for root in library_roots():
        for path in _records_in(root):
            found.setdefault(path.parent.name, path)
    return dict(sorted(found.items()))


def list_cases() -> list[CaseRecord]:
    """Public records of all cases, by id. Opens no image."""
    return [read_case_record(path) for path in case_paths().values()]


def find_case(id: str) -> Path:  # noqa: A002 - it is the case's id, in every format we write
    """Find the ``case.yml`` of a case.

    Raises
    ------
    CaseError
        If there is no such case; the message lists those that exist.
    """
    # The id may come from a notebook or a student's file: it must not become a path of their choice.
    if isinstance(id, str) and _ID.fullmatch(id):
        for root in library_roots():
            path = root / id / "case.yml"
            if path.is_file():
                return path
    raise CaseError(f"there is no case {id!r}. The library has: {', '.join(case_paths())}.")


def open_case(id: str) -> Case:  # noqa: A002
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
    path = find_case(id)
    return Case(read_case_record(path), path.parent)


def is_added(path: Path) -> bool:
    """Tell whether a ``case.yml`` belongs to a case that was added on this machine."""
    return path.parent.parent == added_root() / "cases"


def remove_case(id: str) -> Path:  # noqa: A002
    """Remove a case that was added on this machine; its key, which somebody drew, is kept.

    Returns
    -------
    Path
        The folder that is gone.

    Raises
    ------
    CaseError
        If there is no such case, or it belongs to the shipped library.
    """
    import shutil

    path = find_case(id)
    if not is_added(path):
        raise CaseError(
            f"{id!r} belongs to the library that Clerkship ships, and stays. Only cases that were "
            f"added with `clerkship cases add` can be removed."
        )
    leaving = path.parent.with_name(f".removing-{id}")
    try:
        shutil.rmtree(leaving, ignore_errors=True)
        path.parent.rename(leaving)  # gone at once for every reader, whatever happens next
        shutil.rmtree(leaving)
    except OSError as problem:
        raise CaseError(
            f"{path.parent}: can't be removed ({problem.strerror}). Only the account that added the "
            f"case can remove it."
        ) from problem
    return path.parent


def _records_in(root: Path) -> Iterator[Path]:
    try:
        folders = sorted(root.iterdir())
    except OSError:  # no case was added yet, or this account may not look there
        return
    for folder in folders:
        path = folder / "case.yml"
        if _ID.fullmatch(folder.name) and path.is_file():
            yield path
