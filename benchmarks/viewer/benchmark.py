"""How long, and how many bytes, until a student sees the first slice in a Voila page."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from report import BenchmarkError, Options, Row
from viewer.browser import NoImageError, Visit, visit
from viewer.pages import CASE, write_pages

WHAT = f"first image of {CASE} in Voila, after the floor of an almost empty widget page"
PACKAGES = ("clerkship", "ipyniivue", "voila", "anywidget", "playwright")
PEER = "ipyniivue"
TRIES = 3
"""A page that shows nothing at all is a failure, not a time: it is printed, and visited again."""


def measure(options: Options) -> list[Row]:
    """Visit floor, ours and peer in turn, as often as asked.

    Returns
    -------
    list of Row
        `first image delay` (seconds after the floor's median), `bytes to first image` (over the
        websocket, both ways) and the same with what came over HTTP beyond the floor.
    """
    with tempfile.TemporaryDirectory(prefix="clerkship-bench-") as name, voila(Path(name)) as site:
        visits = _visits(site, options.runs)
    peer = f"{PEER} {metadata.version(PEER)}"
    floor_s = statistics.median(one.seconds for one in visits["floor"])
    floor_http_mb = statistics.median(one.http_mb for one in visits["floor"])
    print(f"the floor itself: {floor_s:.2f} s, {floor_http_mb:.2f} MB over HTTP\n")

    def row(what: str, unit: str, figure: object) -> Row:
        assert callable(figure)
        ours, theirs = (tuple(figure(one) for one in visits[side]) for side in ("ours", "peer"))
        return Row(what, unit, ours, peer, theirs)

    return [
        row("first image delay", "s", lambda one: max(one.seconds - floor_s, 0.01)),
        row("bytes to first image", "MB", lambda one: one.websocket_mb),
        row(
            "bytes to first image, HTTP included",
            "MB",
            lambda one: one.websocket_mb + max(one.http_mb - floor_http_mb, 0),
        ),
    ]


def _visits(site: str, runs: int) -> dict[str, list[Visit]]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise BenchmarkError("The viewer benchmark needs Chromium: install it and run again.")
    sides: dict[str, list[Visit]] = {"floor": [], "ours": [], "peer": []}
    with sync_playwright() as playwright:

        def open_page(side: str) -> Visit:
            for _ in range(TRIES):
                try:
                    return visit(playwright.chromium, chromium, f"{site}/{side}.ipynb")
                except NoImageError as error:
                    print(f"{error}; tried again, and not counted", flush=True)
            raise BenchmarkError(f"The page {side} showed no image in {TRIES} visits.")

        open_page("floor")  # warms disk caches, for all three alike
        for _ in range(runs):
            for side, seen in sides.items():
                seen.append(open_page(side))
    return sides


@contextmanager
def voila(folder: Path) -> Iterator[str]:
    """Serve the pages with Voila, and our static files as `clerkship up` installs them."""
    from clerkship_widgets.serve import install_static

    pages = folder / "pages"
    pages.mkdir()
    write_pages(pages)
    install_static(folder / "prefix")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "JUPYTER_PATH": str(folder / "prefix" / "share" / "jupyter"),
        "CLERKSHIP_SELF_STUDY": "1",
    }
    log = folder / "voila.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "voila",
                str(pages),
                "--no-browser",
                f"--port={port}",
                "--Voila.ip=127.0.0.1",
            ],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/", server, log)
        yield f"http://127.0.0.1:{port}/voila/render"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(120):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise BenchmarkError(f"Voila did not start; the end of its log:\n{log.read_text()[-1500:]}")
