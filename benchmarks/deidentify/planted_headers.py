"""Files whose attributes carry identity: standard, private, nested, dated, in many scripts."""

from __future__ import annotations

from deidentify.carriers import real
from deidentify.planting import Planter
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.sequence import Sequence

PERSONS = [
    "PerformingPhysicianName",
    "OperatorsName",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansOfRecord",
    "RequestingPhysician",
    "ResponsiblePerson",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "ScheduledPerformingPhysicianName",
    "ConsultingPhysicianName",
    "HumanPerformerName",
    "PersonName",
    "VerifyingObserverName",
    "ContentCreatorName",
]
TEXTS = [
    "InstitutionAddress",
    "InstitutionalDepartmentName",
    "StationName",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "ReferringPhysicianTelephoneNumbers",
    "ReferringPhysicianAddress",
    "PatientComments",
    "AdditionalPatientHistory",
    "ImageComments",
    "StudyComments",
    "Occupation",
    "EthnicGroup",
    "PatientReligiousPreference",
    "CountryOfResidence",
    "RegionOfResidence",
    "MilitaryRank",
    "BranchOfService",
    "MedicalAlerts",
    "Allergies",
    "RequestedProcedureComments",
    "ReasonForTheRequestedProcedure",
    "ImagingServiceRequestComments",
    "PatientState",
    "SpecialNeeds",
    "CurrentPatientLocation",
    "PatientInstitutionResidence",
    "AdmittingDiagnosesDescription",
    "DischargeDiagnosisDescription",
    "ClinicalTrialSponsorName",
    "ClinicalTrialSiteName",
    "ClinicalTrialCoordinatingCenterName",
    "ResponsibleOrganization",
    "AcquisitionComments",
    "FrameComments",
    "DerivationDescription",
    "ContrastBolusAgent",
    "VisitComments",
    "ServiceEpisodeDescription",
    "InterpretationText",
    "ResultsComments",
    "DeviceDescription",
    "PerformedStationName",
    "ScheduledStationName",
    "PerformedLocation",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "IssuerOfPatientID",
    "PerformedProcedureStepID",
    "ReviewerName",
    "UnformattedTextValue",
    "TextString",
    "LabelText",
    "BarcodeValue",
    "CommentsOnThePerformedProcedureStep",
]
NUMBERS = [
    "StudyID",
    "OtherPatientIDs",
    "MedicalRecordLocator",
    "DeviceSerialNumber",
    "PlateID",
    "DetectorID",
    "CassetteID",
    "GantryID",
    "GeneratorID",
    "AdmissionID",
    "RequestedProcedureID",
    "ScheduledProcedureStepID",
    "FillerOrderNumberImagingServiceRequest",
    "PlacerOrderNumberImagingServiceRequest",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSiteID",
    "ClinicalTrialProtocolID",
    "InsurancePlanIdentification",
    "PatientTransportArrangements",
]
DAYS = [
    "AdmittingDate",
    "DateOfLastCalibration",
    "LastMenstrualDate",
    "ScheduledProcedureStepStartDate",
    "PerformedProcedureStepStartDate",
    "CurveDate",
    "OverlayDate",
]

GEOMETRY = ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient")
PIXELS = ("BitsAllocated", "BitsStored", "PixelRepresentation", "PhotometricInterpretation")
CT = ("Modality", "KVP", "SliceThickness", "RescaleIntercept", "RescaleSlope", "SeriesNumber")
MR = (
    "Modality",
    "RepetitionTime",
    "EchoTime",
    "MagneticFieldStrength",
    "FlipAngle",
    "SliceThickness",
)


def same_age(expected: object, found: object) -> bool:
    """Whether an age lies in the same band of at most ten years; above 89 the standard's cap is right."""
    old, new = int(str(expected)[:3]), int(str(found)[:3])
    return new == 90 if old > 89 else abs(old - new) < 10


