"""No process is left behind, however we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clerkship_hub import home
from clerkship_hub.errors import HubError
from clerkship_hub.settings import Settings, clean_environment
from clerkship_hub.supervise import LOG_KEPT_BYTES, Parts

LeftBehind = Callable[[str, float], list[str]]

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc and prctl")

# A part that ignores SIGTERM and leaves a grandchild in a session of its own, as a kernel may.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["/bin/sleep", "987654"], start_new_session=True)
time.sleep(987654)
"""

FAMILY = """
import sys
from collections.abc import Callable
from pathlib import Path
from clerkship_hub.settings import Settings, clean_environment
from clerkship_hub import supervise
supervise.ORDERLY_END_S = 0.5
settings = Settings(home=Path(sys.argv[1]))

def work():
    with supervise.Parts(settings) as parts:
        parts.start("stubborn", [sys.executable, "-c", sys.argv[2]],
                    environment=clean_environment({"FAMILY": sys.argv[1]}), folder=settings.home)
        (settings.home / "started").touch()
        parts.watch()

sys.exit(supervise.guarded(work))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home")
    home.prepare(made)
    return made


def start_family(settings: Settings) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", FAMILY, str(settings.home), STUBBORN])
    deadline = time.monotonic() + 30
    while not (settings.home / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # the grandchild starts as well
    return process


@linux
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_takes_everybody_along(
    settings: Settings, left_behind: LeftBehind, number: int
) -> None:
    process = start_family(settings)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert left_behind(str(settings.home), 1) == []


@linux
@pytest.mark.slow
def test_killed_outright_it_takes_everybody_along(
    settings: Settings, left_behind: LeftBehind
) -> None:
    process = start_family(settings)
    process.kill()
    process.wait(5)
    assert left_behind(str(settings.home), 10) == []


@linux
@pytest.mark.slow
def test_killed_in_its_inner_half_it_takes_everybody_along(
    settings: Settings, left_behind: LeftBehind
) -> None:
    process = start_family(settings)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert process.wait(10) == 128 + signal.SIGKILL
    assert left_behind(str(settings.home), 1) == []


def start_part(parts: Parts, settings: Settings, command: list[str]) -> None:
    environment = clean_environment({})
    parts.start("part", command, environment=environment, folder=settings.home)


def test_a_part_that_dies_is_named_with_its_last_line_and_log(settings: Settings) -> None:
    with Parts(settings) as parts:
        start_part(parts, settings, ["/bin/sh", "-c", "echo first; echo no more room; exit 3"])
        with pytest.raises(HubError) as caught:
            parts.watch()
    said = str(caught.value)
    assert "The part ended with exit code 3" in said
    assert "no more room" in said
    assert str(settings.log("part")) in said


def test_a_part_inherits_nothing_that_is_not_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "1")
    with Parts(settings) as parts:
        start_part(parts, settings, ["/usr/bin/env"])
        parts._parts[0].process.wait(10)
    assert "SECRET_OF_THE_CALLER" not in settings.log("part").read_text()


def test_a_long_log_starts_anew_and_the_old_one_is_kept(settings: Settings) -> None:
    settings.log("part").write_bytes(b"x" * (LOG_KEPT_BYTES + 1))
    with Parts(settings) as parts:
        start_part(parts, settings, ["/bin/echo", "new"])
        parts._parts[0].process.wait(10)
    assert settings.log("part").read_text().strip() == "new"
    assert (settings.logs / "part.old.log").stat().st_size > LOG_KEPT_BYTES
