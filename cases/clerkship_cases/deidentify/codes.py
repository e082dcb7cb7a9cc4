"""Coded concepts: kept when the scheme is public, with a meaning that is radiology and nothing else.

A coded concept is three strings, and each of them is free text to whoever fills it in. So the
meaning has to pass as a description would; where it does not, the one that PS3.16 gives takes its place.
"""

import re
from functools import cache
from typing import cast

from pydicom.dataset import Dataset

from clerkship_cases.deidentify.words import cleaned_words

#: Schemes of public terminologies (PS3.16 Table 8-1 and 8-2), and our own.
_PUBLIC_SCHEMES = frozenset(
    [
        "DCM",
        "SCT",
        "SRT",
        "SNM3",
        "99SDM",
        "UCUM",
        "LN",
        "FMA",
        "RADLEX",
        "NCIt",
        "UMLS",
        "ICD10",
        "ICD10CM",
        "ICD11",
        "ICDO3",
        "I9C",
        "MDC",
        "BARI",
        "ACR",
        "PUBCHEM_CID",
        "RFC5646",
        "ISO3166_1",
        "ISO639_2",
        "ISO_OID",
        "IETF",
        "99CLERKSHIP",
        "99PMP",
        "99QIICR",
        "HGNC",
        "NYUMCCG",
        "NDC",
        "C4",
        "UNS",
        "RXNORM",
        "BI-RADS",
        "MA",
        "ITIS_TSN",
        "SCPECG",
        "UPC",
        "USEPA",
    ]
)
#: Those of them whose concepts PS3.16 names one by one.
_LISTED_SCHEMES = ("DCM", "SCT", "UCUM", "FMA", "MDC", "LN", "PUBCHEM_CID", "NCIt", "RADLEX", "SRT")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9.\-]{1,16}")
#: UCUM spells units with more signs (PS3.16 CID 82): "{pixels}", "mm2", "g/ml{SUVbw}".
_UNIT_CODE = re.compile(r"[A-Za-z0-9.\-/\[\]{}*'%()^_]{1,24}")


@cache
def _standard_meanings() -> dict[tuple[str, str], str]:
    """Read the concepts that PS3.16 names: (scheme, value) -> meaning."""
    from pydicom.sr._concepts_dict import concepts

    meanings: dict[tuple[str, str], str] = {}
    for scheme in _LISTED_SCHEMES:
        listed = cast(dict[str, dict[str, tuple[str, list[int]]]], concepts.get(scheme, {}))
        for by_value in listed.values():
            meanings.update({(scheme, value): said[0] for value, said in by_value.items()})
    return meanings


def cleaned_code(item: Dataset, identifying: frozenset[str]) -> dict[str, str] | None:
    """Clean the code in a code sequence item.

    Parameters
    ----------
    item : Dataset
        An item with CodeValue, CodingSchemeDesignator and CodeMeaning.
    identifying : frozenset of str
        Case-folded words of the patient's identity.

    Returns
    -------
    dict or None
        Keyword -> value of the attributes that stay, or None when the concept can't be kept.

    Source
    ------
    PS3.3 8.8, PS3.16 8.
    """
    value = str(item.get("CodeValue", "")).strip()
    scheme = str(item.get("CodingSchemeDesignator", "")).strip()
    meaning = str(item.get("CodeMeaning", "")).strip()
    pattern = _UNIT_CODE if scheme == "UCUM" else _PLAIN_CODE
    if scheme not in _PUBLIC_SCHEMES or not pattern.fullmatch(value):
        return None
    if value.casefold() in identifying:
        return None
    cleaned = cleaned_words(meaning, identifying)
    if cleaned.changed or not cleaned.text:
        # Half a meaning could say the opposite: the standard's own words, or the code itself.
        meaning = _standard_meanings().get((scheme, value), value)
    return {"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning[:64]}
