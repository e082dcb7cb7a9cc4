"""A running Clerkship with a tiny course, shared by all tests that need one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clerkship_hub.session import Visitor
from clerkship_hub.settings import Settings, free_ports

TINY = Path(__file__).parent
"""Holds one course, `tiny-course`, that needs no case."""

START_S = 240


def processes_naming(text: str) -> list[str]:
    """Return the command lines of all living processes that mention a text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if text in line or text in environment:
            found.append(f"{entry.name}: {line}")
    return found


def wait_until_gone(text: str, seconds: float) -> list[str]:
    """Wait until no process mentions a text; return those that still do."""
    deadline = time.monotonic() + seconds
    while (left := processes_naming(text)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


@dataclass
class Running:
    """A Clerkship that was started with its command, as a person does."""

    process: subprocess.Popen[str]
    home: Path
    port: int

    @property
    def settings(self) -> Settings:
        return Settings.load(self.home / "state" / "settings.json")

    def visitor(self, name: str) -> Visitor:
        """Return a browser that has signed in."""
        passwords = json.loads((self.home / "state" / "passwords.json").read_text())
        visitor = Visitor(f"http://127.0.0.1:{self.port}/", name, passwords[name])
        visitor.sign_in()
        return visitor

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it and return its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        code = self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()
        return code


def start(home: Path) -> Running:
    """Run `clerkship up` and wait until it says that it is ready."""
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "clerkship_hub", "up", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--home", str(home), "--courses", str(TINY)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    said = []
    assert process.stdout
    deadline = time.monotonic() + START_S
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C stops it" in line:
            return Running(process, home, port)
        assert time.monotonic() < deadline, "".join(said)
    pytest.fail("clerkship up ended at start:\n" + "".join(said))


@pytest.fixture(scope="session")
def left_behind() -> Callable[[str, float], list[str]]:
    """Give tests a look at what still runs: (text in its command or environment, seconds)."""
    return wait_until_gone


@pytest.fixture
def start_clerkship() -> Iterator[Callable[[Path], Running]]:
    """Give tests a Clerkship of their own, to be stopped by them."""
    started: list[Running] = []

    def start_one(home: Path) -> Running:
        started.append(start(home))
        return started[-1]

    yield start_one
    for running in started:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def clerkship(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One running Clerkship for the whole session."""
    running = start(tmp_path_factory.mktemp("clerkship") / "home")
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGTERM)
    assert wait_until_gone(str(running.home), 20) == []
