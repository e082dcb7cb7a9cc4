"""The one door for DICOM files that others wrote: whatever is wrong with a file ends as one sentence.

pydicom inflates a deflated file to any size, waits on a pipe, warns about what it repairs and fails with
whatever exception comes up. Here a file is opened only if it is a regular one, inflated only up to a
stated size, and read inside :func:`guarded`.
"""

import io
import stat
import struct
import warnings
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from pydicom import filereader
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from clerkship_cases.dicom.scan import LONG_VRS, scan_header
from clerkship_cases.errors import CaseError

#: Limits of our own, far above any real image file: 4 GiB on disk, 512 MiB of what was deflated.
MAX_FILE_BYTES = 2**32
MAX_INFLATED_BYTES = 2**29
#: What is read of a file at first. Its own header (group 0002, a dozen short elements) must lie in it.
_FIRST_LOOK_BYTES = 2**15
_UINT16, _UINT32 = struct.Struct("<H").unpack_from, struct.Struct("<L").unpack_from

_PREAMBLE_BYTES = 128
_PIXEL_DATA_TAGS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})


@contextmanager
def guarded(path: Path, doing: str = "read") -> Iterator[None]:
    """Turn whatever goes wrong with a DICOM file into a CaseError that names it, and silence warnings.

    pydicom decodes an element when it is first looked at, so looking belongs inside this guard too.

    Parameters
    ----------
    path : Path
        The file that is looked at.
    doing : str
        What can't be done with it, as in "can't be *read*".

    Raises
    ------
    CaseError
        For any exception but those that stop the program.
    """
    with silenced(), named(path, doing):
        yield


@contextmanager
def silenced() -> Iterator[None]:
    """Keep the warnings of pydicom and the decoders from people; not for use in a thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def named(path: Path, doing: str = "read") -> Iterator[None]:
    """Do as :func:`guarded` does, inside a place that is silenced already."""
    try:
        yield
    except CaseError:
        raise
    except Exception as problem:  # any depth of pydicom or a decoder, with any exception of theirs
        raise CaseError(f"{path.name} can't be {doing}: {_said(problem)}") from problem


def read_dataset(
    path: Path, *, stop_before_pixels: bool = False, only: Collection[int] | None = None
) -> Dataset:
    """Read a DICOM file that may be damaged or hostile.

    Parameters
    ----------
    path : Path
        A file; it may lack the 128 byte preamble and the file meta information (old exports do).
    stop_before_pixels : bool
        Leave out the pixels and what follows them.
    only : collection of int, optional
        Tags to keep; all others are skipped, which is faster.

    Returns
    -------
    dataset : Dataset
        With ``file_meta`` (its transfer syntax may have been found out here) and ``filename``.

    Raises
    ------
    CaseError
        If the file is absent, no regular file, larger than :data:`MAX_FILE_BYTES`, no DICOM file,
        inflates to more than :data:`MAX_INFLATED_BYTES`, or can't be parsed.

    Source
    ------
    DICOM PS3.10 7.1 (preamble, file meta information), PS3.5 A.5 (deflated syntax).
    """
    with guarded(path), open_regular(path) as file:
        return parse(file, path, stop_before_pixels=stop_before_pixels, only=only)[0]


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file of acceptable size for reading."""
    try:
        state = path.stat()  # a link to a regular file is fine: cached files are linked
        if not stat.S_ISREG(state.st_mode):
            raise CaseError(f"{path.name} is not an ordinary file; expected a DICOM file.")
        if state.st_size > MAX_FILE_BYTES:
            raise CaseError(
                f"{path.name} has {state.st_size:,} bytes; at most {MAX_FILE_BYTES:,} are read."
            )
        file = path.open("rb")
    except OSError as problem:
        raise CaseError(f"{path} can't be read ({problem.strerror}).") from problem
    with file:
        yield file


def parse(
    file: BinaryIO,
    path: Path,
    *,
    stop_before_pixels: bool,
    only: Collection[int] | None = None,
) -> tuple[Dataset, BinaryIO]:
    """Parse an open file; returns the data set and the stream that it was read from.

    With ``stop_before_pixels`` the stream stands at the tag of the pixels, or at its end. For a deflated
    file it is not the file but what was inflated.
    """
    head = file.read(_FIRST_LOOK_BYTES)
    preamble, start = _start_of_data(head, path)
    meta, body = _file_meta(head, start, path, whole=only is None)
    syntax = meta.get("TransferSyntaxUID")
    if syntax is None:
        syntax = _guess_syntax(head[body : body + 6], path)
        # A new one: what _file_meta returned may be shared.
        meta, stated = FileMetaDataset(), meta
        meta.update(stated)
        meta.TransferSyntaxUID = syntax
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    stream = file
    stream.seek(body)
    if syntax == DeflatedExplicitVRLittleEndian:
        stream = io.BytesIO(inflate(file.read(), path))
    elif only is not None and stop_before_pixels and little:
        scanned = scan_header(head, body, is_implicit=implicit, wanted=only, last=_PIXEL_DATA_TAGS)
        if scanned is not None:
            header, pixels = scanned
            header.file_meta = meta
            stream.seek(pixels)
            return header, stream
    elements = filereader.read_dataset(
        stream,
        implicit,
        little,
        stop_when=_at_pixels if stop_before_pixels else None,
        specific_tags=None if only is None else list(only),
    )
    if not len(elements) and only is None:
        raise CaseError(f"{path.name} is not a DICOM file: nothing in it can be parsed.")
    if only is not None:  # a plain Dataset is made in half the time
        elements.file_meta = meta
        return elements, stream
    used_implicit, used_little = elements.original_encoding
    dataset = FileDataset(path, elements, preamble, meta, bool(used_implicit), bool(used_little))
    return dataset, stream


