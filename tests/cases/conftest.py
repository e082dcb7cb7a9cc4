"""What the tests of the cases share: every case of the library, opened once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest

from clerkship_cases import Case, list_cases, open_case

CASE_IDS = [record.id for record in list_cases()]


@pytest.fixture(scope="session")
def opened() -> Callable[[str], Case]:
    """Open a case once for the whole session: volumes are read-only."""
    return lru_cache(maxsize=None)(open_case)


@pytest.fixture(params=CASE_IDS)
def case(request: pytest.FixtureRequest, opened: Callable[[str], Case]) -> Case:
    """Every case of the library in turn."""
    return opened(request.param)
