"""Who the patient is: every string in the files that points at a person or a place.

Collected from all files of a patient before the first is cleaned, so that a name which stands in the CT's
header is also recognised in the description of the PET.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from clerkship_cases.deidentify.reading import as_dataset
from clerkship_cases.deidentify.words import is_vocabulary

#: Attributes other than person names whose words identify. Source: PS3.15 Table E.1-1, the rows about
#: patients, staff, institutions, orders and single devices.
_IDENTIFYING = frozenset(
    tag
    for keyword in [
        "PatientID",
        "OtherPatientIDs",
        "IssuerOfPatientID",
        "PatientAddress",
        "PatientTelephoneNumbers",
        "PatientTelecomInformation",
        "PatientInsurancePlanCodeSequence",
        "MedicalRecordLocator",
        "CountryOfResidence",
        "RegionOfResidence",
        "Occupation",
        "PatientReligiousPreference",
        "MilitaryRank",
        "BranchOfService",
        "AccessionNumber",
        "StudyID",
        "InstitutionName",
        "InstitutionAddress",
        "InstitutionalDepartmentName",
        "RequestingService",
        "StationName",
        "DeviceSerialNumber",
        "ReferringPhysicianAddress",
        "ReferringPhysicianTelephoneNumbers",
        "PersonAddress",
        "PersonTelephoneNumbers",
        "AdmissionID",
        "ServiceEpisodeID",
        "CurrentPatientLocation",
        "PatientInstitutionResidence",
        "RequestedProcedureID",
        "ScheduledProcedureStepID",
        "PerformedProcedureStepID",
        "PlacerOrderNumberImagingServiceRequest",
        "FillerOrderNumberImagingServiceRequest",
        "ClinicalTrialSponsorName",
        "ClinicalTrialProtocolID",
        "ClinicalTrialProtocolName",
        "ClinicalTrialSiteID",
        "ClinicalTrialSiteName",
        "ClinicalTrialSubjectID",
        "ClinicalTrialSubjectReadingID",
        "PlateID",
        "CassetteID",
        "DetectorID",
        "GantryID",
        "GeneratorID",
        "SecondaryCaptureDeviceID",
        "StationAETitle",
        "RetrieveAETitle",
        "ScheduledStationAETitle",
        "PerformedStationAETitle",
        "PerformedStationName",
        "VerifyingOrganization",
        "ResponsibleOrganization",
        "DeviceUID",
        "UniqueDeviceIdentifier",
    ]
    if (tag := tag_for_keyword(keyword)) is not None
)
_DATES = frozenset(
    tag
    for keyword in ["PatientBirthDate", "StudyDate"]
    if (tag := tag_for_keyword(keyword)) is not None
)
_CHARACTER_SET = BaseTag(0x00080005)
#: Values that are names or hold items in which names may be; UN may be either.
_TELLING_VRS = frozenset(("PN", "SQ", "UN"))
_TELLING_TAGS = _IDENTIFYING | _DATES
_PIECES = re.compile(r"[^\W_]+")
#: What people write where a name should be; it names nobody, and descriptions may use it.
_PLACEHOLDERS = frozenset(
    [
        "anonymous",
        "anonymized",
        "anonymised",
        "unknown",
        "none",
        "test",
        "phantom",
        "patient",
        "no",
        "name",
        "not",
        "na",
    ]
)


@dataclass(slots=True)
class Identity:
    """The identifying strings of one patient.

    Attributes
    ----------
    words : set of str
        Single words, case-folded, of at least two letters: they may stand nowhere in the output.
    strings : set of str
        The whole values, as they stand in the files: what the search for text in pixels looks for.
    """

    words: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def collect(self, elements: dict[BaseTag, RawDataElement]) -> None:
        """Add what one file says, at every depth.

        Parameters
        ----------
        elements : dict
            Its attributes as they stand in the file.
        """
        dataset: Dataset | None = None
        encoding = elements.get(_CHARACTER_SET)
        said = encoding and encoding.value
        for tag, raw in elements.items():
            seen = (raw, said)
            if seen in self._seen:
                continue
            self._seen.add(seen)
            number = int(tag)
            vr = raw.VR or _listed_vr(number)
            if vr is not None and vr not in _TELLING_VRS and number not in _TELLING_TAGS:
                continue
            dataset = dataset or as_dataset(elements)
            self._collect_element(dataset[tag])

    def _collect_items(self, dataset: Dataset) -> None:
        for tag in tuple(dataset.keys()):
            vr = getattr(dataset.get_item(tag), "VR", None) or _listed_vr(int(tag))
            if vr is not None and vr not in _TELLING_VRS and int(tag) not in _TELLING_TAGS:
                continue
            try:
                element = dataset[tag]
            except Exception:  # noqa: S112 - what can't be read is not kept either
                continue
            self._collect_element(element)

    def _collect_element(self, element: DataElement) -> None:
        if element.VR == "SQ":
            for item in element.value or ():
                self._collect_items(item)
        elif element.VR == "PN":
            for name in _values(element.value):
                self._add(str(name), person=True)
                if isinstance(name, PersonName):
                    for group in (name.alphabetic, name.ideographic, name.phonetic):
                        self._add(group, person=True)
        elif int(element.tag) in _IDENTIFYING:
            for value in _values(element.value):
                self._add(str(value), person=False)
        elif int(element.tag) in _DATES:
            self.strings.update(str(value) for value in _values(element.value) if str(value))

    def _add(self, text: str, *, person: bool) -> None:
        text = text.strip(" \0")
        if len(text) < 2:
            return
        self.strings.add(text)
        pieces = {piece.casefold() for piece in _PIECES.findall(text) if len(piece) > 1}
        if not person:
            # "University Hospital, Department of CT": its ordinary words name no place.
            pieces = {piece for piece in pieces if not is_vocabulary(piece)}
        # A code of one or two digits would take the numbers out of every description.
        self.words |= {
            p for p in pieces if p not in _PLACEHOLDERS and not (p.isdigit() and len(p) < 4)
        }


@cache
def _listed_vr(tag: int) -> str | None:
    """Say which VR the standard gives an attribute; None for private and unknown ones."""
    return dictionary_VR(tag) if dictionary_has_tag(tag) else None


def _values(value: object) -> Iterable[object]:
    if value is None or value == "":
        return ()
    if isinstance(value, str | bytes | PersonName):
        return (value,)
    return value if isinstance(value, Iterable) else (value,)
