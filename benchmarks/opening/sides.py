"""The ways to open a folder of DICOM files that are compared; run as a process of its own for each run.

    python sides.py SIDE FOLDER

prints one line of JSON: seconds, growth of memory, and a fingerprint of the values. A fresh process each time,
because the highest memory use of a process never goes down.
"""

from __future__ import annotations

import hashlib
import json
import logging
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def clerkship() -> Callable[[Path], Any]:
    """Ours: `read_series`."""
    import imagecodecs

    from clerkship_cases.dicom import read_series

    assert imagecodecs.JPEGLS.available  # imports the decoder, which is not to be counted

    return lambda folder: read_series(sorted(folder.glob("*.dcm"))).volume.array


def pydicom() -> Callable[[Path], Any]:
    """What most scripts do: read all, sort by z, rescale, stack."""
    import pydicom as dicom

    assert dicom.pixels.get_decoder(dicom.uid.JPEGLSLossless).is_available  # imported now as well

    def opened(folder: Path) -> Any:
        datasets = [dicom.dcmread(path) for path in folder.glob("*.dcm")]
        datasets.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
        return np.stack(
            [
                dataset.pixel_array * float(dataset.get("RescaleSlope", 1))
                + float(dataset.get("RescaleIntercept", 0))
                for dataset in datasets
            ]
        )

    return opened


def simpleitk() -> Callable[[Path], Any]:
    """SimpleITK's series reader, with its own search for the order of the files."""
    import SimpleITK as sitk  # noqa: N813 - its usual name

    def opened(folder: Path) -> Any:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        return sitk.GetArrayViewFromImage(_kept(reader.Execute()))

    return opened


def dicom2nifti() -> Callable[[Path], Any]:
    """dicom2nifti, without writing a file."""
    import dicom2nifti.convert_dicom as convert
    import nibabel as nib
    from dicom2nifti import common, settings

    settings.disable_validate_slice_increment()
    settings.disable_validate_slicecount()

    def opened(folder: Path) -> Any:
        datasets = common.read_dicom_directory(str(folder))
        image = convert.dicom_array_to_nifti(datasets, None, reorient_nifti=False)["NII"]
        ras = nib.as_closest_canonical(image)
        return np.asanyarray(ras.dataobj)[::-1, ::-1].transpose(
            2, 1, 0
        )  # LPS, [slice, row, column]

    return opened


SIDES: dict[str, Callable[[], Callable[[Path], Any]]] = {
    "clerkship": clerkship,
    "pydicom": pydicom,
    "SimpleITK": simpleitk,
    "dicom2nifti": dicom2nifti,
}

_alive: list[Any] = []


def _kept(image: Any) -> Any:
    """A view of an image is only good as long as the image."""
    _alive.append(image)
    return image


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main(side: str, folder: Path) -> None:
    """Open once with the clock running."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    open_folder = SIDES[side]()
    # The high-water mark starts again from what is in use now (Linux 4.0 and later).
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident_bytes()
    start = time.perf_counter()
    array = open_folder(folder)
    seconds = time.perf_counter() - start
    peak = _peak_bytes() - before
    values = np.ascontiguousarray(array, dtype=np.int16)
    exact = all(np.array_equal(a, b) for a, b in zip(values, array, strict=True))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "peak_bytes": peak,
                "shape": list(values.shape),
                "is_exact_int16": exact,
                "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
            }
        )
    )


def _peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM: this benchmark needs Linux")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
