"""Bring the images of a case to this machine: once, checked, and for everybody who may read the cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from clerkship_cases.errors import CaseError
from clerkship_cases.licence import is_non_commercial
from clerkship_cases.sources.download import Line
from clerkship_cases.sources.kinds import (
    DicomWebSource,
    FolderSource,
    IdcSource,
    PackageSource,
    UrlSource,
)
from clerkship_cases.sources.manifest import Entry
from clerkship_cases.sources.stored import (
    Remote,
    fetched_list,
    find_all,
    listed_files,
    write_fetched_list,
)
from clerkship_cases.store import FileStore, alone

if TYPE_CHECKING:
    from clerkship_cases.case import Case

_WORKERS = 6


@dataclass(frozen=True)
class Fetched:
    """What ``get`` did for one series: how many files it has, their size, and how many came just now."""

    files: int
    bytes: int
    new_files: int


def fetch_case(
    case: Case, *, store: FileStore | None = None, line: Line | None = None, allow_nc: bool = False
) -> Fetched:
    """Bring the images of a case into the store of this machine.

    A case whose images lie in a package or beside ``case.yml`` has nothing to fetch.

    Raises
    ------
    CaseError
        If its licence forbids commercial use and that was not asked for, if the images can't be had,
        or if they are not the ones that are meant.
    """
    record = case.record
    refuse_non_commercial(record.licence_code, f"the case {case.id!r}", allow_nc=allow_nc)
    if isinstance(record.source, PackageSource | FolderSource):
        sizes = [path.stat().st_size for path in case.files]
        return Fetched(len(sizes), sum(sizes), 0)
    return fetch_source(record.source, case.folder, store=store, line=line)


def fetch_source(
    source: Remote, folder: Path, *, store: FileStore | None = None, line: Line | None = None
) -> Fetched:
    """Bring the images of a remote source into the store.

    Parameters
    ----------
    source : UrlSource, IdcSource or DicomWebSource
        What ``case.yml`` says.
    folder : Path
        Where ``case.yml`` lies (a URL source is listed beside it).

    Raises
    ------
    CaseError
        If the images can't be had, or are not the ones that are meant.
    """
    store, line = store or FileStore(), line or Line()
    entries = listed_files(source, folder, store) or ()
    missing = _missing(entries, store)
    if entries and not missing:
        return _fetched(entries, 0)
    if isinstance(source, UrlSource):
        line.expect(sum(entry.bytes for entry in missing))
        _fetch_files(missing, store, line)
        return _fetched(entries, len(missing))
    lock = store.folder("partial") / f"{fetched_list(source, store).stem}.lock"
    with alone(lock):
        entries = listed_files(source, folder, store) or ()
        if entries and not _missing(entries, store):  # another process was faster
            return _fetched(entries, 0)
        entries = _fetch_series(source, store, line)
        write_fetched_list(source, entries, store)
        return _fetched(entries, len(entries))


def refuse_non_commercial(code: str | None, what: str, *, allow_nc: bool) -> None:
    """Refuse what a paid course may not use, unless it was asked for by name.

    Raises
    ------
    CaseError
        If the licence forbids commercial use.
    """
    if code and is_non_commercial(code) and not allow_nc:
        raise CaseError(
            f"{what} has the licence {code}, which forbids commercial use: a paid course would breach "
            f"it. If yours may use it, say so with --allow-nc."
        )


def _fetched(entries: Sequence[Entry], new_files: int) -> Fetched:
    return Fetched(len(entries), sum(entry.bytes for entry in entries), new_files)


def _missing(entries: Sequence[Entry], store: FileStore) -> tuple[Entry, ...]:
    found = find_all(entries, store)
    return tuple(entry for entry, path in zip(entries, found, strict=True) if path is None)


def _fetch_files(entries: Sequence[Entry], store: FileStore, line: Line) -> None:
    from clerkship_cases.sources.url import fetch_file

    with ThreadPoolExecutor(_WORKERS) as pool, line.stopping():
        for _ in pool.map(lambda entry: fetch_file(entry, store, line), entries):
            pass


def _fetch_series(
    source: IdcSource | DicomWebSource, store: FileStore, line: Line
) -> tuple[Entry, ...]:
    if isinstance(source, IdcSource):
        from clerkship_cases.sources.idc import fetch_series

        return tuple(fetch_series(source, store, line))
    return tuple(_fetch_dicomweb(source, store, line))


def _login(server: str) -> tuple[str | None, str | None]:
    """Return user and password for a server, if the environment says that they are for this one.

    Whoever wrote ``case.yml`` chose the server; a password must not go where it was not meant to go.
    """
    if os.environ.get("CLERKSHIP_PACS_SERVER", "").rstrip("/") != server.rstrip("/"):
        return None, None
    return os.environ.get("CLERKSHIP_PACS_USER"), os.environ.get("CLERKSHIP_PACS_PASSWORD")


def _fetch_dicomweb(source: DicomWebSource, store: FileStore, line: Line) -> list[Entry]:
    from clerkship_cases.sources.dicomweb import DicomWebServer

    with TemporaryDirectory(dir=store.folder("partial")) as name:
        folder = Path(name)
        DicomWebServer(source.server, *_login(source.server)).fetch_series(
            source.study_uid, source.series_uid, folder
        )
        entries = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            kept = store.put(path)
            line.advance(kept.bytes)
            entries.append(Entry(path.name, kept.sha256, kept.bytes))
    if len(entries) != source.instances:
        raise CaseError(
            f"{source.server} gave {len(entries)} images of the series {source.series_uid}; "
            f"{source.instances} were expected."
        )
    return entries
