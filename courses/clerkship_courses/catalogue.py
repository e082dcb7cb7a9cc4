"""Which cases a module may show, and which findings it may ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clerkship_courses.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clerkship_cases import CaseRecord

__all__ = ["Catalogue", "library_catalogue"]


@dataclass(frozen=True)
class Catalogue:
    """Public records of the cases, and a way to the keys of one (teacher's side only).

    Attributes
    ----------
    records : dict
        Case id -> public record.
    find_findings : callable
        Case id -> names of the findings in its key.
    """

    records: Mapping[str, CaseRecord]
    find_findings: Callable[[str], tuple[str, ...]] = field(repr=False)


def library_catalogue() -> Catalogue:
    """Return the catalogue of the installed case library."""
    from clerkship_cases import list_cases

    return Catalogue({record.id: record for record in list_cases()}, _findings_in_key)


def _findings_in_key(case_id: str) -> tuple[str, ...]:
    from clerkship_cases import CaseError
    from clerkship_cases.key import open_key

    try:
        key: Any = open_key(case_id)
    except CaseError as failure:
        raise CourseError(f"the key of case '{case_id}' cannot be read: {failure}") from failure
    return tuple(dict.fromkeys(finding.name for finding in key.findings))
