"""Bytes as a stranger sees them: cut into elements, searched for writing, unpacked where they are disguised.

Used by the second look only; it shares nothing with the reader of the cleaner.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

DATASET_MARK = 132
#: Longer elements are looked at every time they come.
REMEMBERED_BYTES = 65_536
#: How much of an input is read at first, and then: most headers are short.
_FIRST_BYTES = (16_384, REMEMBERED_BYTES)
_LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
#: Transfer syntaxes in little endian: implicit (a zero follows), explicit, and the compressed ones.
_SYNTAX = re.compile(
    rb"\x02\0\x10\0UI..1\.2\.840\.10008\.1\.2(\0|\.1\0|\.1$|\.4\.|\.5\0)", re.DOTALL
)
_CHARACTER_SET = b"\x08\0\x05\0"
#: How the dates of the study, its series and images begin: they are compared file by file.
_COMPARED_DATES = frozenset(
    b"\x08\0" + bytes((element, 0)) for element in (0x12, 0x20, 0x21, 0x22, 0x23, 0x2A)
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :-]?){8,}")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@cache
def spellings(day: str) -> tuple[str, ...]:
    """Write a date (YYYYMMDD) the ways people write it, in lower case."""
    year, month, date = day[:4], day[4:6], day[6:8]
    forms = [day, date + month + year, month + date + year]
    for mark in "-/.":
        forms += [
            mark.join(p) for p in ((year, month, date), (date, month, year), (month, date, year))
        ]
    if "01" <= month <= "12":
        name = _MONTHS[int(month) - 1]
        forms += [f"{int(date or 0)} {name} {year}", f"{date}-{name}-{year}", f"{date}{name}{year}"]
    return tuple(forms)


def unpacked(text: str) -> Iterator[str]:
    """Decode what looks like base64 or hexadecimal in a text."""
    for match in _BASE64.finditer(text):
        piece = match.group().rstrip("=")
        try:
            yield (
                base64.b64decode(piece + "=" * (-len(piece) % 4))
                .replace(b"\0", b"")
                .decode("latin-1")
            )
        except (binascii.Error, ValueError):
            continue
    for match in _HEX.finditer(text):
        digits = re.sub(r"[ :-]", "", match.group())
        yield bytes.fromhex(digits[: len(digits) // 2 * 2]).replace(b"\0", b"").decode("latin-1")


def printable_runs(data: bytes, least: int) -> str:
    """Give the runs of printable ASCII in bytes, joined by line breaks."""
    if len(data) < least:
        return ""
    values = np.frombuffer(data, np.uint8)
    printable = (values - np.uint8(0x20)) < np.uint8(0x5F)
    # Doubling: after steps of 1, 2 and 4 a place stands for itself and the next seven.
    run, width = printable, 1
    while width < least:
        step = min(width, least - width)
        run = run[:-step] & run[step:]
        width += step
    starts = np.flatnonzero(run)
    if not starts.size:
        return ""
    breaks = np.flatnonzero(np.diff(starts) > 1)
    firsts = np.concatenate(([starts[0]], starts[breaks + 1]))
    lasts = np.concatenate((starts[breaks], [starts[-1]])) + least
    return "\n".join(data[a:b].decode("ascii") for a, b in zip(firsts, lasts, strict=True))


def pieces_of(data: bytes, *, implicit: bool = False) -> tuple[list[bytes], int]:
    """Cut a file into its elements; say where the pixels begin, or where the file ends.

    Only elements with a length are cut: from a sequence without one, the rest is one last piece.

    Parameters
    ----------
    data : bytes
        A file or its beginning.
    implicit : bool
        Whether the dataset, behind group 0002, is in implicit VR (PS3.5 7.1.3).
    """
    place, end = DATASET_MARK, len(data)
    pieces: list[bytes] = []
    while place + 8 <= end:
        if data[place : place + 2] == b"\xe0\x7f":
            return pieces, place
        if implicit and data[place : place + 2] != b"\2\0":
            stop = place + 8 + int.from_bytes(data[place + 4 : place + 8], "little")
        elif data[place + 4 : place + 6] in _LONG_VRS:
            stop = place + 12 + int.from_bytes(data[place + 8 : place + 12], "little")
        else:
            stop = place + 8 + int.from_bytes(data[place + 6 : place + 8], "little")
        if stop > end:
            break
        pieces.append(data[place:stop])
        place = stop
    if place < end:
        pieces.append(data[place:])
    return pieces, end


def read_pieces(
    pieces: list[bytes], *, implicit: bool = False, encoding: str | None = None
) -> Dataset:
    """Read elements as DICOM; text is in ``encoding``, or as (0008,0005) among them says."""
    dataset = read_dataset(
        BytesIO(b"".join(pieces)), is_implicit_VR=implicit, is_little_endian=True
    )
    if encoding is not None:
        dataset.set_original_encoding(False, True, [encoding])
    return dataset


def read_unseen(path: Path, seen: set[bytes]) -> tuple[Dataset, dict[int, str]]:
    """Read of a file the elements that stood in no file before, and its dates.

    Parameters
    ----------
    path : Path
        An input.
    seen : set of bytes
        Elements of earlier files; those of this one are added.

    Returns
    -------
    Dataset
        What is new in this file.
    dict
        Tag -> date (YYYYMMDD) of the study, its series and images.
    """
    for first_bytes in _FIRST_BYTES:
        with path.open("rb", buffering=0) as file:
            head = file.read(first_bytes)
        syntax = _SYNTAX.search(head, DATASET_MARK, 1024)
        if syntax is None:
            break
        implicit = syntax.group(1) == b"\0"
        pieces, start = pieces_of(head, implicit=implicit)
        if start < len(head):
            dates = {
                0x00080000 | piece[2]: piece[8:16].decode("latin-1").strip(" \0")
                for piece in pieces
                if piece[:4] in _COMPARED_DATES
            }
            new = [piece for piece in pieces if piece not in seen]
            if not new:
                return Dataset(), dates
            seen.update(new)
            meta = [p for p in new if p[:2] == b"\2\0"]
            read = [p for p in pieces if p[:4] == _CHARACTER_SET]
            read += [p for p in new if p[:2] != b"\2\0" and p[:4] != _CHARACTER_SET]
            if not implicit:
                return read_pieces(meta + read), dates
            dataset = read_pieces(read, implicit=True)
            dataset.update(read_pieces(meta))
            return dataset, dates
    dataset = dcmread(path, stop_before_pixels=True)
    dataset.update(dataset.file_meta)
    numbers = (0x00080000 | start[2] for start in _COMPARED_DATES)
    dates = {n: str(dataset[n].value or "")[:8] for n in numbers if n in dataset}
    return dataset, dates
