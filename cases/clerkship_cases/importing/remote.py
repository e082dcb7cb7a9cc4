"""Studies and series as a server lists them, whichever protocol it speaks."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.found import FoundSeries, kind_of_modality, text_of

#: What a person needs to recognise a study (PS3.4 table C.6-5, study root).
STUDY_FIELDS = (
    "StudyInstanceUID",
    "PatientID",
    "PatientName",
    "StudyDate",
    "AccessionNumber",
    "StudyDescription",
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
SERIES_FIELDS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "BodyPartExamined",
    "NumberOfSeriesRelatedInstances",
)
#: More studies than this are no answer to a question about one patient.
MOST_STUDIES = 500


@dataclass(frozen=True, slots=True)
class RemoteStudy:
    """A study of a server. Names the patient, so it is shown to its teacher and never stored."""

    study_uid: str
    patient_id: str
    patient_name: str
    date: str
    accession_number: str
    description: str
    modalities: str
    series: int
    instances: int


@dataclass(frozen=True, slots=True)
class RemoteSeries:
    """A series of a server; ``instances`` is 0 where the server does not say."""

    study_uid: str
    series_uid: str
    modality: str
    number: str
    description: str
    body_part: str
    instances: int

    @property
    def found(self) -> FoundSeries:
        """The same as a scan says it."""
        kind, what = kind_of_modality(self.modality)
        return FoundSeries(
            self.study_uid,
            self.series_uid,
            self.modality,
            self.description,
            kind,
            what,
            self.instances,
        )


def study_of(answer: Dataset) -> RemoteStudy:
    """Read one answer to a query for studies."""
    modalities = answer.get("ModalitiesInStudy") or ""
    several = modalities if not isinstance(modalities, str) else [modalities]
    return RemoteStudy(
        study_uid=text_of(answer, "StudyInstanceUID"),
        patient_id=text_of(answer, "PatientID"),
        patient_name=text_of(answer, "PatientName"),
        date=text_of(answer, "StudyDate"),
        accession_number=text_of(answer, "AccessionNumber"),
        description=text_of(answer, "StudyDescription"),
        modalities=", ".join(str(one) for one in several),
        series=_count(answer, "NumberOfStudyRelatedSeries"),
        instances=_count(answer, "NumberOfStudyRelatedInstances"),
    )


def series_of(answer: Dataset, study_uid: str) -> RemoteSeries:
    """Read one answer to a query for the series of a study."""
    return RemoteSeries(
        study_uid=study_uid,
        series_uid=text_of(answer, "SeriesInstanceUID"),
        modality=text_of(answer, "Modality"),
        number=text_of(answer, "SeriesNumber"),
        description=text_of(answer, "SeriesDescription"),
        body_part=text_of(answer, "BodyPartExamined"),
        instances=_count(answer, "NumberOfSeriesRelatedInstances"),
    )


def check_filters(filters: Iterable[str]) -> None:
    """Refuse a filter that DICOM does not know.

    Raises
    ------
    CaseError
        With the keywords that are of use.
    """
    for keyword in filters:
        if tag_for_keyword(keyword) is None:
            raise CaseError(
                f"{keyword!r} is no DICOM keyword to search by. Of use are: "
                f"{', '.join(STUDY_FIELDS[1:7])}."
            )


def check_uid(uid: str, what: str) -> str:
    """Let a UID into a request only if it is one (PS3.5 9.1).

    Raises
    ------
    CaseError
        If it is anything else.
    """
    if not uid or len(uid) > 64 or not all(part.isdecimal() for part in uid.split(".")):
        raise CaseError(f"{uid[:80]!r} is no {what}; it must be digits and dots, at most 64.")
    return uid


def _count(answer: Dataset, keyword: str) -> int:
    text = text_of(answer, keyword)
    return int(text) if text.isdecimal() and len(text) < 10 else 0
