"""The two doors for standard files: written all or not at all, read as if sent by an enemy."""

import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info

from clerkship_cases.annotation import MAX_LABEL
from clerkship_cases.errors import CaseError

#: Only plain encodings are read: a deflated or compressed file can unpack to any size.
_PLAIN = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})


def write_atomically(dataset: Dataset, path: Path, *, max_bytes: int) -> None:
    """Write a DICOM file so that ``path`` holds either the old file or the whole new one.

    Raises
    ------
    CaseError
        If it can't be written (no right to, disk full), or is larger than what would be read again;
        the old file is then untouched.
    """
    handle = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            # Private files by default; the answer must be as readable as its neighbours.
            Path(name).chmod(0o644)
            dataset.save_as(file, enforce_file_format=True)
            file.flush()
            if file.tell() > max_bytes:
                raise CaseError(
                    f"{path.name} would have {file.tell()} bytes; at most {max_bytes} are kept. Remove some "
                    f"annotations, or draw with fewer points."
                )
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as problem:
        raise CaseError(
            f"{path} can't be saved ({problem.strerror or problem}). What was saved before is still there."
        ) from problem
    finally:
        if handle is not None:
            Path(name).unlink(missing_ok=True)


@contextmanager
def untrusted(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong with a file that we did not write into one sentence.

    A broken file can fail anywhere in pydicom, at any depth, with any exception: at this door, and only
    here, all of them mean the same.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except CaseError:
        raise
    except (Exception, RecursionError) as problem:
        raise CaseError(
            f"{path.name} is damaged, or not as the standard has it ({type(problem).__name__}). "
            f"Expected {what}; make the file again, or take an earlier version of it."
        ) from problem


def read_untrusted(
    path: Path, sop_class_uids: frozenset[str], *, max_bytes: int, what: str
) -> Dataset:
    """Read a DICOM file of a known class, with a limit on its size.

    Use inside :func:`untrusted`: pydicom decodes elements only when they are looked at.

    Raises
    ------
    CaseError
        If the file is absent, no ordinary file, too large, compressed, or of another class.
    """
    try:
        state = path.lstat()
    except OSError as problem:
        raise CaseError(f"{path} can't be read ({problem.strerror}).") from problem
    if not stat.S_ISREG(state.st_mode):
        raise CaseError(f"{path} is not an ordinary file; expected {what}.")
    if state.st_size > max_bytes:
        raise CaseError(
            f"{path.name} has {state.st_size} bytes; {what} has at most {max_bytes}. "
            f"It was not made by drawing on the image."
        )
    try:
        syntax = str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
        if syntax not in _PLAIN:
            raise CaseError(
                f"{path.name} is compressed or stored in a rare encoding ({syntax or 'none is named'}); save it "
                f"uncompressed, little endian."
            )
        dataset = dcmread(path)
    except InvalidDicomError as problem:
        raise CaseError(f"{path.name} is not a DICOM file; expected {what}.") from problem
    found = dataset.get("SOPClassUID")
    if found not in sop_class_uids:
        raise CaseError(f"{path.name} holds {getattr(found, 'name', found)}; expected {what}.")
    return dataset


def observer_name(observer: str) -> str:
    """Turn a pseudonym into the DICOM person name of the file's author (PS3.5 6.2.1)."""
    name = observer.strip()
    if not name or len(name) > 64 or not name.isprintable() or any(c in "\\=^" for c in name):
        raise CaseError(
            f"observer {observer!r} must be 1 to 64 characters without \\, = and ^; use a pseudonym, "
            f"for instance 'student1'."
        )
    return f"{name}^"  # one component: a family name, said to be whole by the caret


def as_label(words: str) -> str:
    """Turn what another program calls a thing into a label: one line of at most 64 printable characters."""
    clean = "".join(c if c.isprintable() and c != "\\" else " " for c in words)
    return clean.strip()[:MAX_LABEL].strip()
