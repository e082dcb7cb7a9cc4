"""One house for all journeys: started as a person starts it, stopped as a person stops it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from house import SLOW_MS, House, start, stop
from playwright.sync_api import expect

expect.set_options(timeout=SLOW_MS / 3)


@pytest.fixture(scope="session")
def house(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Whatever `./clerkship up` makes of an empty home."""
    assert chromium_path
    process, running = start(tmp_path_factory.mktemp("journey") / "home")
    yield running
    assert stop(process) == 0
