"""Numbers as DICOM decimal strings: at most 16 characters, as close to the number as these allow.

Source
------
DICOM PS3.5 6.2, value representation DS.
"""

from collections.abc import Iterable

MAX_CHARACTERS = 16


def decimal_string(value: float) -> str:
    """Write the shortest text that gives the number back, or the closest that fits.

    Examples
    --------
    >>> decimal_string(-124.5), decimal_string(-0.0), decimal_string(-1 / 3)
    ('-124.5', '0', '-0.3333333333333')
    """
    value = float(value) + 0.0  # -0 becomes 0
    text = repr(value).removesuffix(".0")
    for digits in range(16, 0, -1):
        if len(text) <= MAX_CHARACTERS:
            break
        text = f"{value:.{digits}g}"
    return text


def decimal_strings(values: Iterable[float]) -> list[str]:
    """Write several of them, for a multi-valued element."""
    return [decimal_string(value) for value in values]
