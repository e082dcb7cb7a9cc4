"""Attributes of a header, looked up fast: a series has hundreds of headers that say nearly the same.

pydicom makes an object of every number it hands out, which takes longer than reading the pixels. Here numbers
are parsed from the bytes of the file, and equal bytes only once.
"""

from functools import lru_cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from clerkship_cases.dicom.scan import interned
from clerkship_cases.errors import CaseError


@lru_cache(maxsize=1024)
def tag_of(keyword: str) -> BaseTag:
    """Tag of a keyword of the standard."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise CaseError(f"{keyword} is no DICOM attribute; check its spelling.")
    return interned(int(tag))


def describe_tag(keyword: str) -> str:
    """Return a keyword with its tag, as messages name it: ``Rows (0028,0010)``."""
    tag = tag_of(keyword)
    return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Value of an attribute; None where it is absent or empty."""
    tag = tag_of(keyword)
    if tag not in dataset:
        return None
    value = dataset[tag].value
    return None if _is_empty(value) else value


def numbers_of(dataset: Dataset, keyword: str) -> tuple[float, ...] | None:
    """Numbers of a decimal string attribute (DS), of one value or several; None where absent or empty.

    Raises
    ------
    CaseError
        If what is written there is no number.
    """
    tag = tag_of(keyword)
    if tag not in dataset:
        return None
    element: Any = dataset.get_item(tag)
    value = element.value
    try:
        if (
            isinstance(element, RawDataElement)
            and isinstance(value, bytes)
            and element.VR in ("DS", None)
        ):
            return _parsed(value)
        value = dataset[tag].value
        if _is_empty(value):
            return None
        if isinstance(value, (str, int, float)):
            return (float(value),)
        return tuple(float(v) for v in value)
    except (TypeError, ValueError) as problem:
        raise CaseError(f"{describe_tag(keyword)} is {value!r:.80}; expected numbers.") from problem


def raw_of(dataset: Dataset, tag: BaseTag) -> tuple[str | None, bytes | str] | None:
    """Representation and bytes of an element, to compare headers by; None where it is absent."""
    if tag not in dataset:
        return None
    element: Any = dataset.get_item(tag)
    value = element.value
    return element.VR, value if isinstance(value, bytes) else repr(value)


def _is_empty(value: Any) -> bool:
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


@lru_cache(maxsize=4096)
def _parsed(value: bytes) -> tuple[float, ...] | None:
    text = value.decode("ascii").strip(" \0")
    return tuple(float(part) for part in text.split("\\")) if text else None
