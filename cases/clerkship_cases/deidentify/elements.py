"""The top level of a DICOM file, element by element, without interpreting anything.

What pydicom does for every element of every file is done here only for elements not seen before: a series
repeats most of its header in each slice.
"""

import struct
from dataclasses import dataclass
from functools import cache

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from clerkship_cases.errors import CaseError

#: VRs whose length stands in four bytes (PS3.5 7.1.2).
_LONG = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_UNDEFINED = 0xFFFFFFFF
PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_MAX_DEPTH = 64
#: A file has no more attributes at its top level. Our own limit.
_MAX_ELEMENTS = 20_000


@dataclass(frozen=True, slots=True)
class PixelPlace:
    """Where the pixels stand in the file, in bytes."""

    tag: int
    vr: str
    start: int
    length: int  # -1: to be found, the pixels are compressed


@cache
def _tag(number: int) -> BaseTag:
    return BaseTag(number)


class Walker:
    """Walks over the bytes of a dataset.

    Parameters
    ----------
    data : bytes
        A file or its beginning.
    implicit, big_endian : bool
        From the transfer syntax.
    seen : dict
        Short elements in explicit little endian, by their bytes: those of earlier files are taken from it,
        and new ones are added.
    """

    def __init__(
        self,
        data: bytes,
        *,
        implicit: bool,
        big_endian: bool,
        seen: dict[bytes, RawDataElement] | None = None,
    ) -> None:
        self._data = data
        self._seen = {} if seen is None else seen
        self._implicit = implicit
        self._little = not big_endian
        self._plain = not implicit and not big_endian
        order = ">" if big_endian else "<"
        self._two = struct.Struct(order + "HH").unpack_from
        self._long = struct.Struct(order + "L").unpack_from
        self._short = struct.Struct(order + "H").unpack_from

    def elements(self, start: int) -> tuple[dict[BaseTag, RawDataElement], PixelPlace | None]:
        """List the elements up to the pixels.

        Raises
        ------
        CaseError
            If the bytes break off, or are no DICOM elements.
        EOFError
            If the data end inside an element: more of the file is needed.
        """
        found: dict[BaseTag, RawDataElement] = {}
        data, plain, seen = self._data, self._plain, self._seen
        place, end = start, len(data)
        while place + 8 <= end:
            if plain and (stop := place + 8 + data[place + 6] + (data[place + 7] << 8)) <= end:
                known = seen.get(data[place:stop])
                if known is not None and len(found) < _MAX_ELEMENTS:
                    found[known.tag] = known
                    place = stop
                    continue
            first = place
            tag, vr, value, length = self._header(place)
            if tag in PIXEL_TAGS:
                size = -1 if length == _UNDEFINED else length
                return found, PixelPlace(tag, vr or "OW", value, size)
            if length == _UNDEFINED:
                stop, place = self._undefined_end(value, vr, depth=0)
                vr = "SQ" if vr in (None, "UN") else vr
            else:
                stop = place = value + length
            if stop > end:
                raise EOFError(f"({tag >> 16:04X},{tag & 0xFFFF:04X})")
            if len(found) >= _MAX_ELEMENTS:
                raise CaseError(f"it has more than {_MAX_ELEMENTS} attributes")
            # Where it stood is left out: elements that say the same are equal.
            element = RawDataElement(
                _tag(tag), vr, stop - value, data[value:stop], 0, self._implicit, self._little
            )
            found[element.tag] = element
            if plain and value == first + 8:
                seen[data[first:stop]] = element
        return found, None

    def end_of_element(self, place: int) -> int:
        """Say where an element of defined length ends."""
        _, _, value, length = self._header(place)
        return value + length

    def _header(self, place: int) -> tuple[int, str | None, int, int]:
        """Read tag, VR, place of the value and its length."""
        group, element = self._two(self._data, place)
        tag = group << 16 | element
        if self._implicit or group == 0xFFFE:
            return tag, None, place + 8, self._long(self._data, place + 4)[0]
        vr = self._data[place + 4 : place + 6]
        if vr in _LONG:
            if place + 12 > len(self._data):
                raise EOFError(f"({group:04X},{element:04X})")
            return tag, vr.decode("ascii"), place + 12, self._long(self._data, place + 8)[0]
        if not vr.isalpha():
            raise CaseError(
                f"({group:04X},{element:04X}) has no value representation; it is damaged"
            )
        return tag, vr.decode("ascii"), place + 8, self._short(self._data, place + 6)[0]

    def _undefined_end(self, place: int, vr: str | None, depth: int) -> tuple[int, int]:
        """Find the end of a sequence of undefined length: before and behind its delimiter."""
        if depth > _MAX_DEPTH:
            raise CaseError("its sequences are nested deeper than any real file nests them")
        inner = self
        if vr == "UN" and not self._implicit:
            # A sequence of unknown VR is written in implicit VR (PS3.5 6.2.2, note).
            inner = Walker(self._data, implicit=True, big_endian=False)
        while True:
            if place + 8 > len(self._data):
                raise EOFError("(FFFE,E0DD)")
            tag, _, value, length = inner._header(place)
            if tag == _SEQUENCE_END:
                return place, value
            if tag != _ITEM:
                raise CaseError("a sequence holds something that is no item, (FFFE,E000)")
            place = value + length if length != _UNDEFINED else inner._item_end(value, depth)

    def _item_end(self, place: int, depth: int) -> int:
        while True:
            if place + 8 > len(self._data):
                raise EOFError("(FFFE,E00D)")
            tag, vr, value, length = self._header(place)
            if tag == _ITEM_END:
                return value
            if length == _UNDEFINED:
                place = self._undefined_end(value, vr, depth + 1)[1]
            else:
                place = value + length