def identity(dataset: Dataset, p: Planter, *, shared: dict[str, str] | None = None) -> None:
    """Plant who the patient is, when, and which study: what every file has."""
    shared = shared if shared is not None else {}
    if "name" not in shared:
        shared["name"], shared["id"] = p.person("PatientName"), p.number("PatientID")
        shared["birth"] = p.birthday("PatientBirthDate")
        shared["study"] = p.uid("StudyInstanceUID")
    dataset.PatientName, dataset.PatientID = shared["name"], shared["id"]
    dataset.PatientBirthDate = shared["birth"]
    dataset.StudyInstanceUID = shared["study"]
    dataset.SeriesInstanceUID = p.uid("SeriesInstanceUID")
    dataset.SOPInstanceUID = p.uid("SOPInstanceUID")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.AccessionNumber = p.number("AccessionNumber")
    dataset.ReferringPhysicianName = p.person("ReferringPhysicianName")
    dataset.InstitutionName = f"{p.word('InstitutionName')} Hospital"
    day = p.day("StudyDate")
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(dataset, keyword, day)
    for keyword in ("InstanceCreationDate", "InstanceCreatorUID", "DeviceUID"):
        if keyword in dataset:
            del dataset[keyword]
    dataset.PatientSex = dataset.get("PatientSex") or "F"
    p.keep(dataset, "PatientSex", "SOPClassUID", action="tag_retained")
    p.keep(dataset, "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", action="uid_changed")
    p.keep(dataset, "PatientID", action="text_notnull")
    p.keep(dataset, "StudyDate", action="date_shifted")


def standard_ct(p: Planter, shared: dict[str, str]) -> Dataset:
    """Plant in every attribute of PS3.15 Table E.1-1 that our memory of hospitals suggests."""
    dataset = real("CT_small.dcm")
    identity(dataset, p, shared=shared)
    for keyword in PERSONS:
        setattr(dataset, keyword, p.person(keyword))
    for keyword in TEXTS:
        word = p.word(keyword)
        short = dictionary_VR(keyword) in {"SH", "CS"}
        setattr(dataset, keyword, word if short else f"seen by {word} at night")
    for keyword in NUMBERS:
        setattr(dataset, keyword, p.number(keyword))
    for keyword in DAYS:
        setattr(dataset, keyword, p.day(keyword))
    dataset.SeriesDescription = "CT HEAD AXIAL"
    dataset.StudyDescription = f"CT HEAD {p.word('StudyDescription', 'text')}"
    dataset.ProtocolName = f"HEAD {p.number('ProtocolName', 'text')}"
    dataset.PatientAge = "063Y"
    dataset.BodyPartExamined = "HEAD"
    p.keep(dataset, *CT, *GEOMETRY, *PIXELS, "BodyPartExamined", "PatientPosition", "Manufacturer")
    p.keep(dataset, "SeriesDescription", action="text_retained")
    p.keep(dataset, "PatientAge", agrees=same_age)
    p.keep(dataset, "FrameOfReferenceUID", action="uid_consistent")
    return dataset


def follow_up_ct(p: Planter, shared: dict[str, str]) -> Dataset:
    """Return a later study of the same patient that refers to the first."""
    dataset = real("CT_small.dcm")
    identity(dataset, p, shared=shared)
    reference = Dataset()
    reference.ReferencedSOPClassUID = dataset.SOPClassUID
    reference.ReferencedSOPInstanceUID = shared["first"]
    dataset.ReferencedImageSequence = Sequence([reference])
    p.keep(dataset, *CT, *GEOMETRY)
    p.keep(dataset, "PatientID", action="patid_consistent")
    p.keep(
        dataset,
        "ReferencedImageSequence[0].ReferencedSOPInstanceUID",
        "StudyInstanceUID",
        action="uid_consistent",
    )
    return dataset