def inflate(deflated: bytes, path: Path) -> bytes:
    """Undo the deflated transfer syntax, up to a limit (408 kB can hold 419 MB of zeros)."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail or (not inflater.eof and inflater.decompress(b"", 1)):
        raise CaseError(
            f"{path.name} inflates to more than {MAX_INFLATED_BYTES:,} bytes from {len(deflated):,}; "
            f"no image does. Save it uncompressed."
        )
    if not inflater.eof:
        raise CaseError(f"{path.name} is cut off: its deflated data have no end. Copy it again.")
    return inflated


def _start_of_data(head: bytes, path: Path) -> tuple[bytes | None, int]:
    """Return the preamble, if there is one, and where the elements start."""
    start = _PREAMBLE_BYTES + 4
    if head[_PREAMBLE_BYTES:start] == b"DICM":
        return head[:_PREAMBLE_BYTES], start
    # Older files start with their first group, in either byte order.
    if head[:4] in _FIRST_TAGS or (head[:2] in _FIRST_GROUPS and len(head) > 8):
        return None, 0
    raise CaseError(
        f"{path.name} is not a DICOM file: it has neither the mark DICM at byte 128 nor a known group "
        f"at its start."
    )


_FIRST_GROUPS = frozenset({b"\x02\x00", b"\x08\x00", b"\x00\x08"})
_FIRST_TAGS = frozenset({b"\x02\x00\x00\x00", b"\x02\x00\x01\x00", b"\x02\x00\x10\x00"})


def _file_meta(head: bytes, start: int, path: Path, *, whole: bool) -> tuple[FileMetaDataset, int]:
    """Parse group 0002, which is always explicit little endian; returns it and where it ends.

    If not the ``whole`` is wanted, only TransferSyntaxUID is returned.
    """
    syntax = b""
    at = start
    while head[at : at + 2] == b"\x02\x00" and at + 12 <= len(head):
        vr = head[at + 4 : at + 6]
        if vr in LONG_VRS:
            value, length = at + 12, _UINT32(head, at + 8)[0]
        elif vr.isalpha():
            value, length = at + 8, _UINT16(head, at + 6)[0]
        else:  # a few writers use implicit representation here
            value, length = at + 8, _UINT32(head, at + 4)[0]
        end = value + length
        if end > len(head):
            raise CaseError(
                f"{path.name}: its file meta information (group 0002) is cut off or longer than "
                f"{_FIRST_LOOK_BYTES:,} bytes."
            )
        if head[at + 2 : at + 4] == b"\x10\x00":
            syntax = head[value:end]
        at = end
    if whole and at > start:
        implicit = not head[start + 4 : start + 6].isalpha()
        elements = filereader.read_dataset(io.BytesIO(head[start:at]), implicit, True)
        return FileMetaDataset(elements), at
    return _meta_with(syntax), at


@lru_cache(maxsize=64)
def _meta_with(syntax: bytes) -> FileMetaDataset:
    """File meta information that says the transfer syntax only; shared by all headers that say the same."""
    meta = FileMetaDataset()
    if name := syntax.rstrip(b" \0").decode("ascii"):
        meta.TransferSyntaxUID = UID(name)
    return meta


def _guess_syntax(first: bytes, path: Path) -> UID:
    """Find the encoding of a file that does not name it, by its first element (PS3.5 7.1)."""
    if len(first) < 6:
        raise CaseError(f"{path.name} is not a DICOM file: it is empty after its header.")
    if first[0] == 0 and first[1] != 0:
        return ExplicitVRBigEndian
    return ExplicitVRLittleEndian if first[4:6].isalpha() else ImplicitVRLittleEndian


def _at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in _PIXEL_DATA_TAGS


def _said(problem: Exception) -> str:
    """Say in one line what an exception says."""
    if isinstance(problem, RecursionError):
        return "its sequences are nested too deeply."
    if isinstance(problem, MemoryError):
        return "it claims more memory than there is."
    text = " ".join(str(problem).split())
    return f"{text or 'it is damaged'} ({type(problem).__name__})."
