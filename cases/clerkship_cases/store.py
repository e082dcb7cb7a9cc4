"""A store of files by content: written once by whoever fetches, read by everybody, changed by nobody.

``<cache>/files/<first two>/<sha256>`` holds a file whose bytes have that SHA-256. A file is
complete and checked before it gets its name, so that two processes may bring the same file, or be
killed while they do, and a reader never sees half of one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from clerkship_cases.errors import CaseError

_CHUNK_BYTES = 1 << 20
FILE_MODE = 0o444
FOLDER_MODE = 0o755


@dataclass(frozen=True)
class StoredFile:
    """A file of the store: where it lies, its SHA-256 (hexadecimal) and its size."""

    path: Path
    sha256: str
    bytes: int


def cache_root() -> Path:
    """Folder for what can be made or fetched again: ``$CLERKSHIP_CACHE``, else ``~/.cache/clerkship``."""
    chosen = os.environ.get("CLERKSHIP_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clerkship"


class FileStore:
    """Files by their SHA-256.

    Parameters
    ----------
    root : Path, optional
        Folder of the cache; :func:`cache_root` by default. The files lie in ``files/`` inside it.

    Examples
    --------
    >>> import io, tempfile
    >>> store = FileStore(Path(tempfile.mkdtemp()))
    >>> kept = store.put(io.BytesIO(b"a small file"))
    >>> store.find(kept.sha256) == kept.path
    True
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = Path(root) if root is not None else cache_root()

    def path_of(self, sha256: str) -> Path:
        """Where a file with this content lies, or would lie."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise CaseError(f"{sha256!r} is no SHA-256: 64 small hexadecimal digits are expected.")
        return self.root / "files" / sha256[:2] / sha256

    def find(self, sha256: str) -> Path | None:
        """Find a file; its content is checked once for as long as it is not touched.

        Returns
        -------
        Path or None
            None if it is not here, or if what lies here is damaged (fetch it again).
        """
        path = self.path_of(sha256)
        try:
            state = path.lstat()
            if not path.is_file() or path.is_symlink():
                return None
            found = sha256_of(path, state.st_size, state.st_mtime_ns)
        except OSError:
            return None
        return path if found == sha256 else None

    def put(self, source: Path | BinaryIO, sha256: str | None = None) -> StoredFile:
        """Keep a copy of a file or of everything that a stream still holds.

        Parameters
        ----------
        source : Path or binary stream
            What to keep.
        sha256 : str, optional
            What it has to be; anything else is refused and not kept.

        Raises
        ------
        CaseError
            If the content is another one, or the store can't be written.
        """
        if sha256 is not None and (here := self.find(sha256)) is not None:
            return StoredFile(here, sha256, here.stat().st_size)
        try:
            with self._temporary() as target:
                if isinstance(source, Path):
                    with source.open("rb") as stream:
                        found, size = _copy(stream, target)
                else:
                    found, size = _copy(source, target)
                if sha256 is not None and found != sha256:
                    raise CaseError(
                        f"{_name(source)} is not the file that is meant: its sha256 starts with "
                        f"{found[:12]}, expected {sha256[:12]}. Nothing was kept."
                    )
                return self._name_it(target, found, size)
        except OSError as problem:
            raise self.not_writable(problem) from problem

    def adopt(self, part: Path, sha256: str | None = None) -> StoredFile:
        """Take over a finished download that lies in the store's own file system, without a copy.

        Raises
        ------
        CaseError
            If its content is another one; the file is deleted then.
        """
        with part.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if sha256 is not None and found != sha256:
            part.unlink()
            raise CaseError(
                f"what arrived is not the file that is meant: its sha256 starts with {found[:12]}, "
                f"expected {sha256[:12]}. It was thrown away."
            )
        try:
            return self._name_it(part, found, part.stat().st_size)
        except OSError as problem:
            raise self.not_writable(problem) from problem

    def folder(self, name: str) -> Path:
        """Make and return a folder of the cache that everybody may read."""
        folder = self.root / name
        try:
            make_readable_folder(folder)
        except OSError as problem:
            raise self.not_writable(problem) from problem
        return folder

    def not_writable(self, problem: OSError) -> CaseError:
        """Say that the store can't take a file, and what to do."""
        return CaseError(
            f"the image store {self.root} can't be written ({problem.strerror or problem}). Only the "
            f"account that runs Clerkship may add to it; set CLERKSHIP_CACHE to a folder of your own "
            f"to keep files there."
        )

    def _name_it(self, part: Path, sha256: str, size: int) -> StoredFile:
        path = self.path_of(sha256)
        make_readable_folder(path.parent)
        part.chmod(FILE_MODE)
        part.replace(path)  # the same bytes, whoever was first: replacing changes nothing
        return StoredFile(path, sha256, size)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        path = self.folder("partial") / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def make_readable_folder(folder: Path) -> None:
    """Make a folder and those above it; each new one may be read by everybody, whatever the umask."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(FOLDER_MODE)


def write_whole(path: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Write a small file so that others see all of it or none of it."""
    make_readable_folder(path.parent)
    part = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Do something in one process of this machine at a time; the others wait. ``path`` is the lock."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@lru_cache(maxsize=8192)
def sha256_of(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file, once for as long as its size and time stay the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(stream: BinaryIO, target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _name(source: Path | BinaryIO) -> str:
    return str(source if isinstance(source, Path) else getattr(source, "name", "the stream"))