def private_ct(p: Planter) -> Dataset:
    """Plant in private groups, also in ones that sound harmless."""
    dataset = real("CT_small.dcm")
    identity(dataset, p)
    for group, creator in (
        (0x0019, "GEMS_ACQU_01"),
        (0x0029, "SIEMENS CSA HEADER"),
        (0x2001, "Philips Imaging DD 001"),
        (0x7053, "Philips PET Private Group"),
        (0x0011, "ACME SAFE GEOMETRY"),
    ):
        block = dataset.private_block(group, creator, create=True)
        place = f"private {group:04X} {creator}"
        block.add_new(0xE0, "LO", p.word(place, "private"))
        block.add_new(0xE1, "PN", p.person(place, "private"))
        block.add_new(0xE2, "OB", b"\x01\x00" + p.word(place, "private").encode() + b"\x00\x02")
        inner = Dataset()
        inner.PatientName = p.person(f"{place} > PatientName", "private")
        block.add_new(0xE3, "SQ", Sequence([inner]))
        block.add_new(0xE4, "UN", p.number(place, "private").encode())
    # an element of the standard's safe list, a number, with a name instead
    block = dataset.private_block(0x7053, "Philips PET Private Group")
    block.add_new(0x00, "LO", p.word("private 7053,xx00 with another VR", "private"))
    p.keep(dataset, *CT, *GEOMETRY, *PIXELS)
    return dataset


def nested_ct(p: Planter) -> Dataset:
    """Plant four sequences deep, in sequences that stay and in ones that go."""
    dataset = real("CT_small.dcm")
    identity(dataset, p)
    deepest = Dataset()
    deepest.PersonName = p.person("4 deep: PersonName", "nested")
    deepest.InstitutionAddress = p.word("4 deep: InstitutionAddress", "nested")
    deepest.StudyDate = p.day("4 deep: StudyDate")
    deepest.ReferencedSOPInstanceUID = p.uid("4 deep: ReferencedSOPInstanceUID")
    third = Dataset()
    third.PatientID = p.number("3 deep: PatientID", "nested")
    third.PersonIdentificationCodeSequence = Sequence([deepest])
    second = Dataset()
    second.OperatorsName = p.person("2 deep: OperatorsName", "nested")
    second.PerformedProtocolCodeSequence = Sequence([third])
    second.CodeMeaning = p.word("2 deep: CodeMeaning", "nested")
    first = Dataset()
    first.ScheduledProcedureStepDescription = p.word("1 deep: step description", "nested")
    first.RequestedProcedureID = p.number("1 deep: RequestedProcedureID", "nested")
    first.ScheduledProtocolCodeSequence = Sequence([second])
    dataset.RequestAttributesSequence = Sequence([first])
    source = Dataset()
    source.ReferencedSOPClassUID = dataset.SOPClassUID
    source.ReferencedSOPInstanceUID = p.uid("SourceImageSequence")
    source.PurposeOfReferenceCodeSequence = Sequence([second])
    dataset.SourceImageSequence = Sequence([source])
    anatomy = Dataset()
    anatomy.CodeValue, anatomy.CodingSchemeDesignator, anatomy.CodeMeaning = (
        "69536005",
        "SCT",
        "Head",
    )
    modifier = Dataset()
    modifier.CodeValue = p.number("code of a hospital's own", "nested")[:16]
    modifier.CodingSchemeDesignator = "99LOCAL"
    modifier.CodeMeaning = p.word("meaning of a local code", "nested")
    anatomy.AnatomicRegionModifierSequence = Sequence([modifier])
    dataset.AnatomicRegionSequence = Sequence([anatomy])
    p.keep(dataset, *CT, *GEOMETRY, "AnatomicRegionSequence[0].CodeValue")
    p.keep(dataset, "AnatomicRegionSequence[0].CodeMeaning", action="text_retained")
    return dataset


