"""Ages that no longer single out a person.

Source: 45 CFR 164.514(b)(2)(i)(C), ages over 89 are one group; the bands of five years are our own choice.
"""

from datetime import date
from typing import Literal

#: The oldest age that is told apart (45 CFR 164.514(b)(2)(i)(C)).
_OLDEST_YEARS = 89
_BAND_YEARS = 5
_ADULT_YEARS = 2


def cleaned_age(value: str, keep: Literal["band", "cap"]) -> str | None:
    """Turn a DICOM age (nnnD, nnnW, nnnM or nnnY) into one that may be published.

    Below two years, where a month matters to a reader of images, whole months are kept.

    Returns
    -------
    str or None
        None when the value is not an age.
    """
    text = value.strip().upper()
    if len(text) != 4 or not text[:3].isdigit() or not text.isascii() or text[3] not in "DWMY":
        return None
    number, unit = int(text[:3]), text[3]
    months = {"D": number // 30, "W": number * 7 // 30, "M": number, "Y": number * 12}[unit]
    if months < 12 * _ADULT_YEARS and unit != "Y":
        return f"{months:03}M"
    years = months // 12
    if years > _OLDEST_YEARS:
        return f"{_OLDEST_YEARS + 1:03}Y"
    if keep == "band":
        years -= years % _BAND_YEARS
    return f"{years:03}Y"


def age_at(birth: str, examined: str) -> str | None:
    """Give the age in DICOM's form from two DICOM dates, or None when either is no date."""
    try:
        born = date(int(birth[:4]), int(birth[4:6]), int(birth[6:8]))
        then = date(int(examined[:4]), int(examined[4:6]), int(examined[6:8]))
    except ValueError:
        return None
    months = (then.year - born.year) * 12 + then.month - born.month - (then.day < born.day)
    if months < 0 or months >= 12 * 1000:
        return None
    return f"{months:03}M" if months < 12 * _ADULT_YEARS else f"{months // 12:03}Y"
