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
    from clerkship_cases.display import Window
    from clerkship_cases.errors import CaseError
    from clerkship_cases.library import list_cases, open_case
    from clerkship_cases.measurement import measure
    from clerkship_cases.raster import region_mask
    from clerkship_cases.record import CaseRecord
    from clerkship_cases.standards.seg import read_seg, write_seg
    from clerkship_cases.standards.sr import write_sr
    from clerkship_cases.standards.sr_reading import read_sr
    from clerkship_cases.volume import Volume

__all__ = [
    "Annotation",
    "Case",
    "CaseError",
    "CaseRecord",
    "Volume",
    "Window",
    "list_cases",
    "measure",
    "open_case",
    "read_seg",
    "read_sr",
    "region_mask",
    "write_seg",
    "write_sr",
]

_HOME = {
    "Annotation": "annotation",
    "Case": "case",
    "CaseError": "errors",
    "CaseRecord": "record",
    "Volume": "volume",
    "Window": "display",
    "list_cases": "library",
    "measure": "measurement",
    "open_case": "library",
    "read_seg": "standards.seg",
    "read_sr": "standards.sr_reading",
    "region_mask": "raster",
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
