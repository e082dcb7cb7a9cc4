"""Free text, word by word: a word stays when it is radiology, and goes when it is anything else.

A list of forbidden words can't be complete; a list of allowed ones need not be.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.datadict import tag_for_keyword

#: A word, or a number with its decimals and unit. Everything else separates.
_WORD = re.compile(r"[^\W_]+(?:\.\d+[^\W_]*)?")
#: Written like this they are a person's title, and not digital radiography or spectroscopy.
_TITLES = frozenset(("Dr", "Mr", "Mrs", "Ms", "Prof"))
#: Numbers in a row with something between: a date, a time, a telephone number.
_NUMBER_ROW = re.compile(r"(?<![^\W_])\d+(?:[-/.:,\s_]+\d+){2,}(?![^\W_])|\d{1,4}[-/]\d{1,4}")
#: A number of at most three digits, perhaps with decimals and a short unit: 3, 1.25, 5mm, 120kV, 3.0T, 2x2.
_QUANTITY = re.compile(
    r"\d{1,3}(?:\.\d{1,3})?(?:mm|cm|ms|s|sec|min|t|kv|kvp|kev|ma|mas|ml|mg|mci|mbq|hu|deg|d|x|x\d{1,3}|st|nd|rd|th)?"
)
#: A level of the spine or a lobe of letters and few digits (L4, Th12), a b-value (b1000), a filter (B30f, I31f).
_LABEL = re.compile(
    r"(?:c|t|th|l|s)\d{1,2}|b\d{2,4}|[a-z]{1,2}\d{2}[a-z]?|t[12]w?|\d{1,3}[a-z]{1,2}"
)


@dataclass(frozen=True, slots=True)
class CleanedText:
    """A text after cleaning, and whether anything was taken away."""

    text: str
    changed: bool


@cache
def _listed(name: str) -> frozenset[str]:
    text = files(__package__).joinpath(name).read_text(encoding="ascii")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


def is_vocabulary(word: str) -> bool:
    """Whether a word is on the list of radiology words."""
    return word.casefold() in _listed("vocabulary.txt")


def _may_stay(word: str, identifying: frozenset[str]) -> bool:
    folded = word.casefold()
    if folded in identifying or word in _TITLES or not word.isascii():
        return False
    return (
        folded in _listed("vocabulary.txt")
        or (
            len(word) > 12 and tag_for_keyword(word) is not None
        )  # ImagePositionPatient and the like
        or _QUANTITY.fullmatch(folded) is not None
        or _LABEL.fullmatch(folded) is not None
    )


def cleaned_words(text: str, identifying: frozenset[str] = frozenset()) -> CleanedText:
    """Keep the radiology words of a text.

    Parameters
    ----------
    text : str
        One value of a descriptor, for instance SeriesDescription.
    identifying : frozenset of str
        Words of the patient's own identity, case-folded: they go even when they are radiology.

    Returns
    -------
    CleanedText
        The text itself when every word may stay; else the words that may, with spaces between.

    Examples
    --------
    >>> cleaned_words("CT Chest 1.25mm")
    CleanedText(text='CT Chest 1.25mm', changed=False)
    >>> cleaned_words("CT Chest, Mrs Abernathy 12.03.1957")
    CleanedText(text='CT Chest', changed=True)

    Source
    ------
    PS3.15 E.3.4 (Clean Descriptors Option).
    """
    stripped = text.strip(" \0")
    if not stripped.isascii() or not stripped.isprintable():
        stripped = "".join(c if c.isascii() and c.isprintable() else " " for c in stripped)
    without_rows = _NUMBER_ROW.sub(" ", stripped)
    words = _WORD.findall(without_rows)
    kept = [word for word in words if _may_stay(word, identifying)]
    if without_rows == text.strip(" \0") and len(kept) == len(words):
        if len(words) > 1 and not any(c.isalpha() for c in stripped):
            return CleanedText("", changed=True)  # several numbers: a date, or a code
        return CleanedText(stripped, changed=False)
    if not any(len(word) > 1 and is_vocabulary(word) for word in kept):
        return CleanedText("", changed=True)  # numbers and letters alone say nothing
    return CleanedText(" ".join(kept), changed=True)


#: What separates the parts of a coded string.
#: A small number, a size in centimetres (35CMX35CM), directions in the patient (PS3.3 C.7.6.1.1.1: LAF).
_TERM_NUMBER = re.compile(r"\d{1,3}|0\d{3}|\d{2}(?:cm|in)x\d{2}(?:cm|in)|[lraphf]{1,3}")
_TERM_PARTS = re.compile(r"[ _\-/+.]+")


def is_term(text: str) -> bool:
    """Whether a coded string (CS) is made of terms of the standard, and so names nobody.

    Parameters
    ----------
    text : str
        One value of a CS attribute.

    Notes
    -----
    A patient called Head does not make HEAD a secret: the term was not chosen after the patient.
    """
    if len(text) > 16 or not text.isascii():
        return False
    for part in _TERM_PARTS.split(text.casefold()):
        if not part:
            continue
        if not (
            part in _listed("terms.txt")
            or part in _listed("vocabulary.txt")
            or _TERM_NUMBER.fullmatch(part)
            or _LABEL.fullmatch(part)
        ):
            return False
    return True
