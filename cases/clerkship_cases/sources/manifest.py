"""Lists of files with their checksums: tab-separated, one file per line, a header line first.

=====================  ====================================================================
beside case.yml        ``url sha256 bytes`` (source ``url``), ``path sha256 bytes`` (``folder``)
in the image store     ``name sha256 bytes``: what a fetched IDC or DICOMweb series consists of
=====================  ====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clerkship_cases.errors import CaseError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_BYTES = 20_000_000  # a manifest of 100,000 files; more is not a list that a person made
_MAX_FILE_BYTES = 1 << 40


@dataclass(frozen=True)
class Entry:
    """One file: where it is found (a URL, a path or a name), its SHA-256 and its size."""

    place: str
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """Last part of the place, for people."""
        return unquote(urlsplit(self.place).path).rpartition("/")[2] or self.place


def read_manifest(path: Path, column: str) -> tuple[Entry, ...]:
    """Read a list of files.

    Parameters
    ----------
    path : Path
        A ``.tsv`` file.
    column : str
        What its first column must be called: ``"url"``, ``"path"`` or ``"name"``.

    Raises
    ------
    CaseError
        With file and line.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CaseError(f"{path}: too large for a list of files ({path.stat().st_size} bytes).")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise CaseError(f"{path}: can't be read ({problem}).") from problem
    wanted = [column, "sha256", "bytes"]
    if not lines or lines[0].split("\t") != wanted:
        raise CaseError(f"{path}:1: expected the columns {', '.join(wanted)}, separated by tabs.")
    entries = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != 3:
            raise CaseError(f"{path}:{number}: expected 3 fields, separated by tabs.")
        place, sha256, size = fields
        if not place or not _SHA256.fullmatch(sha256):
            raise CaseError(f"{path}:{number}: {sha256!r} is no SHA-256 (64 small hex digits).")
        if not size.isascii() or not size.isdigit() or int(size) > _MAX_FILE_BYTES:
            raise CaseError(f"{path}:{number}: {size!r} is not a size in bytes.")
        entries.append(Entry(place, sha256, int(size)))
    if not entries:
        raise CaseError(f"{path}: the list is empty.")
    if len({entry.place for entry in entries}) < len(entries):
        raise CaseError(f"{path}: a file is listed twice.")
    return tuple(entries)


def manifest_text(entries: Iterable[Entry], column: str) -> str:
    """Write a list of files as :func:`read_manifest` reads it."""
    lines = [f"{entry.place}\t{entry.sha256}\t{entry.bytes}" for entry in entries]
    return "\n".join([f"{column}\tsha256\tbytes", *lines]) + "\n"
