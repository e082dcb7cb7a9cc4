"""One input file, as far as it has to be read: everything but the pixels."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from clerkship_cases.deidentify.elements import PixelPlace, Walker
from clerkship_cases.errors import CaseError

_IMPLICIT = "1.2.840.10008.1.2"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
#: Headers are mostly smaller; where they are not, the whole file is read.
_FIRST_BYTES = 16_384
#: A deflated file may not unpack to more. Our own limit: larger than any image that is stored this way.
_INFLATED_MAX_BYTES = 512_000_000
_CHARACTER_SET = BaseTag(0x00080005)


@dataclass(slots=True)
class InputFile:
    """A file that was read, and how it is encoded.

    Attributes
    ----------
    path : Path
    meta, elements : dict
        The file meta information and the attributes before the pixels, as they stand in the file.
    pixel_place : PixelPlace or None
        Where the pixels are.
    transfer_syntax_uid, sop_class_uid : str
    patient : str
        What tells this file's patient from others.
    inflated : bytes or None
        The unpacked bytes of a deflated file, in which ``pixel_place`` counts.
    """

    path: Path
    meta: dict[BaseTag, RawDataElement]
    elements: dict[BaseTag, RawDataElement]
    pixel_place: PixelPlace | None
    transfer_syntax_uid: str
    sop_class_uid: str = ""
    patient: str = ""
    inflated: bytes | None = None

    @property
    def big_endian(self) -> bool:
        """Whether numbers stand with the high byte first."""
        return self.transfer_syntax_uid == _BIG_ENDIAN

    def pixels(self) -> DataElement | None:
        """Read the pixels.

        Raises
        ------
        CaseError
            If the file ends before they do.
        """
        place = self.pixel_place
        if place is None:
            return None
        with self.path.open("rb") as file:
            if self.inflated is not None:
                data = self.inflated[place.start :]
            else:
                file.seek(place.start)
                data = file.read() if place.length < 0 else file.read(place.length)
        if place.length >= 0:
            if len(data) < place.length:
                raise CaseError(
                    f"(7FE0,0010) Pixel Data says {place.length} bytes, and the file ends after {len(data)}"
                )
            return DataElement(place.tag, place.vr, data[: place.length])
        element = DataElement(place.tag, "OB", data[: _fragments_end(data)])
        element.is_undefined_length = True
        return element


def as_dataset(elements: dict[BaseTag, RawDataElement]) -> Dataset:
    """Give elements as a dataset that knows their character set."""
    dataset = Dataset(dict(elements))
    raw = elements.get(_CHARACTER_SET)
    named: list[str] = []
    if raw is not None and raw.value:
        named = [one.strip() for one in raw.value.decode("ascii", "replace").split("\\")]
    encodings = convert_encodings(named or "ISO_IR 6")
    first = next(iter(elements.values()), None)
    dataset.set_original_encoding(
        first.is_implicit_VR if first is not None else False,
        first.is_little_endian if first is not None else True,
        encodings,
    )
    return dataset


def read_input(path: Path, seen: dict[bytes, RawDataElement] | None = None) -> InputFile:
    """Read a file without its pixels.

    Parameters
    ----------
    path : Path
    seen : dict, optional
        Shared by the files of one run: elements that they have in common are made once.

    Raises
    ------
    CaseError
        If it is no DICOM file, damaged, or would unpack to an enormous one.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_FIRST_BYTES)
            try:
                return _parsed(path, data, seen)
            except (EOFError, IndexError, ValueError):
                return _parsed(path, data + file.read(), seen)
    except CaseError:
        raise
    except OSError as problem:
        raise CaseError(f"it can't be read ({problem.strerror or problem})") from problem
    except EOFError as problem:
        raise CaseError(f"it ends in the middle of {problem}") from problem
    except Exception as problem:
        # A broken file can fail anywhere in pydicom, with any exception.
        raise CaseError(f"it is damaged ({type(problem).__name__})") from problem


def _parsed(path: Path, data: bytes, seen: dict[bytes, RawDataElement] | None) -> InputFile:
    if data[128:132] != b"DICM":
        raise CaseError("it is no DICOM file: bytes 128 to 131 are not DICM")
    meta_walker = Walker(data, implicit=False, big_endian=False)
    meta, start = _meta(meta_walker, data)
    syntax = _text(meta, 0x00020010)
    inflated = None
    if syntax == _DEFLATED:
        inflated = data = _inflated(path, start)
        start = 0
    walker = Walker(data, implicit=syntax == _IMPLICIT, big_endian=syntax == _BIG_ENDIAN, seen=seen)
    elements, place = walker.elements(start)
    if inflated is None and place is None and len(data) == _FIRST_BYTES:
        raise EOFError("its header")
    read = InputFile(path, meta, elements, place, syntax, inflated=inflated)
    read.sop_class_uid = _text(elements, 0x00080016)
    for tag in (0x00100020, 0x00100010, 0x0020000D):
        text = _text(elements, tag).casefold()
        if text:
            read.patient = f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {text}"
            break
    return read


def _meta(walker: Walker, data: bytes) -> tuple[dict[BaseTag, RawDataElement], int]:
    """Read group 0002, which is explicit little endian always; say where the dataset begins."""
    end = 132
    while data[end : end + 2] == b"\x02\0":
        end = walker.end_of_element(end)
    meta, _ = Walker(data[:end], implicit=False, big_endian=False).elements(132)
    return meta, end


def _text(elements: dict[BaseTag, RawDataElement], tag: int) -> str:
    raw = elements.get(BaseTag(tag))
    return raw.value.decode("latin-1").strip(" \0") if raw is not None and raw.value else ""


def _inflated(path: Path, start: int) -> bytes:
    """Unpack a deflated dataset, and stop when it grows too large."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    with path.open("rb") as file:
        file.seek(start)
        data = inflater.decompress(file.read(), _INFLATED_MAX_BYTES)
    if inflater.unconsumed_tail:
        raise CaseError(f"it is deflated and unpacks to more than {_INFLATED_MAX_BYTES} bytes")
    return data


def _fragments_end(data: bytes) -> int:
    """Say where the compressed fragments end: before the delimiter of their sequence (PS3.5 A.4)."""
    place = 0
    while place + 8 <= len(data):
        if data[place : place + 4] == b"\xfe\xff\xdd\xe0":
            return place
        if data[place : place + 4] != b"\xfe\xff\x00\xe0":
            raise CaseError("(7FE0,0010) Pixel Data holds something that is no fragment")
        place += 8 + int.from_bytes(data[place + 4 : place + 8], "little")
    if place > len(data):
        raise CaseError("(7FE0,0010) Pixel Data ends in the middle of a fragment")
    return place
