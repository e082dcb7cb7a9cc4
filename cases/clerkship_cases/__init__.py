"""Cases: find, open, measure and annotate the images of the case library.

Everything a notebook or another room needs is exported here. Names are loaded when they are first
used, so that ``import clerkship_cases`` costs next to nothing.

Examples
--------
>>> from clerkship_cases import open_case
>>> case = open_case("tibia-nof")
>>> case.volume.array.shape
(1, 1760, 1760)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerkship_cases.annotation import Annotation
    from clerkship_cases.case import Case
    from clerkship_cases.dicom import group_series, read_series
    from clerkship_cases.display import Window
    from clerkship_cases.errors import CaseError
    from clerkship_cases.key import open_key
    from clerkship_cases.library import list_cases, open_case
    from clerkship_cases.measurement import measure
    from clerkship_cases.raster import region_mask
    from clerkship_cases.record import CaseRecord
    from clerkship_cases.reference.adding import add_reference
    from clerkship_cases.reference.comparing import disagreement
    from clerkship_cases.reference.fusing import consensus
    from clerkship_cases.standards.codes import Code
    from clerkship_cases.standards.presentation import read_presentation, write_presentation
    from clerkship_cases.standards.rtstruct import read_rtstruct, write_rtstruct
    from clerkship_cases.standards.seg import read_seg, write_seg
    from clerkship_cases.standards.seg_reading import read_segments
    from clerkship_cases.standards.sr import write_sr
    from clerkship_cases.standards.sr_reading import read_report, read_sr
    from clerkship_cases.volume import Volume

__all__ = [
    "Annotation",
    "Case",
    "CaseError",
    "CaseRecord",
    "Code",
    "Volume",
    "Window",
    "add_reference",
    "consensus",
    "disagreement",
    "group_series",
    "list_cases",
    "measure",
    "open_case",
    "open_key",
    "read_presentation",
    "read_report",
    "read_rtstruct",
    "read_seg",
    "read_segments",
    "read_series",
    "read_sr",
    "region_mask",
    "write_presentation",
    "write_rtstruct",
    "write_seg",
    "write_sr",
]

_HOME = {
    "Annotation": "annotation",
    "Case": "case",
    "CaseError": "errors",
    "CaseRecord": "record",
    "Code": "standards.codes",
    "Volume": "volume",
    "Window": "display",
    "add_reference": "reference.adding",
    "consensus": "reference.fusing",
    "disagreement": "reference.comparing",
    "group_series": "dicom",
    "list_cases": "library",
    "measure": "measurement",
    "open_case": "library",
    "open_key": "key",
    "read_presentation": "standards.presentation",
    "read_report": "standards.sr_reading",
    "read_rtstruct": "standards.rtstruct",
    "read_seg": "standards.seg",
    "read_segments": "standards.seg_reading",
    "read_series": "dicom",
    "read_sr": "standards.sr_reading",
    "region_mask": "raster",
    "write_presentation": "standards.presentation",
    "write_rtstruct": "standards.rtstruct",
    "write_seg": "standards.seg",
    "write_sr": "standards.sr",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use; afterwards it is an ordinary attribute."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
