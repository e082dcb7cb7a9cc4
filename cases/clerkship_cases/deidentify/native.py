"""Pixels on their way through: as long as they should be, and little endian."""

import numpy as np
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.utils import get_expected_length
from pydicom.tag import BaseTag
from pydicom.uid import UID

from clerkship_cases.errors import CaseError

_PIXEL_DATA = 0x7FE00010
#: The attributes that say how pixels are to be read, and whether they are at risk: all that the search for
#: text is given, beside the pixels.
#: Image Type, Conversion Type, Burned In Annotation: what they said before cleaning.
_AS_IT_CAME = tuple(map(BaseTag, (0x00080008, 0x00080064, 0x00280301)))
_NEEDED = frozenset((0x00080008, 0x00080016, 0x00080060, 0x00080064))


def native_pixels(cleaned: Dataset, element: DataElement, *, big_endian: bool) -> DataElement:
    """Check uncompressed pixels against the attributes, and turn them into little endian.

    Parameters
    ----------
    cleaned : Dataset
        The attributes of the image.
    element : DataElement
        PixelData, FloatPixelData or DoubleFloatPixelData, as the file has it.
    big_endian : bool
        How the file stored them.

    Raises
    ------
    CaseError
        If there are fewer bytes than the attributes promise, or they don't say.
    """
    data = element.value
    if not isinstance(data, bytes):
        raise CaseError(f"({element.tag.group:04X},{element.tag.element:04X}) holds no pixels")
    allocated = 64 if int(element.tag) == 0x7FE00009 else 32
    if int(element.tag) == _PIXEL_DATA:
        try:
            size = get_expected_length(cleaned)
            allocated = int(cleaned.BitsAllocated)
        except (AttributeError, TypeError, ValueError, ZeroDivisionError) as problem:
            raise CaseError(
                "group 0028 does not say how its pixels are to be read (Rows, Columns, BitsAllocated)"
            ) from problem
        if len(data) < size:
            raise CaseError(
                f"(7FE0,0010) Pixel Data has {len(data)} bytes, and its attributes promise {size}"
            )
    width = allocated // 8
    if big_endian and width > 1:
        whole = data[: len(data) // width * width]
        data = np.frombuffer(whole, f">u{width}").astype(f"<u{width}").tobytes()
    vr = element.VR if element.VR in ("OF", "OD") else ("OW" if allocated > 8 else "OB")
    return DataElement(element.tag, vr, data)


def pixel_view(
    cleaned: Dataset, elements: dict[BaseTag, RawDataElement], transfer_syntax_uid: str
) -> Dataset:
    """Give an image's pixels and what describes them, as a dataset in which elements may be replaced.

    Parameters
    ----------
    cleaned : Dataset
        The attributes that stay, and the pixels.
    elements : dict
        The attributes as they came: whether it says that text is burned in, and of which type it is.
    transfer_syntax_uid : str
        How the pixels of ``cleaned`` are encoded.
    """
    taken: dict[BaseTag, DataElement | RawDataElement] = {}
    for tag, element in cleaned.items():
        number = int(tag)
        if number >> 16 in (0x0028, 0x7FE0) or number in _NEEDED:
            taken[tag] = element
    for tag in _AS_IT_CAME:
        if tag in elements:
            taken[tag] = elements[tag]
    view = Dataset(taken)
    view.file_meta = FileMetaDataset()
    view.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    return view
