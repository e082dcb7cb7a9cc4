"""Coded terms: what a segment or a finding *is*, in words that other software understands.

Source
------
DICOM PS3.16 chapter 8 (coding schemes); PS3.16 Annex L maps SNOMED RT to SNOMED CT identifiers.
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.standards.private import SCHEME

#: Designators of SNOMED in older files: SNM3 and 99SDM are other names of the same codes (PS3.16 8.1).
_SNOMED_RT = frozenset({"SRT", "SNM3", "99SDM"})

#: SNOMED RT codes that segmentations and reports of other software carry, as SNOMED CT identifiers.
#: Source: PS3.16 Annex L; pydicom's table of SNOMED mappings is the second opinion in the tests.
_SCT_FROM_SRT = {
    "T-D0050": "85756007",  # Tissue
    "T-D000A": "123037004",  # Body structure
    "M-01000": "49755003",  # Morphologically abnormal structure
    "M-80003": "86049000",  # Neoplasm, primary
    "M-03000": "4147007",  # Mass
    "M-54000": "6574001",  # Necrosis
    "M-36300": "79654002",  # Edema
    "M-01100": "52988006",  # Lesion
    "M-03010": "27925004",  # Nodule
    "T-62000": "10200004",  # Liver
    "T-28000": "39607008",  # Lung
    "T-32000": "80891009",  # Heart
    "T-71000": "64033007",  # Kidney
    "T-C3000": "78961009",  # Spleen
    "T-65000": "15776009",  # Pancreas
    "T-63000": "28231008",  # Gallbladder
    "T-92000": "41216001",  # Prostate
    "T-A0100": "12738006",  # Brain
    "T-42000": "15825003",  # Aorta
    "T-04000": "76752008",  # Breast
    "T-C4000": "59441001",  # Lymph node
    "G-A101": "7771000",  # Left
    "G-A100": "24028007",  # Right
    "G-D705": "118565006",  # Volume
    "G-A166": "42798000",  # Area
    "G-D7FE": "410668003",  # Length
    "G-C0E3": "363698007",  # Finding site
    "G-C171": "272741003",  # Laterality
    "R-00317": "373098007",  # Mean
    "R-10047": "386136009",  # Standard deviation
    "G-A437": "56851009",  # Maximum
    "R-404FB": "255605001",  # Minimum
}


@dataclass(frozen=True, slots=True)
class Code:
    """A coded term.

    Attributes
    ----------
    value : str
        The code, for instance ``"10200004"``.
    scheme : str
        Who says what it means: ``"SCT"`` (SNOMED CT), ``"DCM"``, ``"UCUM"``, ...
    meaning : str
        In words; not compared, because every maker words it in its own way.
    """

    value: str
    scheme: str
    meaning: str = ""

    def __post_init__(self) -> None:
        """Refuse what a standard file can't hold (VR SH and LO, PS3.5 6.2)."""
        for words, most in ((self.value, 64), (self.scheme, 16), (self.meaning, 64)):
            if len(words) > most or "\\" in words or not words.isprintable():
                raise CaseError(f"coded term {self!r}: {words!r} is too long or not plain text.")
        if not (self.value and self.scheme):
            raise CaseError(f"coded term {self!r} needs a value and a scheme.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Code):
            return NotImplemented
        return (self.value, self.scheme) == (other.value, other.scheme)

    def __hash__(self) -> int:
        return hash((self.value, self.scheme))

    @property
    def in_sct(self) -> "Code":
        """The same term with its SNOMED CT identifier, where it has an older one that is known here."""
        if self.scheme in _SNOMED_RT and self.value in _SCT_FROM_SRT:
            return Code(_SCT_FROM_SRT[self.value], "SCT", self.meaning)
        return self


def label_code(label: str) -> Code:
    """Code of our own for a word that a task or a reader chose: it says no more than the word."""
    return Code(label, SCHEME, label)


def code_of(parent: Dataset, keyword: str) -> Code | None:
    """First item of a code sequence, in SNOMED CT where it can be; None if it is absent or empty."""
    items = parent.get(keyword)
    if not items:
        return None
    item = items[0]
    value = next(
        (
            str(item[name].value)
            for name in ("CodeValue", "LongCodeValue", "URNCodeValue")
            if item.get(name)
        ),
        "",
    )
    scheme = str(item.get("CodingSchemeDesignator", "") or "")
    if not value or not scheme:
        return None
    # A meaning is for people: what is too long to be valid is cut, not refused.
    return Code(value[:64], scheme[:16], str(item.get("CodeMeaning", ""))[:64]).in_sct
