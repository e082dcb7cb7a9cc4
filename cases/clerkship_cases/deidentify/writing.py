"""A clean file from a clean dataset: preamble, file meta and encoding are all made anew."""

import os
import secrets
from collections.abc import Collection
from operator import itemgetter
from pathlib import Path

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian

from clerkship_cases.errors import CaseError

#: Ours, made once from a UUID (PS3.5 B.2); says which program wrote the file (PS3.10 7.1).
IMPLEMENTATION_CLASS_UID = "2.25.64462633975564765615866257906890386806"
IMPLEMENTATION_VERSION = "CLERKSHIP_1"
_ENCODINGS = ["utf-8"]
_PIXEL_DATA = 0x7FE00010
#: Text that is ASCII in every character set, with a length of two bytes (PS3.5 6.2).
_ASCII_VRS = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"))


def _meta_element(element: int, vr: bytes, value: bytes) -> bytes:
    """Encode one element of group 0002, always explicit little endian (PS3.10 7.1)."""
    if len(value) % 2:
        value += b" " if vr == b"SH" else b"\0"
    size = (
        b"\0\0" + len(value).to_bytes(4, "little")
        if vr == b"OB"
        else len(value).to_bytes(2, "little")
    )
    return b"\2\0" + element.to_bytes(2, "little") + vr + size + value


class Encoder:
    """Encodes elements as explicit little endian, and remembers those that come again."""

    def __init__(self) -> None:
        self._remembered: dict[int, tuple[DataElement, bytes]] = {}

    def encoded(self, element: DataElement, *, remember: bool = True) -> bytes:
        """Give the bytes of one element (PS3.5 7.1.2).

        With ``remember``, the element must not change afterwards.
        """
        known = self._remembered.get(id(element))
        if known is not None and known[0] is element and remember:
            return known[1]
        data = _short_text(element)
        if data is None:
            data = _any(element)
        if remember and len(data) <= 65_536:
            # The element itself is kept too, so that its id can't come to mean another.
            self._remembered[id(element)] = (element, data)
        return data


def _short_text(element: DataElement) -> bytes | None:
    """Encode values that are plain ASCII text, as most of those that differ between a series' images."""
    if element.VR not in _ASCII_VRS:
        return None
    value = element.value
    parts: list[str] = []
    for one in value if isinstance(value, MultiValue) else (value,):
        # Numbers are written as they stood in the file.
        part = one if isinstance(one, str) else getattr(one, "original_string", None)
        if not isinstance(part, str) or not part.isascii():
            return None
        parts.append(part)
    text = "\\".join(parts).encode("ascii")
    if len(text) % 2:
        text += b"\0" if element.VR == "UI" else b" "
    if len(text) > 0xFFFE:
        return None
    tag = element.tag
    head = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little")
    return head + element.VR.encode() + len(text).to_bytes(2, "little") + text


def _any(element: DataElement) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = False
    write_data_element(buffer, element, _ENCODINGS)
    data: bytes = buffer.getvalue()
    return data


def _native_pixels(element: DataElement) -> list[bytes] | None:
    """Encode uncompressed pixels without copying them."""
    value = element.value
    if (
        element.is_undefined_length
        or not isinstance(value, bytes)
        or element.VR not in ("OB", "OW")
    ):
        return None
    padded = [value, b"\0"] if len(value) % 2 else [value]
    size = len(value) + len(value) % 2
    if size >= 0xFFFFFFFF:
        return None
    head = b"\xe0\x7f\x10\0" + element.VR.encode() + b"\0\0" + size.to_bytes(4, "little")
    return [head, *padded]


def part10_chunks(
    dataset: Dataset, transfer_syntax_uid: str, encoder: Encoder, *, fresh: Collection[int] = ()
) -> list[bytes]:
    """Give the bytes of a whole file, in pieces.

    Parameters
    ----------
    dataset : Dataset
        Clean, with its pixels; text is written as UTF-8.
    transfer_syntax_uid : str
        The one for compressed pixels, or explicit VR little endian.
    encoder : Encoder
        Shared by the files of a patient.
    fresh : collection of int
        Tags whose elements are this file's own, and are not remembered.

    Source
    ------
    PS3.10 7.1: 128 zero bytes, "DICM", the file meta information, the dataset.
    """
    meta = b"".join(
        (
            _meta_element(0x01, b"OB", b"\0\1"),
            _meta_element(0x02, b"UI", str(dataset.SOPClassUID).encode()),
            _meta_element(0x03, b"UI", str(dataset.SOPInstanceUID).encode()),
            _meta_element(0x10, b"UI", transfer_syntax_uid.encode()),
            _meta_element(0x12, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
            _meta_element(0x13, b"SH", IMPLEMENTATION_VERSION.encode()),
        )
    )
    length = _meta_element(0x00, b"UL", len(meta).to_bytes(4, "little"))
    chunks = [b"\0" * 128, b"DICM", length, meta]
    # pydicom's tags are slow to compare
    for number, element in sorted(
        zip(map(int, dataset.keys()), dataset.values(), strict=True), key=itemgetter(0)
    ):
        if not isinstance(element, DataElement):
            chunks.append(encoder.encoded(dataset[number], remember=False))
        elif number == _PIXEL_DATA and (pixels := _native_pixels(element)) is not None:
            chunks += pixels
        else:
            chunks.append(encoder.encoded(element, remember=number not in fresh))
    return chunks


def explicit_syntax(transfer_syntax_uid: str, *, compressed: bool) -> str:
    """Say in which syntax a file is written."""
    return transfer_syntax_uid if compressed else str(ExplicitVRLittleEndian)


def write_chunks(chunks: list[bytes], folder: Path) -> Path:
    """Write a file under a name of its own that no reader takes for a finished one.

    Raises
    ------
    CaseError
        If it can't be written.
    """
    path = f"{folder}/.clean-{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
    except OSError as problem:
        raise CaseError(
            f"{folder} can't be written to ({problem.strerror or problem}). Free some space, or choose "
            f"another folder."
        ) from problem
    return Path(path)
