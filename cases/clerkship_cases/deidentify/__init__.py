"""De-identification: PS3.15 Annex E by allow-list, and a second look at what came out.

Examples
--------
>>> from pathlib import Path
>>> from clerkship_cases.deidentify import Options, deidentify_files
>>> report = deidentify_files([], Path("out"))  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerkship_cases.deidentify.mapping import read_mapping
    from clerkship_cases.deidentify.options import Options
    from clerkship_cases.deidentify.report import CleanedFile, Refusal, Report
    from clerkship_cases.deidentify.run import deidentify_files
    from clerkship_cases.deidentify.verify import verify_file

__all__ = [
    "CleanedFile",
    "Options",
    "Refusal",
    "Report",
    "deidentify_files",
    "read_mapping",
    "verify_file",
]

_HOME = {
    "CleanedFile": "report",
    "Options": "options",
    "Refusal": "report",
    "Report": "report",
    "deidentify_files": "run",
    "read_mapping": "mapping",
    "verify_file": "verify",
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
