"""Files of a folder or an archive, gathered by name: what may be read, and what was left out and why."""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.limits import Limits


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not taken, and the reason in words."""

    name: str
    reason: str


@dataclass(slots=True)
class Gathered:
    """Files that may be read, by the name that their source gives them.

    Attributes
    ----------
    files : dict of str to Path
        Name inside the source (forward slashes) to where the bytes lie on this machine.
    skipped : list of Skipped
    notes : list of str
        What a person should know about the source as a whole.
    """

    files: dict[str, Path] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def skip(self, name: str, reason: str) -> None:
        """Leave a file out, and remember why."""
        self.skipped.append(Skipped(printable(name), reason))


def gather_folder(folder: Path, limits: Limits) -> Gathered:
    """Find every regular file below a folder, whatever its name; links are never followed.

    Raises
    ------
    CaseError
        If the folder can't be read or holds too much.
    """
    found = Gathered()
    total_bytes = 0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as problem:
            if here == folder:
                raise CaseError(f"{folder}: can't be read ({problem.strerror}).") from problem
            found.skip(here.relative_to(folder).as_posix(), f"can't be read ({problem.strerror})")
            continue
        for entry in entries:
            name = Path(entry.path).relative_to(folder).as_posix()
            if entry.is_symlink():
                found.skip(name, "a link; links are not followed")
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif not entry.is_file(follow_symlinks=False):
                found.skip(name, "not an ordinary file")
            else:
                total_bytes += entry.stat(follow_symlinks=False).st_size
                found.files[name] = Path(entry.path)
        if len(found.files) > limits.files or total_bytes > limits.total_bytes:
            raise CaseError(
                f"{folder}: holds more than {limits.files:,} files or "
                f"{limits.total_bytes / 2**30:.0f} GB. Give the folder of one study."
            )
    found.files = dict(sorted(found.files.items()))
    return found


def unsafe_name(name: str) -> str | None:
    """Say why a name of somebody else's making must not become a path, or None if it may.

    Parameters
    ----------
    name : str
        As an archive or a DICOMDIR gives it.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if not name or "\0" in name:
        return "has no usable name"
    if path.is_absolute() or (len(name) > 1 and name[1] == ":"):
        return "its name is an absolute path"
    if ".." in path.parts:
        return "its name leads out of the folder"
    return None


def printable(name: str, longest: int = 120) -> str:
    """Make a name of somebody else's making fit for one line of a message."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
