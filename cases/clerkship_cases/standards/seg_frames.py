"""Frames of a segmentation onto the grid of a case: unpacked bit by bit, placed voxel by voxel.

Frames may come in any order, overlap, repeat or be absent (absent is empty). A frame is placed by the
image that it names and by its own position in the patient; a grid that is cropped, flipped or cut across
the slices is placed all the same, as long as its voxels are the voxels of the case.

Source
------
DICOM PS3.3 C.8.20.2 (segmentation image), C.7.6.16 (functional groups); PS3.5 8.1.1 (bit order).
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.standards.image_place import SAME_PLANE_MM, ImagePlaces

Mask = NDArray[np.bool_]
#: How frames find their slice: by the images that the file names, or by position only, for a file
#: that names images under other UIDs (made before the images were de-identified).
Place = Literal["source", "position"]

_WIDTHS: dict[int, str] = {1: "u1", 8: "u1", 16: "<u2"}


class Frames:
    """Pixels of a segmentation, frame by frame; nothing is unpacked before it is asked for.

    Raises
    ------
    CaseError
        If the pixel data is shorter than the header says, or of an unknown width.
    """

    def __init__(self, dataset: Dataset, name: str, most_frames: int) -> None:
        self.count = int(dataset.NumberOfFrames)
        self.rows, self.columns = int(dataset.Rows), int(dataset.Columns)
        self._bits = int(dataset.BitsAllocated)
        if not 1 <= self.count <= most_frames:
            raise CaseError(f"{name} has {self.count} frames; this case allows 1 to {most_frames}.")
        if self._bits not in _WIDTHS:
            raise CaseError(f"{name} stores {self._bits} bits per pixel; 1, 8 or 16 are expected.")
        self._data = np.frombuffer(dataset.PixelData, dtype=np.uint8)
        if self._data.size * 8 < self.count * self.rows * self.columns * self._bits:
            raise CaseError(f"{name} is cut short: it has fewer pixels than it says.")

    def __getitem__(self, n: int) -> NDArray[Any]:
        """Frame ``n`` as [row, column]: bool where a pixel is one bit, else whole numbers."""
        pixels = self.rows * self.columns
        if self._bits == 1:  # frames follow each other without padding, lowest bit first
            first_byte, first_bit = divmod(n * pixels, 8)
            bits = np.unpackbits(
                self._data[first_byte:], count=first_bit + pixels, bitorder="little"
            )
            return bits[first_bit:].reshape(self.rows, self.columns).astype(np.bool_)
        width = self._bits // 8
        raw = self._data[n * pixels * width : (n + 1) * pixels * width]
        values = np.frombuffer(raw.tobytes(), dtype=_WIDTHS[self._bits])
        return values.reshape(self.rows, self.columns)


class FramePlacer:
    """Puts frames of one segmentation into masks of one case."""

    def __init__(self, dataset: Dataset, places: ImagePlaces, name: str, place: Place) -> None:
        self._dataset, self._places, self._name, self._place = dataset, places, name, place
        self._volume = places.case.volume
        own = dataset.get("FrameOfReferenceUID")
        self._is_same_space = own is not None and str(own) == self._volume.frame_of_reference_uid

    def put(self, mask: Mask, frame: Mask, own_group: Dataset) -> None:
        """Add a frame to ``mask`` [slice, row, column] where it belongs.

        Raises
        ------
        CaseError
            If it lies on no slice of the case, or its voxels are not voxels of the case.
        """
        k = self._named_slice(own_group)
        grid = self._grid(own_group)
        if grid is None or not (self._is_same_space or self._place == "position"):
            if k is None:
                raise CaseError(
                    f"{self._name} says neither by image nor by position where its frames lie in the case "
                    f"{self._places.case.id!r}."
                )
            self._put_whole(mask, frame, k)
        elif k is not None and self._lies_on(k, grid, frame):
            mask[k] |= frame
        else:
            self._put_by_voxel(mask, frame, grid)

    def _named_slice(self, own_group: Dataset) -> int | None:
        """Slice of the image that the frame was drawn on, where the file names one."""
        derivation = functional_group(self._dataset, own_group, "DerivationImageSequence")
        sources = derivation.get("SourceImageSequence") if derivation is not None else None
        if self._place == "position" or not sources:
            return None
        if len(sources) > 1:  # made from several images: its position says where it is
            known = [item for item in sources if item.ReferencedSOPInstanceUID in self._places]
            if len(known) == len(sources):
                return None
        uid = str(sources[0].ReferencedSOPInstanceUID)
        if uid not in self._places:
            raise CaseError(
                f"{self._name} was drawn on another image ({uid}), not on the case "
                f"{self._places.case.id!r}."
            )
        numbers = np.atleast_1d(sources[0].get("ReferencedFrameNumber") or ())
        return self._places.slice_index(uid, int(numbers[0]) if numbers.size else None)

    def _grid(self, own_group: Dataset) -> NDArray[np.float64] | None:
        """(column, row, 1) of the frame -> voxel (i, j, k), from its own position; None if it has none."""
        position = functional_group(self._dataset, own_group, "PlanePositionSequence")
        orientation = functional_group(self._dataset, own_group, "PlaneOrientationSequence")
        measures = functional_group(self._dataset, own_group, "PixelMeasuresSequence")
        if position is None or orientation is None or measures is None:
            return None
        origin = np.array(position.ImagePositionPatient, dtype=np.float64)
        along = np.array(orientation.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
        row_mm, column_mm = (float(mm) for mm in measures.PixelSpacing)
        to_voxel = self._volume.voxel_from_patient
        start = to_voxel(origin)
        return np.column_stack(
            [
                to_voxel(origin + along[0] * column_mm) - start,
                to_voxel(origin + along[1] * row_mm) - start,
                start,
            ]
        )

    def _lies_on(self, k: int, grid: NDArray[np.float64], frame: Mask) -> bool:
        """Whether the frame covers exactly the slice that it names."""
        if frame.shape != self._volume.array.shape[1:]:
            return False
        whole = np.array([[1, 0, 0], [0, 1, 0], [0, 0, k]], dtype=np.float64)
        return self._is_same(grid, whole, frame)

    def _put_whole(self, mask: Mask, frame: Mask, k: int) -> None:
        if frame.shape != mask.shape[1:]:
            raise CaseError(
                f"{self._name} has {frame.shape[0]} x {frame.shape[1]} pixels, the images of "
                f"{self._places.case.id!r} have {mask.shape[1]} x {mask.shape[2]}; it belongs to another case."
            )
        mask[k] |= frame

    def _put_by_voxel(self, mask: Mask, frame: Mask, grid: NDArray[np.float64]) -> None:
        whole = np.rint(grid)
        if not self._is_same(grid, whole, frame):
            raise CaseError(
                f"{self._name} lies between the voxels of the case {self._places.case.id!r}: its grid is "
                f"another one. Resample it onto the images first."
            )
        row, column = np.nonzero(frame)
        i, j, k = (whole @ np.stack([column, row, np.ones_like(row)])).astype(np.intp)
        slices, rows, columns = mask.shape
        inside = (i >= 0) & (i < columns) & (j >= 0) & (j < rows) & (k >= 0) & (k < slices)
        if not inside.all():
            raise CaseError(
                f"{self._name} marks {int((~inside).sum())} voxels outside the images of the case "
                f"{self._places.case.id!r}."
            )
        mask[k, j, i] = True

    def _is_same(self, grid: NDArray[np.float64], other: NDArray[np.float64], frame: Mask) -> bool:
        """Whether two grids agree at the corners of the frame, to 0.05 mm."""
        height, width = frame.shape
        corners = np.array(
            [[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]]
        )
        off_ijk = (grid - other) @ corners
        off_mm = self._volume.affine_lps_mm[:3, :3] @ off_ijk
        return float(np.linalg.norm(off_mm, axis=0).max()) <= SAME_PLANE_MM


def functional_group(dataset: Dataset, own: Dataset, keyword: str) -> Dataset | None:
    """Look in the frame's own group, else in the one that all frames share (C.7.6.16.2)."""
    for place in (own, *(dataset.get("SharedFunctionalGroupsSequence") or ())[:1]):
        items = place.get(keyword)
        if items:
            item: Dataset = items[0]
            return item
    return None
