"""What every test may use: real data, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]

# WebGL2 without a GPU, and a browser that phones nowhere.
CHROMIUM_FLAGS = [
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real, licensed series that are too large for the repository."""
    folder = Path(os.environ.get("CLERKSHIP_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "SHA256SUMS").is_file():
        pytest.skip(
            "real test series not found: set CLERKSHIP_TEST_DATA to the folder that holds them"
        )
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Find Chromium; CI must have one, elsewhere its absence skips the test."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("CI must test in a browser, and no chromium is installed")
    pytest.skip("no chromium found: install it to run the browser tests")


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One headless Chromium with software WebGL for the whole session."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a fresh profile that fails the test when it reaches outside this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    new_page = context.new_page()
    outside: set[str] = set()

    def note(request: Any) -> None:
        if not request.url.startswith(
            ("data:", "blob:", "about:", "http://127.0.0.1", "http://localhost", "ws://127.0.0.1")
        ):
            outside.add(request.url)

    new_page.on("request", note)
    yield new_page
    context.close()
    # Voila 0.5 names one style sheet on a CDN in every page; offline it fails harmlessly.
    assert {url for url in outside if "fontawesome" not in url} == set()