def free_text_mr(p: Planter) -> Dataset:
    """Plant names, numbers and days inside descriptions, as people type them."""
    dataset = real("MR_small.dcm")
    identity(dataset, p)
    name = p.word("in ImageComments", "text")
    dataset.ImageComments = (
        f"Pt {name} born {p.day('in ImageComments', 'date in text', '%d.%m.%Y')}, "
        f"MRN {p.number('in ImageComments', 'text')}, call Dr {p.word('in ImageComments', 'text')}"
    )
    dataset.SeriesDescription = f"T1 AX {p.word('in SeriesDescription', 'text')}"
    dataset.StudyDescription = f"MR HEAD {p.day('in StudyDescription', 'date in text', '%Y-%m-%d')}"
    dataset.ProtocolName = f"t1_{p.word('in ProtocolName', 'text')}_fl2d"
    dataset.RequestedProcedureDescription = f"MRI for {p.word('in procedure', 'text')} jr"
    dataset.ContrastBolusAgent = f"Gd ({p.word('in ContrastBolusAgent', 'text')})"
    dataset.SequenceName = f"*fl2d_{p.number('in SequenceName', 'text')}"
    dataset.AcquisitionDateTime = p.day("AcquisitionDateTime", form="%Y%m%d") + "101500.000000+0100"
    dataset.PatientAge = p.text("093Y", "PatientAge above 89", "age")
    dataset.PatientName = dataset.PatientName
    p.keep(dataset, *MR, *GEOMETRY, *PIXELS, "ScanningSequence", "SequenceVariant")
    p.keep(dataset, "PatientAge", agrees=same_age)
    return dataset


def in_script(
    p: Planter, charset: str | list[str], encoding: str, name: str, comment: str
) -> Dataset:
    """Plant a name in another script, as a person name and in a comment."""
    dataset = real("MR_small.dcm")
    identity(dataset, p)
    dataset.SpecificCharacterSet = charset
    for part in name.split("^"):
        p.text(part, f"PatientName in {charset}", "script", encoding)
    # the Latin name first, then the one in its own script (PS3.5 6.2.1.2)
    dataset.PatientName = f"{dataset.PatientName}={name}"
    dataset.PatientComments = p.text(comment, f"PatientComments in {charset}", "script", encoding)
    dataset.InstitutionName = dataset.InstitutionName
    p.keep(dataset, *MR, *GEOMETRY)
    return dataset


def copies_mr(p: Planter) -> Dataset:
    """Plant the same identity in base64, in hexadecimal and backwards, where a program put it."""
    import base64

    dataset = real("MR_small.dcm")
    identity(dataset, p)
    for place in ("DeviceDescription", "ImageComments", "AcquisitionProtocolDescription"):
        word = p.word(f"base64 in {place}", "copy")
        setattr(dataset, place, base64.b64encode(f"patient={word}".encode()).decode())
    word = p.word("hexadecimal in SoftwareVersions", "copy")
    dataset.SoftwareVersions = word.encode().hex()
    backwards = p.forge.word()[::-1]
    dataset.DerivationDescription = p.text(backwards, "backwards in DerivationDescription", "copy")
    block = dataset.private_block(0x0099, "EXPORT", create=True)
    block.add_new(0x01, "OB", base64.b64encode(p.word("base64 in private OB", "copy").encode()))
    p.keep(dataset, *MR, *GEOMETRY)
    return dataset


def implicit_mr(p: Planter) -> Dataset:
    """Plant in a file without VRs, where private text has no type."""
    dataset = real("MR_small_implicit.dcm")
    identity(dataset, p)
    block = dataset.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    block.add_new(0x10, "LO", p.word("private 0051, implicit", "private"))
    dataset.PhysiciansOfRecord = p.person("PhysiciansOfRecord")
    p.keep(dataset, *MR, *GEOMETRY)
    return dataset


def big_endian_mr(p: Planter) -> Dataset:
    """Plant in a file of the retired byte order."""
    dataset = real("MR_small_bigendian.dcm")
    identity(dataset, p)
    dataset.OperatorsName = p.person("OperatorsName, big endian")
    dataset.PatientAddress = p.word("PatientAddress, big endian")
    p.keep(dataset, *MR, *GEOMETRY)
    return dataset
