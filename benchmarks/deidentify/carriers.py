"""The files that carry the tokens before anything is planted: real ones, and phantoms of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian


def real(name: str) -> Dataset:
    """Return a file of pydicom or pydicom-data; no network."""
    from pydicom.data import get_testdata_file

    path = get_testdata_file(name, download=False)
    if path is None:
        raise FileNotFoundError(f"{name} is not among the files of pydicom and pydicom-data")
    dataset = pydicom.dcmread(Path(path))
    dataset.walk(lambda *_: None)  # read every element now
    return dataset


def empty(sop_class: str, modality: str) -> Dataset:
    """Return an object with nothing but what every object has."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPClassUID = sop_class
    dataset.Modality = modality
    dataset.PatientSex = "F"
    dataset.SeriesNumber, dataset.InstanceNumber = 3, 1
    dataset.StudyID = ""
    return dataset


def image(sop_class: str, modality: str, values: npt.NDArray[Any], **attributes: Any) -> Dataset:
    """Return an image.

    Parameters
    ----------
    values : (frames, rows, columns) or (frames, rows, columns, 3)
        uint8, uint16 or int16.
    """
    dataset = empty(sop_class, modality)
    set_pixels(dataset, values)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def set_pixels(dataset: Dataset, values: npt.NDArray[Any]) -> None:
    """Store values, uncompressed, with the attributes that describe them."""
    colour = values.ndim == 4
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = values.shape[1:3]
    if len(values) > 1:
        dataset.NumberOfFrames = len(values)
    bits = values.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"


def body(
    rows: int, columns: int, least: int, greatest: int, seed: int = 1
) -> npt.NDArray[np.float64]:
    """Return a smooth picture with an outline, rib-like stripes, and noise."""
    noise = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    radius = np.hypot(x / 0.8, y / 0.9)
    picture = np.clip(1.1 - radius, 0, 0.6) * (1 + 0.25 * np.sin(14 * y + 3 * x**2))
    picture += noise.normal(0, 0.01, picture.shape)
    return least + np.clip(picture, 0, 1) * (greatest - least)
