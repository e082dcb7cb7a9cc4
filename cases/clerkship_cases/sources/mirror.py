"""A folder that stands in for the internet: ``$CLERKSHIP_MIRROR``.

It may hold files under their SHA-256, under their names, or under the path of their address or the
end of that path; a series of the Imaging Data Commons lies in a folder named by its
``crdc_series_uuid`` or its SeriesInstanceUID, or as the ``idc`` download tools lay it out. Several
folders may be named, separated as in ``PATH``. Whatever is found is checked like a download.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from clerkship_cases.sources.kinds import IdcSource
from clerkship_cases.sources.manifest import Entry
from clerkship_cases.store import sha256_of


def mirror_roots() -> tuple[Path, ...]:
    """Folders named by ``$CLERKSHIP_MIRROR``; none if it is not set."""
    named = os.environ.get("CLERKSHIP_MIRROR", "")
    return tuple(Path(folder) for folder in named.split(os.pathsep) if folder)


def mirrored_file(entry: Entry) -> Path | None:
    """Find a file with the right size and SHA-256 in a mirror."""
    for root in mirror_roots():
        for place in _places(entry):
            path = root / place
            try:
                state = path.stat()
                if not path.is_file() or state.st_size != entry.bytes:
                    continue
                if sha256_of(path, state.st_size, state.st_mtime_ns) == entry.sha256:
                    return path
            except OSError:
                continue
    return None


def mirrored_series(source: IdcSource) -> tuple[Path, ...]:
    """List the files that a mirror holds for a series; none if it does not hold it."""
    for root in mirror_roots():
        for folder in _series_folders(root, source):
            files = sorted(path for path in folder.iterdir() if path.suffix == ".dcm")
            if files:
                return tuple(files)
    return ()


def _places(entry: Entry) -> Iterator[str]:
    yield entry.sha256
    yield f"{entry.sha256[:2]}/{entry.sha256}"
    address = urlsplit(entry.place)
    parts = [part for part in PurePosixPath(unquote(address.path)).parts if part not in ("/", "..")]
    if address.hostname:
        yield "/".join((address.hostname, *parts))
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _series_folders(root: Path, source: IdcSource) -> Iterator[Path]:
    uuid, uid = source.crdc_series_uuid, source.series_uid
    for place in (uuid, f"{source.bucket}/{uuid}", uid):
        if (root / place).is_dir():
            yield root / place
    yield from root.glob(f"{source.collection}/*/*/*_{uid}")
