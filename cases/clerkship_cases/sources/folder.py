"""Image files that lie beside ``case.yml``: listed, checked, and never reached through a link."""

from __future__ import annotations

from pathlib import Path

from clerkship_cases.errors import CaseError
from clerkship_cases.sources.kinds import inside
from clerkship_cases.sources.manifest import Entry, read_manifest
from clerkship_cases.store import sha256_of


def folder_files(folder: Path, manifest: str) -> tuple[Path, ...]:
    """Find the files that a manifest beside ``case.yml`` lists.

    Parameters
    ----------
    folder : Path
        Where ``case.yml`` lies.
    manifest : str
        Name of the list, usually ``"files.tsv"``.

    Raises
    ------
    CaseError
        If a file is missing, is a link, leads out of the folder, or is not the file listed.
    """
    listed = folder / manifest
    return tuple(_checked(folder, entry, listed) for entry in read_manifest(listed, "path"))


def _checked(folder: Path, entry: Entry, listed: Path) -> Path:
    try:
        path = folder / inside(entry.place)
    except ValueError as problem:
        raise CaseError(f"{listed}: {entry.place!r} {problem}") from problem
    try:
        for step in (path, *path.parents):
            if step == folder:
                break
            if step.is_symlink():
                raise CaseError(
                    f"{step}: is a link. The images of a case are files of its own folder; "
                    f"copy the file there."
                )
        state = path.stat()
        found = sha256_of(path, state.st_size, state.st_mtime_ns)
    except OSError as problem:
        raise CaseError(
            f"{path}: listed in {listed.name}, but can't be read ({problem.strerror}). "
            f"Import the study again."
        ) from problem
    if found != entry.sha256:
        raise CaseError(
            f"{path}: is not the file that {listed.name} lists (sha256 starts with {found[:12]}, "
            f"expected {entry.sha256[:12]}). It was changed; import the study again."
        )
    return path
