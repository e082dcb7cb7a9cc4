"""A case: its record, and its images opened on first use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydicom.dataset import Dataset

from clerkship_cases.display import distinct
from clerkship_cases.errors import CaseError
from clerkship_cases.formats.nifti import volume_from_nifti
from clerkship_cases.formats.nrrd import volume_from_nrrd
from clerkship_cases.headers import frame_of_reference_uid, synthetic_headers
from clerkship_cases.record import CaseRecord
from clerkship_cases.sources import case_files
from clerkship_cases.volume import Volume


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
        return self._opened.volume

    @cached_property
    def images(self) -> list[Dataset]:
        """One public DICOM header per slice, in array order, without pixels or marks.

        A multi-frame image gives one header per frame, all with its SOPInstanceUID; see
        :attr:`frame_numbers`. For a source that is not DICOM headers are made up from the geometry,
        always the same.
        """
        return self._opened.make_images()

    @cached_property
    def frame_numbers(self) -> tuple[int, ...]:
        """For each slice, its frame inside its image, from 1; all 1 for single-frame images."""
        return self._opened.frame_numbers

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What was recognised while the images were opened: a tilted gantry, dropped duplicates."""
        return self._opened.notes

    def slice_index(self, sop_instance_uid: str, frame_number: int | None = None) -> int:
        """Which slice of ``volume.array`` an image, or a frame of one, is.

        Parameters
        ----------
        sop_instance_uid : str
            Of the image.
        frame_number : int, optional
            From 1; without it the first slice of that image.

        Raises
        ------
        CaseError
            If the image is not one of this case.
        """
        for k, header in enumerate(self.images):
            if header.SOPInstanceUID == sop_instance_uid and frame_number in (
                None,
                self.frame_numbers[k],
            ):
                return k
        frame = "" if frame_number is None else f", frame {frame_number},"
        raise CaseError(f"image {sop_instance_uid}{frame} does not belong to the case {self.id!r}.")

    def __repr__(self) -> str:
        return f"Case({self.id!r}: {self.record.title})"

    @cached_property
    def _opened(self) -> "_Opened":
        open_source = {"dicom": _open_dicom, "nifti": _open_nifti, "nrrd": _open_nrrd}[
            self.record.source.format
        ]
        _ = self.files  # what is wrong with those is said as it is
        try:
            opened = open_source(self)
        except CaseError as problem:
            raise CaseError(f"case {self.id!r}: {problem}") from problem
        volume = opened.volume
        authored = tuple(window.window() for window in self.record.windows)
        windows = distinct((*authored, *volume.windows))
        volume = replace(volume, unit=self.record.unit or volume.unit, windows=windows)
        if volume.modality != self.record.modality:
            raise CaseError(
                f"case {self.id!r}: case.yml says modality {self.record.modality}, "
                f"the file says {volume.modality}; correct case.yml."
            )
        return replace(opened, volume=volume)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What opening a case gives."""

    volume: Volume
    make_images: Callable[[], list[Dataset]]
    frame_numbers: tuple[int, ...]
    notes: tuple[str, ...] = ()


def _open_dicom(case: Case) -> _Opened:
    from clerkship_cases.dicom.public import public_headers
    from clerkship_cases.dicom.series import read_series

    series = read_series(case.files)
    return _Opened(
        volume=series.volume,
        make_images=lambda: public_headers(series, case.id, case.record.source.withheld),
        frame_numbers=series.frame_numbers,
        notes=series.notes,
    )


def _open_nifti(case: Case) -> _Opened:
    return _made_up(
        case,
        volume_from_nifti(
            _only_file(case),
            modality=case.record.modality,
            frame_of_reference_uid=frame_of_reference_uid(case.id),
        ),
    )


def _open_nrrd(case: Case) -> _Opened:
    return _made_up(
        case,
        volume_from_nrrd(
            _only_file(case),
            modality=case.record.modality,
            frame_of_reference_uid=frame_of_reference_uid(case.id),
        ),
    )


def _made_up(case: Case, volume: Volume) -> _Opened:
    return _Opened(volume, lambda: synthetic_headers(case.id, volume), (1,) * volume.array.shape[0])


def _only_file(case: Case) -> Path:
    """Return the file of a source that is one file."""
    if len(case.files) != 1:
        raise CaseError(
            f"{len(case.files)} files were given; a {case.record.source.format} case is one file."
        )
    return case.files[0]
