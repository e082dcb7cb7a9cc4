"""A private place for an import while it is being made, and the one step that makes it a case.

Everything that still identifies a patient, and everything unfinished, lies in one folder that only
its owner can read. It is removed when the import ends; after a crash, the next import removes it.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from clerkship_cases.errors import CaseError

_FOLDER = "staging"
_JOURNAL = "published.json"


@contextmanager
def open_staging(root: Path | None = None) -> Iterator[Path]:
    """Make a private folder beside the added cases, on the same disk; it is gone afterwards.

    Parameters
    ----------
    root : Path, optional
        Folder of added cases; ``library.added_root()`` if not given.

    Raises
    ------
    CaseError
        If no folder can be made there.
    """
    place = _root(root) / _FOLDER
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.chmod(0o700)
        sweep(place)
        lock, folder = _claim(place)
    except OSError as problem:
        raise CaseError(
            f"{place}: can't be written ({problem.strerror}). Cases are added below "
            f"CLERKSHIP_LIBRARY; set it to a folder of yours."
        ) from problem
    try:
        yield folder
    finally:
        _remove(folder)
        folder.with_suffix(".lock").unlink(missing_ok=True)
        os.close(lock)


def sweep(place: Path) -> None:
    """Remove what imports that were killed have left behind.

    An import that runs holds a lock on its ``.lock`` file, which the system lets go of when the
    process dies, however it dies.
    """
    for lock_file in place.glob("*.lock"):
        with suppress(OSError):
            handle = os.open(lock_file, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _take_back(lock_file.with_suffix(""))
                _remove(lock_file.with_suffix(""))
                lock_file.unlink(missing_ok=True)
            finally:
                os.close(handle)
    for folder in place.iterdir():  # the lock is made first and goes last: without it, nobody's
        if folder.suffix != ".lock" and not folder.with_suffix(".lock").exists():
            _remove(folder)


def publish(staging: Path, finished: Sequence[tuple[Path, Path]]) -> None:
    """Give finished folders their names: all of them, or none.

    Each is renamed in one step. The last one is what makes the rest visible; if it does not come to
    that, the others are taken back, now or by the next import.

    Parameters
    ----------
    staging : Path
        From :func:`open_staging`; the folders lie in it.
    finished : sequence of (built, target)
        A complete folder, and where it is to be. No target may exist.

    Raises
    ------
    CaseError
        If there is something under a name already, or the disk refuses.
    """
    for built, _ in finished:
        _flush_tree(built)
    # A rename keeps the inode: that tells what this import put there from what was there before.
    steps = [[str(target), built.stat().st_ino] for built, target in finished]
    (staging / _JOURNAL).write_text(json.dumps(steps), encoding="utf-8")
    _flush(staging / _JOURNAL)
    for built, target in finished:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            built.rename(target)
            _flush(target.parent)
        except OSError as problem:
            _take_back(staging)
            raise CaseError(
                f"{target}: can't be put in place ({problem.strerror}). If there is a case or a key "
                f"of this name already, choose another id or remove that one first."
            ) from problem


def _take_back(staging: Path) -> None:
    """Undo what was published of an import that did not get to its last step."""
    try:
        steps = json.loads((staging / _JOURNAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # nothing was published
        return

    def is_ours(target: str, inode: int) -> bool:
        try:
            return Path(target).stat().st_ino == inode
        except OSError:
            return False

    if not is_ours(*steps[-1]):
        for target, inode in steps:
            if is_ours(target, inode):
                _remove(Path(target))


def _claim(place: Path) -> tuple[int, Path]:
    """Make a lock file and hold it, then the folder that it stands for."""
    while True:
        folder = place / f"import-{secrets.token_hex(6)}"
        lock_file = folder.with_suffix(".lock")
        handle = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock_file.stat().st_ino == os.fstat(handle).st_ino:
                folder.mkdir(mode=0o700)
                return handle, folder
        except (BlockingIOError, FileNotFoundError):
            pass  # another import swept it between the two steps: take a new name
        os.close(handle)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _flush_tree(folder: Path) -> None:
    """Have everything on the disk before the name that says that it is there."""
    for here, _, names in os.walk(folder):
        for name in names:
            _flush(Path(here) / name)
        _flush(Path(here))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _root(root: Path | None) -> Path:
    if root is not None:
        return root
    from clerkship_cases.library import added_root

    return added_root()
