"""Fetch a series of the NCI Imaging Data Commons: list its objects, bring them, check that they are it.

The commons lie in public S3 buckets; ``<bucket>/<crdc_series_uuid>/`` holds one object per image and
never changes. What is listed there gives each object's size and, for objects uploaded whole, its
MD5 (the ETag). ``CLERKSHIP_IDC_ENDPOINT`` replaces the address for a mirror that speaks S3; ``{bucket}``
in it stands for the bucket.

Source
------
Amazon S3 API reference, ListObjectsV2. IDC user guide, "Downloading data".
"""

from __future__ import annotations

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from clerkship_cases.errors import CaseError
from clerkship_cases.sources.download import Line, download, fetch_text, locked
from clerkship_cases.sources.kinds import IdcSource
from clerkship_cases.sources.manifest import Entry
from clerkship_cases.sources.mirror import mirrored_series
from clerkship_cases.store import FileStore, StoredFile

_ENDPOINT = "https://{bucket}.s3.amazonaws.com"
_MOST_PAGES = 200  # of 1000 objects each
_MD5 = re.compile(r"[0-9a-f]{32}")
WORKERS = 6


@dataclass(frozen=True)
class RemoteObject:
    """One object of a bucket; ``md5`` is empty where the server does not say it."""

    key: str
    bytes: int
    md5: str

    @property
    def name(self) -> str:
        """Last part of the key: the file's name."""
        return self.key.rpartition("/")[2]


def bucket_address(bucket: str) -> str:
    """Web address of a bucket."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise CaseError(f"{bucket!r} is no name of a bucket.")
    return os.environ.get("CLERKSHIP_IDC_ENDPOINT", _ENDPOINT).rstrip("/").format(bucket=bucket)


def list_objects(bucket: str, prefix: str, line: Line) -> list[RemoteObject]:
    """List the objects of a bucket below a prefix.

    Raises
    ------
    CaseError
        If the list can't be had or read.
    """
    address = f"{bucket_address(bucket)}/?list-type=2&prefix={quote(prefix, safe='/')}"
    found: list[RemoteObject] = []
    token = ""
    for _ in range(_MOST_PAGES):
        page = fetch_text(
            address + (f"&continuation-token={quote(token, safe='')}" if token else ""), line
        )
        objects, token = _read_page(page, address)
        found += objects
        if not token:
            return found
    raise CaseError(f"{address}: lists more than {_MOST_PAGES} pages of objects.")


def fetch_series(source: IdcSource, store: FileStore, line: Line) -> list[Entry]:
    """Bring a series into the store.

    Returns
    -------
    list of Entry
        Name, SHA-256 and size of every image. Nothing is listed in the cache yet.

    Raises
    ------
    CaseError
        If it can't be had, or what came is not this series.
    """
    if files := mirrored_series(source):
        entries = []
        for path in files:
            kept = store.put(path)
            line.advance(kept.bytes)
            entries.append(Entry(path.name, kept.sha256, kept.bytes))
    else:
        objects = list_objects(source.bucket, f"{source.crdc_series_uuid}/", line)
        objects = [one for one in objects if one.name.endswith(".dcm")]
        if not objects:
            raise CaseError(
                f"the Imaging Data Commons have no objects under {source.bucket}/{source.crdc_series_uuid}/."
            )
        line.expect(sum(one.bytes for one in objects))
        with ThreadPoolExecutor(WORKERS) as pool, line.stopping():
            kept_all = list(
                pool.map(lambda one: _fetch_object(source.bucket, one, store, line), objects)
            )
        entries = [
            Entry(one.name, kept.sha256, kept.bytes)
            for one, kept in zip(objects, kept_all, strict=True)
        ]
    _check_series(source, entries, store)
    return entries


def _fetch_object(bucket: str, one: RemoteObject, store: FileStore, line: Line) -> StoredFile:
    url = f"{bucket_address(bucket)}/{quote(one.key)}"
    identity = hashlib.sha256(f"{url}\n{one.bytes}\n{one.md5}".encode()).hexdigest()
    part = store.folder("partial") / f"idc-{identity}.part"
    try:
        opened = locked(part)
        with opened as file:
            download(url, file, one.bytes, line)
            if one.md5 and _md5(part) != one.md5:
                part.unlink()
                raise CaseError(
                    f"{url}: what arrived is damaged (its MD5 is not the ETag). Try again."
                )
            return store.adopt(part)
    except OSError as problem:
        raise store.not_writable(problem) from problem


def _check_series(source: IdcSource, entries: list[Entry], store: FileStore) -> None:
    """Refuse a folder that is not the series: fewer or other images."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    if len(entries) != source.instances:
        raise CaseError(
            f"series {source.series_uid} should have {source.instances} images, and {len(entries)} were "
            f"found. Fetch it again; if the number stays, the record names another version."
        )
    for entry in entries:
        path = store.path_of(entry.sha256)
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
            found = str(header.get("SeriesInstanceUID", ""))
        except (
            InvalidDicomError,
            OSError,
            ValueError,
            AttributeError,
            NotImplementedError,
        ) as problem:
            raise CaseError(f"{entry.name}: is no DICOM file ({problem}).") from problem
        if found != source.series_uid:
            raise CaseError(
                f"{entry.name}: belongs to the series {found or '(none)'}, not to {source.series_uid}."
            )


def _read_page(page: bytes, address: str) -> tuple[list[RemoteObject], str]:
    if b"<!DOCTYPE" in page or b"<!ENTITY" in page:  # S3 sends none; entities could blow up
        raise CaseError(f"{address}: the answer is no list of objects.")
    try:
        root = ElementTree.fromstring(page)  # noqa: S314 - entities are refused above
        found = []
        for node in root.iterfind("{*}Contents"):
            tag = (node.findtext("{*}ETag") or "").strip('"')
            found.append(
                RemoteObject(
                    key=node.findtext("{*}Key") or "",
                    bytes=int(node.findtext("{*}Size") or ""),
                    md5=tag if _MD5.fullmatch(tag) else "",
                )
            )
    except (ElementTree.ParseError, ValueError) as problem:
        raise CaseError(f"{address}: the answer is no list of objects ({problem}).") from problem
    more = root.findtext("{*}IsTruncated") == "true"
    return found, (root.findtext("{*}NextContinuationToken") or "") if more else ""


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
