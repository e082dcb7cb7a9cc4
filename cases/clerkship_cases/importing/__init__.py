"""Bring a study into the library: look into its source, take out who the patient is, store it whole.

Examples
--------
>>> from clerkship_cases.importing import CaseDraft, add_study, scan
>>> for series in scan("/media/cdrom").images:  # doctest: +SKIP
...     print(series)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerkship_cases.importing.adding import AddedCase, add_study
    from clerkship_cases.importing.address import remote_source
    from clerkship_cases.importing.draft import CaseDraft
    from clerkship_cases.importing.found import FoundSeries, FoundStudy, Scan
    from clerkship_cases.importing.gathering import Skipped
    from clerkship_cases.importing.limits import Limits
    from clerkship_cases.importing.scanning import scan

__all__ = [
    "AddedCase",
    "CaseDraft",
    "FoundSeries",
    "FoundStudy",
    "Limits",
    "Scan",
    "Skipped",
    "add_study",
    "remote_source",
    "scan",
]

_HOME = {
    "AddedCase": "adding",
    "CaseDraft": "draft",
    "FoundSeries": "found",
    "FoundStudy": "found",
    "Limits": "limits",
    "Scan": "found",
    "Skipped": "gathering",
    "add_study": "adding",
    "remote_source": "address",
    "scan": "scanning",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
