"""Private attributes: the few that the standard calls safe, when they look as it says."""

import re
import struct
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from clerkship_cases.deidentify.words import is_term

_SIZE = {"FL": 4, "FD": 8, "SL": 4, "SS": 2}
_FORMAT = {"FL": "f", "FD": "d", "SL": "i", "SS": "h"}
_NUMBER = re.compile(r" *[+-]?\d{0,16}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?")
#: A number as text that is this long and has no decimals could be an identifier.
_MAX_DIGITS = 10
#: The safe ones are factors, seconds, millimetres and b-values.
_MAX_PRIVATE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class SafePrivate:
    """A row of the table."""

    creator: str
    vr: str
    least: int
    most: int
    meaning: str


@cache
def safe_private_attributes() -> dict[tuple[str, int, int], SafePrivate]:
    """Read the table: (creator, group, last byte of the element) -> row."""
    table = {}
    text = files(__package__).joinpath("safe_private.tsv").read_text(encoding="ascii")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    for creator, group, element, vr, values, meaning in rows[1:]:
        least, _, most = values.partition("-")
        row = SafePrivate(creator, vr, int(least), int(most or least), meaning)
        table[creator.upper(), int(group, 16), int(element, 16)] = row
    return table


@cache
def _places() -> frozenset[tuple[int, int]]:
    return frozenset((group, element) for _, group, element in safe_private_attributes())


def may_be_safe(tag: int) -> bool:
    """Whether any maker's safe attribute could stand at this tag; most private tags need no more."""
    return (tag & 0xFFFF) > 0xFF and (tag >> 16, tag & 0xFF) in _places()


def private_creator(dataset: Dataset, group: int, element: int) -> str | None:
    """Say who owns a private attribute (PS3.5 7.8.1)."""
    tag = (group << 16) | (element >> 8)
    if tag not in dataset:
        return None
    value = dataset[tag].value
    return value.strip(" \0") if isinstance(value, str) else None


def cleaned_private(
    dataset: Dataset, group: int, element: int, identifying: frozenset[str]
) -> DataElement | None:
    """Give a private attribute as it may stay, or None when it has to go.

    Source
    ------
    PS3.15 E.3.10 (Retain Safe Private Option).
    """
    creator = private_creator(dataset, group, element)
    if creator is None:
        return None
    row = safe_private_attributes().get((creator.upper(), group, element & 0xFF))
    if row is None:
        return None
    raw: object = dataset.get_item(Tag(group, element))
    if not isinstance(raw, RawDataElement) or not isinstance(raw.value, bytes):
        return _checked(dataset[group, element], row, identifying)
    if raw.VR not in (row.vr, "UN", None):
        return None
    values = _decoded(raw.value, row, little_endian=raw.is_little_endian)
    if values is None:
        return None
    return _checked(
        DataElement(raw.tag, row.vr, values if len(values) > 1 else values[0]), row, identifying
    )


def _decoded(value: bytes, row: SafePrivate, *, little_endian: bool) -> list[object] | None:
    if row.vr in _SIZE:
        count, rest = divmod(len(value), _SIZE[row.vr])
        if rest or not row.least <= count <= row.most:
            return None
        return list(
            struct.unpack(f"{'<' if little_endian else '>'}{count}{_FORMAT[row.vr]}", value)
        )
    try:
        return list(value.decode("ascii").strip(" \0").split("\\"))
    except UnicodeDecodeError:
        return None


def _checked(
    element: DataElement, row: SafePrivate, identifying: frozenset[str]
) -> DataElement | None:
    if row.vr != element.VR:
        return None
    values = element.value if element.VM > 1 else [element.value]
    if not row.least <= len(values) <= row.most:
        return None
    if row.vr in ("DS", "IS"):
        texts = [str(value) for value in values]
        ok = all(
            is_number(text, identifying)
            and not (text.isdigit() and len(text) > _MAX_PRIVATE_DIGITS)
            for text in texts
        )
    elif row.vr == "CS":
        ok = all(is_term(str(value)) for value in values)
    else:
        ok = all(isinstance(value, int | float) for value in values)
    return element if ok else None


def is_number(text: str, identifying: frozenset[str]) -> bool:
    """Whether a DS or IS value is a number, and not an identifier that looks like one."""
    text = text.strip(" \0")
    if not text or not _NUMBER.fullmatch(text) or not any(c.isdigit() for c in text):
        return False
    digits = text.lstrip("+-")
    return not (digits in identifying or (digits.isdigit() and len(digits) > _MAX_DIGITS))
