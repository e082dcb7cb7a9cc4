"""What the tests of the cases share: every case whose images need no network, opened once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import pytest

from clerkship_cases import Case, CaseRecord, list_cases, open_case
from clerkship_cases.sources.kinds import FolderSource

sys.path.insert(0, str(Path(__file__).parent))

CASE_IDS = [record.id for record in list_cases() if record.source.kind == "package"]


@pytest.fixture(scope="session")
def opened() -> Callable[[str], Case]:
    """Open a case once for the whole session: volumes are read-only."""
    return lru_cache(maxsize=None)(open_case)


@pytest.fixture(scope="session")
def case_of_files() -> Callable[..., Case]:
    """Make a case of real files where they lie, without a record on disk."""

    def make(case_id: str, files: Iterable[Path], modality: str = "CT") -> Case:
        record = CaseRecord(
            id=case_id,
            title="A series for tests",
            modality=modality,
            body_part="as in the files",
            view="as in the files",
            history="none",
            objectives=("Read what other programs wrote",),
            difficulty="introductory",
            licence="see the files",
            attribution="see the files",
            said_by="metadata",
            source=FolderSource(kind="folder"),
        )
        made = Case(record, Path())
        vars(made)["files"] = tuple(files)  # what the cached property would hold
        return made

    return make


HEAVY = {"heart-us-cine"}
"""Cases that take more than a second to open."""


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in CASE_IDS
    ]
)
def case(request: pytest.FixtureRequest, opened: Callable[[str], Case]) -> Case:
    """Every case whose images an installed package ships, in turn."""
    return opened(request.param)
