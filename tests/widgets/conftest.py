"""A Jupyter server for browser tests, and cases that are added for a test only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import yaml

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_MS = 60_000


@dataclass
class Site:
    """A Jupyter server with Notebook 7 and Voila, behind a hub's kind of address."""

    url: str
    folder: Path

    def api(self, path: str, method: str = "GET") -> Any:
        with urlopen(Request(f"{self.url}api/{path}", method=method), timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def notebook(self, name: str, *cells: str) -> str:
        """Write a notebook; give its address in Notebook 7."""
        import nbformat

        kernel = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        }
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel
        )
        nbformat.write(made, self.folder / f"{name}.ipynb")
        return f"{self.url}notebooks/{name}.ipynb"

    def shut_down_kernels(self) -> None:
        """End what earlier tests left running: two cores are few."""
        for kernel in self.api("kernels"):
            self.api(f"kernels/{kernel['id']}", "DELETE")

    def open_and_run(self, page: Page, address: str) -> None:
        """Open a notebook and run its first cell."""
        page.goto(address)
        page.wait_for_selector(
            ".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=PATIENCE_MS
        )
        self.run_cell(page, 0)

    def run_cell(self, page: Page, place: int) -> None:
        """Run a cell as a person does, who presses again when nothing happens.

        The page says "idle" a moment before it is connected to the kernel; what is run then is lost.
        """
        prompt = page.locator(".jp-InputPrompt").nth(place)
        for _ in range(12):
            page.locator(".jp-Cell .cm-content").nth(place).click()
            page.keyboard.press("Shift+Enter")
            for _ in range(10):
                if prompt.inner_text().strip() not in ("", "[ ]:"):
                    return
                page.wait_for_timeout(500)
        raise AssertionError(f"cell {place} did not run")


class AddCase(Protocol):
    """Adds a case to a library of the test's own."""

    def __call__(
        self, case_id: str, files: Iterable[Path], *, modality: str, **fields: Any
    ) -> None: ...


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Start servers; they end with the session. ``serve(folder, **environment)``."""
    with ExitStack() as running:

        def start(work: Path, **environment: str) -> Site:
            private = tmp_path_factory.mktemp("server")
            return running.enter_context(_serving(work, private, environment))

        yield start


@contextmanager
def _serving(work: Path, private: Path, environment: dict[str, str]) -> Iterator[Site]:
    from clerkship_widgets.serve import install_static

    install_static(private / "prefix")  # this checkout's engine, not one installed earlier
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = Site(f"http://127.0.0.1:{port}/user/alice/", work)
    folders = {
        f"JUPYTER_{name}_DIR": str(private / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    options = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.base_url=/user/alice/",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={work}",
        "--ServerApp.jpserver_extensions={'jupyterlab': True, 'notebook': True, 'voila.server_extension': True}",
    ]
    paths = {"JUPYTER_PATH": str(private / "prefix/share/jupyter")}
    with (private / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options],
            env=os.environ | folders | paths | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: _answers(site.url + "api"), 60, f"the server of {log.name} to answer")
        yield site
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def wait_until(true: Callable[[], object], patience_s: float, what: str) -> None:
    """Wait for something that happens elsewhere."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, f"waited {patience_s:.0f} s for {what}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def added_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``CLERKSHIP_LIBRARY``."""
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="session")
def add_case(added_library: Path) -> AddCase:
    """Add a case of DICOM files, copied and listed with sha256, as an import leaves it."""

    def add(case_id: str, files: Iterable[Path], *, modality: str, **fields: Any) -> None:
        folder = added_library / "cases" / case_id
        (folder / "images").mkdir(parents=True)
        lines = ["path\tsha256\tbytes"]
        for file in files:
            shutil.copyfile(file, folder / "images" / file.name)
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            lines.append(f"images/{file.name}\t{digest}\t{file.stat().st_size}")
        (folder / "files.tsv").write_text("\n".join(lines) + "\n")
        record = {
            "id": case_id,
            "title": case_id.replace("-", " ").capitalize(),
            "modality": modality,
            "body_part": "not said",
            "view": "as it was acquired",
            "history": "No history comes with these images.",
            "objectives": ["Open it"],
            "difficulty": "introductory",
            "licence": "for tests only",
            "attribution": "a file of pydicom",
            "said_by": "metadata",
            "source": {"kind": "folder", "format": "dicom"},
        }
        (folder / "case.yml").write_text(yaml.safe_dump(record | fields, sort_keys=False))

    return add
