"""Fetch files behind pinned addresses into the store, checked by SHA-256."""

from __future__ import annotations

from clerkship_cases.sources.download import Line, download, locked
from clerkship_cases.sources.manifest import Entry
from clerkship_cases.sources.mirror import mirrored_file
from clerkship_cases.store import FileStore, StoredFile


def fetch_file(entry: Entry, store: FileStore, line: Line) -> StoredFile:
    """Bring one listed file into the store: from a mirror, else from its address.

    Two processes that want the same file do the work once; the second waits and finds it.

    Raises
    ------
    CaseError
        If it can't be had, or is not the file listed.
    """
    part = store.folder("partial") / f"{entry.sha256}.part"
    try:
        opened = locked(part)
        with opened as file:
            if (here := store.find(entry.sha256)) is not None:
                part.unlink(missing_ok=True)
                line.advance(entry.bytes)
                return StoredFile(here, entry.sha256, entry.bytes)
            if (copy := mirrored_file(entry)) is not None:
                kept = store.put(copy, entry.sha256)
                part.unlink(missing_ok=True)
                line.advance(entry.bytes)
                return kept
            download(entry.place, file, entry.bytes, line)
            return store.adopt(part, entry.sha256)
    except OSError as problem:
        raise store.not_writable(problem) from problem
