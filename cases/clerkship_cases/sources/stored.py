"""Image files that were fetched: found in the store of this machine, by their checksums.

What a URL case consists of is listed beside its ``case.yml``. What a series of the Imaging Data
Commons or of a DICOMweb server consists of is known only once it was fetched; it is then listed in
the cache, under ``fetched/``, and the list is the last thing written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clerkship_cases.errors import CaseError
from clerkship_cases.sources.kinds import DicomWebSource, IdcSource, UrlSource
from clerkship_cases.sources.manifest import Entry, manifest_text, read_manifest
from clerkship_cases.store import FileStore, write_whole

Remote = UrlSource | IdcSource | DicomWebSource


def listed_files(source: Remote, folder: Path, store: FileStore) -> tuple[Entry, ...] | None:
    """Return what the images consist of; None if that is not known here because nothing was fetched.

    Raises
    ------
    CaseError
        If the list beside ``case.yml`` is wrong (file and line).
    """
    if isinstance(source, UrlSource):
        return read_manifest(folder / source.manifest, "url")
    listed = fetched_list(source, store)
    return read_manifest(listed, "name") if listed.is_file() else None


def fetched_list(source: IdcSource | DicomWebSource, store: FileStore) -> Path:
    """Where the cache lists the files of a fetched series.

    The name follows the identity of the series and not the id of a case: cases may share a series.
    """
    if isinstance(source, IdcSource):
        name = f"idc-{source.crdc_series_uuid}"
    else:
        place = "\n".join((source.server.rstrip("/"), source.study_uid, source.series_uid))
        name = f"dicomweb-{hashlib.sha256(place.encode()).hexdigest()[:32]}"
    return store.root / "fetched" / f"{name}.tsv"


def write_fetched_list(
    source: IdcSource | DicomWebSource, entries: Sequence[Entry], store: FileStore
) -> None:
    """Say what a series consists of, once all of its files are in the store."""
    try:
        write_whole(fetched_list(source, store), manifest_text(entries, "name").encode())
    except OSError as problem:
        raise store.not_writable(problem) from problem


def find_all(entries: Sequence[Entry], store: FileStore) -> list[Path | None]:
    """Look every file up; hashing frees the interpreter, so threads share the work."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(store.find, (entry.sha256 for entry in entries)))


def stored_files(
    case_id: str, source: Remote, folder: Path, store: FileStore | None = None
) -> tuple[Path, ...]:
    """Find the fetched images of a case.

    Raises
    ------
    CaseError
        If some are not here; the message says how to get them.
    """
    store = store or FileStore()
    entries = listed_files(source, folder, store)
    if entries is None:
        raise CaseError(
            f"the images of {case_id!r} are not on this machine yet; run `clerkship cases get {case_id}`."
        )
    paths = find_all(entries, store)
    here = tuple(path for path in paths if path is not None)
    if len(here) < len(paths):
        raise CaseError(
            f"the images of {case_id!r} are not complete on this machine ({len(here)} of {len(paths)} "
            f"files); run `clerkship cases get {case_id}`."
        )
    return here
