"""What a clean file says about itself, and only what is true."""

from functools import cache

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from clerkship_cases.deidentify.options import Options

#: PS3.16 CID 7050.
BASIC_PROFILE = "113100"
CLEAN_PIXEL_DATA = "113101"
CLEAN_FACES = "113102"
CLEAN_GRAPHICS = "113103"
CLEAN_STRUCTURED_CONTENT = "113104"
CLEAN_DESCRIPTORS = "113105"
MODIFIED_DATES = "113107"
PATIENT_CHARACTERISTICS = "113108"
SAFE_PRIVATE = "113111"
_MEANINGS = {
    BASIC_PROFILE: "Basic Application Confidentiality Profile",
    CLEAN_PIXEL_DATA: "Clean Pixel Data Option",
    CLEAN_FACES: "Clean Recognizable Visual Features Option",
    CLEAN_GRAPHICS: "Clean Graphics Option",
    CLEAN_STRUCTURED_CONTENT: "Clean Structured Content Option",
    CLEAN_DESCRIPTORS: "Clean Descriptors Option",
    MODIFIED_DATES: "Retain Longitudinal Temporal Information Modified Dates Option",
    PATIENT_CHARACTERISTICS: "Retain Patient Characteristics Option",
    SAFE_PRIVATE: "Retain Safe Private Option",
}
#: Graphic Annotation Sequence; Content and Acquisition Context Sequence; age, sex, size and weight.
_GRAPHICS = 0x00700001
_STRUCTURED = frozenset((0x0040A730, 0x00400555))
_CHARACTERISTICS = frozenset((0x00101010, 0x00100040, 0x00101020, 0x00101030))


def methods_used(
    cleaned: Dataset, options: Options, *, text_examined: bool, face_removed: bool
) -> tuple[str, ...]:
    """List the codes of what was done to a file, in ascending order.

    Source
    ------
    PS3.15 E.2 and E.3, PS3.16 CID 7050.
    """
    codes = [BASIC_PROFILE]
    if text_examined:
        codes.append(CLEAN_PIXEL_DATA)
    if face_removed:
        codes.append(CLEAN_FACES)
    present = {int(tag) for tag in cleaned.keys()}  # noqa: SIM118 - its values would be converted
    if _GRAPHICS in present:
        codes.append(CLEAN_GRAPHICS)
    if not present.isdisjoint(_STRUCTURED):
        codes.append(CLEAN_STRUCTURED_CONTENT)
    codes.append(CLEAN_DESCRIPTORS)
    if options.shift_dates:
        codes.append(MODIFIED_DATES)
    if not present.isdisjoint(_CHARACTERISTICS):
        codes.append(PATIENT_CHARACTERISTICS)
    if any(number & 0x10000 for number in present):
        codes.append(SAFE_PRIVATE)
    return tuple(codes)


@cache
def marks(codes: tuple[str, ...], shift_dates: bool, text_examined: bool) -> Dataset:
    """Give the attributes that say what was done (PS3.3 C.7.1.1 and C.12.1). Shared: don't alter.

    BurnedInAnnotation says NO only where the pixels were searched; otherwise nothing is said.
    """
    said = Dataset()
    said.SpecificCharacterSet = "ISO_IR 192"
    said.PatientIdentityRemoved = "YES"
    said.DeidentificationMethod = "Clerkship: PS3.15 Annex E by allow-list"
    items = []
    for code in codes:
        item = Dataset()
        item.CodeValue = code
        item.CodingSchemeDesignator = "DCM"
        item.CodeMeaning = _MEANINGS[code]
        items.append(item)
    said.DeidentificationMethodCodeSequence = Sequence(items)
    said.LongitudinalTemporalInformationModified = "MODIFIED" if shift_dates else "REMOVED"
    if text_examined:
        said.BurnedInAnnotation = "NO"
    return said
