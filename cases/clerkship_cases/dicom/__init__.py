"""DICOM files to volumes: read, told apart, put in order, decoded.

Examples
--------
>>> from clerkship_cases.dicom import group_series, read_series
>>> for series in group_series(sorted(folder.rglob("*"))):       # doctest: +SKIP
...     opened = read_series(series.paths, part=series.part)
...     print(series.description, opened.volume.array.shape, *opened.notes)
"""

from clerkship_cases.dicom.group import SeriesFiles, group_series
from clerkship_cases.dicom.read import guarded, read_dataset
from clerkship_cases.dicom.series import OpenedSeries, read_series, volume_from_dicom

__all__ = [
    "OpenedSeries",
    "SeriesFiles",
    "group_series",
    "guarded",
    "read_dataset",
    "read_series",
    "volume_from_dicom",
]
