"""A series of image files to one volume."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from clerkship_cases.dicom.attributes import tag_of, value_of
from clerkship_cases.dicom.frames import Image, image_in_memory, open_image
from clerkship_cases.dicom.grid import Grid, make_grid
from clerkship_cases.dicom.mosaic import PRIVATE_TAGS
from clerkship_cases.dicom.parts import Part, split
from clerkship_cases.dicom.plane import Plane, planes_of
from clerkship_cases.dicom.read import named, silenced
from clerkship_cases.dicom.values import gather, real_values
from clerkship_cases.display import windows_for
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import KEPT
from clerkship_cases.volume import Volume

_UNIT_BY_MODALITY = {"CT": "HU", "NM": "counts", "PT": "counts"}

#: Attributes that a volume needs beyond those of the public headers.
_NEEDED = (
    "NumberOfFrames",
    "PlanarConfiguration",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "TemporalPositionIdentifier",
    "EchoNumbers",
    "TriggerTime",
    "FrameReferenceTime",
    "AcquisitionNumber",
    "ConvolutionKernel",
)
#: What is read of a header.
HEADER_TAGS = frozenset(int(tag_of(keyword)) for keyword in (*KEPT, *_NEEDED)) | {*PRIVATE_TAGS}


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSeries:
    """A series as one volume.

    Attributes
    ----------
    volume : Volume
    headers : tuple of Dataset
        For each slice, the header of its image as the file has it, of the attributes that a volume and
        its public headers need; not yet safe to show.
    order : tuple of int
        For each slice, the index of its file in the paths that were given.
    frame_numbers : tuple of int
        For each slice, its frame in that file, from 1.
    notes : tuple of str
        What was recognised, in sentences: a tilted gantry, uneven gaps, duplicates that were dropped.
    planes : tuple of Plane
        For each slice, its place and where its values come from.
    """

    volume: Volume
    headers: tuple[Dataset, ...]
    order: tuple[int, ...]
    frame_numbers: tuple[int, ...]
    notes: tuple[str, ...]
    planes: tuple[Plane, ...]


def read_series(
    paths: Sequence[Path], *, part: int | None = None, accept_uneven: bool = False
) -> OpenedSeries:
    """Read the images of one series into one volume.

    Parameters
    ----------
    paths : sequence of Path
        Single-frame images in any order, or one multi-frame image.
    part : int, optional
        Which stack, from 1, where the series holds several (echoes, phases); :func:`group_series` lists
        them.
    accept_uneven : bool
        Open a series with missing or unevenly spaced slices too; the notes say what is wrong with it.

    Returns
    -------
    OpenedSeries

    Raises
    ------
    CaseError
        If a file can't be read, the images are no single stack, two different images lie at one place,
        or a slice is missing. The message names the file and the attribute.

    Source
    ------
    DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16.2 (functional groups), C.11.1 (modality LUT).
    """
    with silenced():
        images = [open_image(path, HEADER_TAGS) for path in paths]
        return _assemble(images, part, accept_uneven)


def volume_from_dicom(
    datasets: Sequence[Dataset], *, part: int | None = None, accept_uneven: bool = False
) -> tuple[Volume, list[int]]:
    """Make one volume of images that are in memory.

    Parameters
    ----------
    datasets : sequence of Dataset
        Single-frame images in any order, or one multi-frame image.
    part, accept_uneven
        As for :func:`read_series`, whose result is the same and needs less memory.

    Returns
    -------
    volume : Volume
    order : list of int
        For each slice, the index of its dataset in ``datasets``.

    Raises
    ------
    CaseError
        As :func:`read_series`.
    """
    with silenced():
        images = [image_in_memory(dataset) for dataset in datasets]
        opened = _assemble(images, part, accept_uneven)
    return opened.volume, list(opened.order)


def _assemble(images: Sequence[Image], part: int | None, accept_uneven: bool) -> OpenedSeries:
    if not images:
        raise CaseError("no image was given; a volume needs at least one.")
    with named(images[0].path):  # for what no other guard names better
        return _assembled(images, part, accept_uneven)


def _assembled(images: Sequence[Image], part: int | None, accept_uneven: bool) -> OpenedSeries:
    images, kept, notes = _without_copies(images)
    planes = [plane for n, image in enumerate(images) for plane in planes_of(n, image)]
    chosen = _chosen_part(planes, part)
    planes = [planes[n] for n in chosen.members]
    _refuse_mixture(planes)
    grid = make_grid(
        planes,
        lambda a, b: bool(
            np.array_equal(real_values(planes[a].pixels), real_values(planes[b].pixels))
        ),
        accept_uneven=accept_uneven,
    )
    planes = [planes[n] for n in grid.order]
    first = images[planes[0].image]
    if chosen.label:
        notes.append(f"This is one of several stacks of the series: {chosen.label}.")
    return OpenedSeries(
        volume=_volume(planes, grid, first),
        headers=tuple(images[plane.image].header for plane in planes),
        order=tuple(kept[plane.image] for plane in planes),
        frame_numbers=tuple(plane.frame_number for plane in planes),
        notes=(*notes, *grid.notes),
        planes=tuple(planes),
    )


def _volume(planes: Sequence[Plane], grid: Grid, first: Image) -> Volume:
    header = first.header
    with named(first.path):
        modality = str(header.get("Modality") or "OT")
        array, span = gather([plane.pixels for plane in planes])
        return Volume(
            array=array,
            affine_lps_mm=grid.affine_lps_mm,
            unit="RGB" if array.ndim == 4 else _unit(header, modality),
            modality=modality,
            is_calibrated=planes[0].spacing_mm is not None,
            inverted=first.format.photometric == "MONOCHROME1",
            windows=windows_for(
                array, modality, [plane.window_header for plane in planes], span=span
            ),
            frame_of_reference_uid=str(header.get("FrameOfReferenceUID") or "") or None
            if grid.is_placed
            else None,
        )


def _without_copies(images: Sequence[Image]) -> tuple[list[Image], list[int], list[str]]:
    """Drop files that hold an image a second time; same UID with other content is refused."""
    kept: list[int] = []
    first_of: dict[str, int] = {}
    copies = 0
    for n, image in enumerate(images):
        uid = str(value_of(image.header, "SOPInstanceUID") or "")
        if uid and uid in first_of:
            if not _same_image(images[first_of[uid]], image):
                raise CaseError(
                    f"{images[first_of[uid]].path.name} and {image.path.name} have the same "
                    f"SOPInstanceUID (0008,0018) but are not the same image; one of them was changed."
                )
            copies += 1
            continue
        first_of.setdefault(uid, n)
        kept.append(n)
    notes = []
    if copies:
        notes.append(
            f"Duplicate files were dropped: {copies} held an image that another file holds."
        )
    return [images[n] for n in kept], kept, notes


def _same_image(one: Image, other: Image) -> bool:
    """Whether two files hold the same pixels at the same place."""
    keywords = (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "RescaleSlope",
        "RescaleIntercept",
    )
    with named(other.path):
        if one.format.frames != other.format.frames or any(
            one.header.get(keyword) != other.header.get(keyword) for keyword in keywords
        ):
            return False
        return all(
            np.array_equal(one.frames.stored(n), other.frames.stored(n))
            for n in range(one.format.frames)
        )


def _chosen_part(planes: Sequence[Plane], part: int | None) -> Part:
    parts = split(planes)
    if part is None and len(parts) == 1:
        return parts[0]
    listed = "; ".join(
        f"{n}: {p.label or 'all'} ({len(p.members)} slices)" for n, p in enumerate(parts[:12], 1)
    )
    if part is None:
        raise CaseError(
            f"this series holds {len(parts)} stacks ({listed}{'; …' if len(parts) > 12 else ''}); say which one: "
            f"part=1 to {len(parts)}."
        )
    if not 1 <= part <= len(parts):
        raise CaseError(f"part {part} was asked for; the series has {len(parts)} ({listed}).")
    return parts[part - 1]


def _refuse_mixture(planes: Sequence[Plane]) -> None:
    """Refuse images that can't lie in one array."""
    first = planes[0].pixels
    for plane in planes:
        format_ = plane.pixels.frames.format
        if plane.pixels.shape != first.shape or format_.is_colour != first.frames.format.is_colour:
            raise CaseError(
                f"the images of this series have different sizes, for instance {format_.name}; give one "
                f"series at a time."
            )
        if format_.photometric != first.frames.format.photometric and not format_.is_colour:
            raise CaseError(
                f"{format_.name} is {format_.photometric}, others of this series are "
                f"{first.frames.format.photometric}; give one series at a time."
            )


def _unit(header: Dataset, modality: str) -> str:
    """Say HU only where the file does not say otherwise."""
    rescale_type = str(header.get("RescaleType") or "")
    if modality == "CT" and rescale_type not in ("", "HU"):
        return "1"
    return _UNIT_BY_MODALITY.get(modality, "1")
