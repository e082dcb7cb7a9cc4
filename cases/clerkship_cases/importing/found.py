"""What a scan finds: studies and series, and what each series is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.gathering import Skipped, printable

Kind = Literal["image", "segmentation", "structures", "report", "other"]

#: Kinds that can become a reference of a case.
REFERENCE_KINDS: tuple[Kind, ...] = ("segmentation", "structures", "report")

_SOP = "1.2.840.10008.5.1.4.1.1."
#: SOP classes (PS3.4 B.5) by their beginning, most telling first; what is not here is an image if
#: it has rows and columns.
_CLASSES: tuple[tuple[str, Kind, str], ...] = (
    (_SOP + "66.4", "segmentation", "segmentation (SEG)"),
    (_SOP + "66.5", "segmentation", "surface segmentation"),
    (_SOP + "481.3", "structures", "contours (RTSTRUCT)"),
    (_SOP + "481.2", "other", "radiotherapy dose"),
    (_SOP + "481", "other", "radiotherapy object"),
    (_SOP + "88.59", "other", "key object selection"),
    (_SOP + "88.67", "other", "radiation dose report"),
    (_SOP + "88", "report", "structured report (SR)"),
    (_SOP + "104.1", "other", "embedded PDF"),
    (_SOP + "104", "other", "embedded document"),
    (_SOP + "11", "other", "presentation state"),
    (_SOP + "9", "other", "waveform"),
    (_SOP + "66", "other", "raw data or registration"),
    (_SOP + "30", "other", "parametric map"),
    (_SOP + "77.1.4.1", "other", "video"),
    (_SOP + "77.1.1.1", "other", "video"),
    (_SOP + "77.1.2.1", "other", "video"),
)
#: The same by modality, for a server that tells no SOP class.
_MODALITIES: dict[str, tuple[Kind, str]] = {
    "SEG": ("segmentation", "segmentation (SEG)"),
    "RTSTRUCT": ("structures", "contours (RTSTRUCT)"),
    "SR": ("report", "structured report (SR)"),
    "RTDOSE": ("other", "radiotherapy dose"),
    "RTPLAN": ("other", "radiotherapy object"),
    "KO": ("other", "key object selection"),
    "PR": ("other", "presentation state"),
    "DOC": ("other", "embedded document"),
    "ECG": ("other", "waveform"),
    "REG": ("other", "raw data or registration"),
}


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """A series that could become a case, or a reference of one.

    Attributes
    ----------
    study_uid, series_uid : str
        As the source gives them (the original ones, not for publication).
    modality, description : str
    kind : str
        ``image``, ``segmentation``, ``structures``, ``report`` or ``other``.
    what : str
        The kind in words.
    count : int
        Files (or instances of a server).
    names : tuple of str
        Names of the files in the source; empty for a server.
    refers_to : frozenset of str
        Series that a segmentation, report or set of contours was made on, where it says so.
    """

    study_uid: str
    series_uid: str
    modality: str
    description: str
    kind: Kind
    what: str
    count: int
    names: tuple[str, ...] = ()
    refers_to: frozenset[str] = frozenset()

    def __str__(self) -> str:
        text = f"{self.modality or '?'} “{self.description or 'no description'}”"
        what = "" if self.kind == "image" else f", not an image: {self.what}"
        return f"{text}, {self.count} file{'s' * (self.count != 1)}{what}\n    {self.series_uid}"


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study: the series of one visit of one patient."""

    study_uid: str
    description: str
    date: str
    series: tuple[FoundSeries, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a source holds.

    Attributes
    ----------
    source : str
    studies : tuple of FoundStudy
    skipped : tuple of Skipped
        Files that were left out, each with the reason.
    notes : tuple of str
    """

    source: str
    studies: tuple[FoundStudy, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[FoundSeries, ...]:
        """All series of all studies."""
        return tuple(one for study in self.studies for one in study.series)

    @property
    def images(self) -> tuple[FoundSeries, ...]:
        """The series that hold images."""
        return tuple(one for one in self.series if one.kind == "image")

    def image_series(self, series_uid: str | None = None) -> FoundSeries:
        """Choose the series that becomes the case.

        Parameters
        ----------
        series_uid : str, optional
            May be left out where there is only one.

        Raises
        ------
        CaseError
            With the list of what there is, if the choice is not clear.
        """
        chosen = [one for one in self.images if series_uid in (None, one.series_uid)]
        if len(chosen) == 1:
            return chosen[0]
        if not self.series:
            why = f" {_reasons(self.skipped)}" if self.skipped else ""
            raise CaseError(f"{self.source}: no DICOM file was found.{why}")
        listed = "\n".join(f"  {one}" for one in self.series)
        if not self.images:
            raise CaseError(f"{self.source}: has no image series. It holds:\n{listed}")
        if series_uid is None:
            raise CaseError(
                f"{self.source}: has {len(self.images)} image series; name one of them:\n{listed}"
            )
        raise CaseError(
            f"{self.source}: has no image series {printable(series_uid)}. It holds:\n{listed}"
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values, for ``--json``."""
        value = asdict(self)
        for study in value["studies"]:
            for one in study["series"]:
                one["refers_to"] = sorted(one["refers_to"])
        return value


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The few values of a file by which series are told apart; the rest is let go of at once."""

    study_uid: str
    series_uid: str
    study_description: str
    study_date: str
    modality: str
    description: str
    kind: Kind
    what: str
    refers_to: frozenset[str]


def file_header(dataset: Dataset) -> FileHeader:
    """Take what sorting needs out of a dataset; what can't be read is empty."""
    kind, what = kind_of(dataset)
    return FileHeader(
        study_uid=text_of(dataset, "StudyInstanceUID"),
        series_uid=text_of(dataset, "SeriesInstanceUID"),
        study_description=text_of(dataset, "StudyDescription"),
        study_date=text_of(dataset, "StudyDate"),
        modality=text_of(dataset, "Modality"),
        description=text_of(dataset, "SeriesDescription"),
        kind=kind,
        what=what,
        refers_to=frozenset(_referenced_series(dataset)),
    )


def group(headers: Mapping[str, FileHeader]) -> tuple[FoundStudy, ...]:
    """Sort files into studies and series.

    Parameters
    ----------
    headers : mapping of str to FileHeader
        By the name of the file.
    """
    files: dict[tuple[str, str, Kind], list[str]] = {}
    for name, header in headers.items():
        files.setdefault((header.study_uid, header.series_uid, header.kind), []).append(name)
    found: dict[str, list[FoundSeries]] = {}
    for (study_uid, series_uid, kind), names in files.items():
        first = headers[names[0]]
        found.setdefault(study_uid, []).append(
            FoundSeries(
                study_uid=study_uid,
                series_uid=series_uid,
                modality=first.modality,
                description=first.description,
                kind=kind,
                what=first.what,
                count=len(names),
                names=tuple(names),
                refers_to=frozenset().union(*(headers[name].refers_to for name in names)),
            )
        )
    first_of = {header.study_uid: header for header in reversed(list(headers.values()))}
    return tuple(
        FoundStudy(uid, first_of[uid].study_description, first_of[uid].study_date, tuple(series))
        for uid, series in found.items()
    )


def kind_of(header: Dataset) -> tuple[Kind, str]:
    """Tell what an object is by its SOP class, else by its modality, and say it in words."""
    sop_class = text_of(header, "SOPClassUID")
    for beginning, kind, what in _CLASSES:
        if sop_class == beginning or sop_class.startswith(beginning + "."):
            return kind, what
    modality = text_of(header, "Modality")
    if not sop_class and modality in _MODALITIES:
        return _MODALITIES[modality]
    if "Rows" in header and "Columns" in header:
        return "image", "image"
    return "other", "an object without pixels"


def kind_of_modality(modality: str) -> tuple[Kind, str]:
    """Tell what a series is when all that a server says is its modality."""
    return _MODALITIES.get(modality, ("image", "image"))


def text_of(header: Dataset, keyword: str) -> str:
    """Read a value as one line of text; empty where it is absent or can't be read."""
    try:
        value = header.get(keyword)
    except Exception:  # a value that can't be decoded is no value here
        return ""
    return "" if value is None else printable(str(value).strip())


def _referenced_series(header: Dataset) -> Iterator[str]:
    """Series that a SEG, RTSTRUCT or SR names, where each of them keeps that."""
    try:
        yield from _series_items(header.get("ReferencedSeriesSequence"))
        for frame in header.get("ReferencedFrameOfReferenceSequence") or ():
            for study in frame.get("RTReferencedStudySequence") or ():
                yield from _series_items(study.get("RTReferencedSeriesSequence"))
        for study in header.get("CurrentRequestedProcedureEvidenceSequence") or ():
            yield from _series_items(study.get("ReferencedSeriesSequence"))
    except Exception:  # a damaged reference is none
        return


def _series_items(items: Iterable[Dataset] | None) -> Iterator[str]:
    for item in items or ():
        if uid := text_of(item, "SeriesInstanceUID"):
            yield uid


def _reasons(skipped: tuple[Skipped, ...]) -> str:
    """Say the commonest reasons for which files were left out."""
    counts: dict[str, int] = {}
    for one in skipped:
        counts[one.reason] = counts.get(one.reason, 0) + 1
    common = sorted(counts.items(), key=lambda pair: -pair[1])[:3]
    return "Left out: " + "; ".join(f"{count} × {reason}" for reason, count in common) + "."
