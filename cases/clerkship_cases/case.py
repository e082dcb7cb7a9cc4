"""A case: its record, and its images opened on first use."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from clerkship_cases.display import distinct
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import frame_of_reference_uid, public_header, synthetic_headers
from clerkship_cases.record import CaseRecord
from clerkship_cases.series import volume_from_dicom
from clerkship_cases.sources import case_files
from clerkship_cases.volume import Volume, volume_from_nifti


@dataclass(frozen=True)
class Case:
    """A teaching file of the library; open one with :func:`clerkship_cases.open_case`.

    Attributes
    ----------
    record : CaseRecord
        What ``case.yml`` says: title, history, licence, attribution, source.
    """

    record: CaseRecord
    folder: Path
    """Where ``case.yml`` lies."""

    @property
    def id(self) -> str:
        """Name of the case, for instance ``"tibia-nof"``."""
        return self.record.id

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The image files where they lie on this machine, each checked against its sha256."""
        return case_files(self.id, self.record.source, self.folder)

    @cached_property
    def volume(self) -> Volume:
        """The images as one grid of values in patient space (read on first use)."""
        return self._opened[0]

    @cached_property
    def images(self) -> list[Dataset]:
        """One public DICOM header per slice, in array order, without pixels or marks.

        For a source that is not DICOM these are made up from the geometry, always the same.
        """
        return self._opened[1]

    def slice_index(self, sop_instance_uid: str) -> int:
        """Which slice of ``volume.array`` an image is.

        Raises
        ------
        CaseError
            If the image is not one of this case.
        """
        for k, header in enumerate(self.images):
            if header.SOPInstanceUID == sop_instance_uid:
                return k
        raise CaseError(f"image {sop_instance_uid} does not belong to the case {self.id!r}.")

    def __repr__(self) -> str:
        return f"Case({self.id!r}: {self.record.title})"

    @cached_property
    def _opened(self) -> tuple[Volume, list[Dataset]]:
        open_source = {"dicom": _open_dicom, "nifti": _open_nifti}[self.record.source.format]
        volume, headers = open_source(self)
        authored = tuple(window.window() for window in self.record.windows)
        windows = distinct((*authored, *volume.windows))
        volume = replace(volume, unit=self.record.unit or volume.unit, windows=windows)
        if volume.modality != self.record.modality:
            raise CaseError(
                f"case {self.id!r}: case.yml says modality {self.record.modality}, "
                f"the file says {volume.modality}; correct case.yml."
            )
        return volume, headers


def _open_dicom(case: Case) -> tuple[Volume, list[Dataset]]:
    try:
        dataset = dcmread(case.files[0])
    except (InvalidDicomError, OSError) as problem:
        raise CaseError(
            f"case {case.id!r}: {case.files[0].name} can't be read: {problem}"
        ) from problem
    volume, order = volume_from_dicom([dataset])
    if len(order) > 1:
        raise CaseError(
            f"case {case.id!r}: {case.files[0].name} is a multi-frame image; it opens as a volume "
            f"(clerkship_cases.series.volume_from_dicom) but can't be a case yet."
        )
    return volume, [public_header(dataset, case.id, case.record.source.withheld)]


def _open_nifti(case: Case) -> tuple[Volume, list[Dataset]]:
    volume = volume_from_nifti(
        case.files[0],
        modality=case.record.modality,
        frame_of_reference_uid=frame_of_reference_uid(case.id),
    )
    return volume, synthetic_headers(case.id, volume)
