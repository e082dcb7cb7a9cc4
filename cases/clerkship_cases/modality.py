"""Modalities by their DICOM codes and by the words that people type.

Source
------
DICOM PS3.3 C.7.3.1.1.1 (defined terms of Modality).
"""

from __future__ import annotations

#: Codes that a word of a search is taken for.
MODALITIES = frozenset(
    [
        "ANN",
        "CR",
        "CT",
        "DX",
        "ES",
        "KO",
        "MG",
        "MR",
        "NM",
        "OCT",
        "OP",
        "OT",
        "PR",
        "PT",
        "RF",
        "RTDOSE",
        "RTPLAN",
        "RTSTRUCT",
        "SC",
        "SEG",
        "SM",
        "SR",
        "US",
        "XA",
        "XC",
    ]
)

#: Everyday words, in the singular, and the codes they stand for.
WORDS = {
    "mri": ("MR",),
    "pet": ("PT",),
    "ultrasound": ("US",),
    "sonography": ("US",),
    "mammography": ("MG",),
    "mammogram": ("MG",),
    "radiograph": ("CR", "DX"),
    "x-ray": ("CR", "DX"),
    "xray": ("CR", "DX"),
    "tomography": ("CT",),
    "scintigraphy": ("NM",),
    "microscopy": ("SM",),
}


def modalities_named(word: str) -> tuple[str, ...]:
    """Return the codes that a word stands for; none if it is not about a modality.

    Examples
    --------
    >>> modalities_named("MRI"), modalities_named("ct"), modalities_named("lung")
    (('MR',), ('CT',), ())
    """
    if word.upper() in MODALITIES:
        return (word.upper(),)
    return WORDS.get(singular(word.lower()), ())


def singular(word: str) -> str:
    """Drop the s of a plural, for searching: ``nodules`` finds ``nodule``.

    Examples
    --------
    >>> singular("nodules"), singular("pelvis"), singular("abscess")
    ('nodule', 'pelvis', 'abscess')
    """
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui" else word
