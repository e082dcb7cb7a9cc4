"""A folder of files to series: what belongs together, and which stacks one series holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from clerkship_cases.dicom.frames import Image, open_image
from clerkship_cases.dicom.parts import split
from clerkship_cases.dicom.plane import planes_of
from clerkship_cases.dicom.read import named, read_dataset, silenced
from clerkship_cases.dicom.series import HEADER_TAGS
from clerkship_cases.errors import CaseError

#: What is asked of a file that holds no image.
_ABOUT = (0x00080016, 0x00080018, 0x00080060, 0x0008103E, 0x0020000D, 0x0020000E, 0x00200011)


@dataclass(frozen=True, slots=True)
class SeriesFiles:
    """Files that belong together: ``read_series(series.paths, part=series.part)`` opens them.

    Attributes
    ----------
    series_uid, study_uid : str
        Empty where the files have none.
    modality, description : str
        As the files say; the description is not de-identified.
    paths : tuple of Path
        The files of the stack (for a multi-frame image with several stacks: of all of them).
    part : int or None
        Which stack of ``paths``, from 1; None where there is only one.
    label : str
        What tells this stack apart from others of the series, for instance ``"EchoTime 20"``.
    slices : int
        How many slices; 0 where the files hold no image (reports, contours).
    """

    series_uid: str
    study_uid: str
    modality: str
    description: str
    paths: tuple[Path, ...]
    part: int | None = None
    label: str = ""
    slices: int = 0

    @property
    def is_image(self) -> bool:
        """Whether the files hold pixels that can be opened."""
        return self.slices > 0


def group_series(
    paths: Iterable[Path],
    *,
    on_error: Callable[[Path, CaseError], None] | None = None,
) -> list[SeriesFiles]:
    """Tell the series among files apart, and the stacks of each (echoes, phases, localiser directions).

    Parameters
    ----------
    paths : iterable of Path
        DICOM files in any order.
    on_error : callable, optional
        Told of each file that can't be read, which is then left out. Without it the first such file
        raises.

    Returns
    -------
    list of SeriesFiles
        Images first, the largest first; then what holds no image.

    Raises
    ------
    CaseError
        If a file can't be read and ``on_error`` was not given.
    """
    with silenced():
        return _grouped(paths, on_error)


def _grouped(
    paths: Iterable[Path], on_error: Callable[[Path, CaseError], None] | None
) -> list[SeriesFiles]:
    images: dict[str, list[Image]] = {}
    others: dict[str, list[tuple[Path, Dataset]]] = {}
    for path in paths:
        try:
            try:
                image = open_image(path, HEADER_TAGS)
            except CaseError as problem:
                # Reports and contours have no pixels: they are listed too. A broken image is not.
                header = _header_of_other(path, problem)
                with named(path):
                    others.setdefault(_text(header, "SeriesInstanceUID"), []).append((path, header))
            else:
                with named(path):
                    images.setdefault(_text(image.header, "SeriesInstanceUID"), []).append(image)
        except CaseError as problem:
            if on_error is None:
                raise
            on_error(path, problem)
    found: list[SeriesFiles] = []
    for uid, members in images.items():
        try:
            with named(members[0].path):
                found += _stacks(uid, members)
        except CaseError as problem:
            if on_error is None:
                raise
            on_error(members[0].path, problem)
    found.sort(key=lambda series: -series.slices)
    for uid, files in others.items():
        header = files[0][1]
        with named(files[0][0]):
            study_uid, modality, description = (
                _text(header, keyword)
                for keyword in ("StudyInstanceUID", "Modality", "SeriesDescription")
            )
        paths_of_series = tuple(path for path, _ in files)
        found.append(SeriesFiles(uid, study_uid, modality, description, paths_of_series))
    return found


def _stacks(uid: str, images: list[Image]) -> list[SeriesFiles]:
    """One series, split into its stacks."""
    planes = [plane for n, image in enumerate(images) for plane in planes_of(n, image)]
    header = images[0].header
    parts = split(planes)
    found = []
    for number, part in enumerate(parts, 1):
        files = sorted({planes[n].image for n in part.members})
        # Stacks of single-frame files are separate files; those of one file need a number.
        shared = sum(1 for n in range(len(planes)) if planes[n].image in set(files)) != len(
            part.members
        )
        found.append(
            SeriesFiles(
                uid,
                _text(header, "StudyInstanceUID"),
                _text(header, "Modality"),
                _text(header, "SeriesDescription"),
                tuple(image.path for image in images)
                if shared
                else tuple(images[n].path for n in files),
                number if shared else None,
                part.label,
                len(part.members),
            )
        )
    return found


def _header_of_other(path: Path, problem: CaseError) -> Dataset:
    """Header of a file without pixels; raises the given problem for a file that has some."""
    header = read_dataset(path, stop_before_pixels=True, only=[*_ABOUT, 0x00280010])
    with named(path):
        if header.get("Rows") is not None or header.get("SOPClassUID") is None:
            raise problem
    return header


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "")
