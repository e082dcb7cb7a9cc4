"""Real DICOM files that packages ship, and how tests change their headers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom
import pydicom.data
from pydicom.dataset import Dataset

PYDICOM = Path(pydicom.__file__).parent / "data" / "test_files"
#: Five slices of a real CT ("SmartScore", GE), cropped to 16 x 16 pixels, 2.5 mm apart.
HEART_CT = sorted((PYDICOM / "dicomdirtests" / "98892001" / "CT5N").iterdir())


def shipped(name: str) -> Path:
    """A file of pydicom or pydicom-data."""
    found = pydicom.data.get_testdata_file(name, download=False)
    assert found, name
    return Path(str(found))


def read(path: Path) -> Dataset:
    """Read with pydicom, which warns about much that is of no matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        for _element in dataset:
            pass
    return dataset


def changed(
    paths: list[Path], folder: Path, change: Callable[[int, Dataset], None], names: str = "{}.dcm"
) -> list[Path]:
    """Copies of files with their headers changed; ``change`` gets the number and the data set."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = []
    for n, path in enumerate(paths):
        dataset = read(path)
        change(n, dataset)
        copies.append(folder / names.format(n))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.save_as(copies[-1], enforce_file_format=True)
    return copies
