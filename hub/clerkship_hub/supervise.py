"""Start processes, notice when one dies, and leave none behind, however we end ourselves.

Three nets, one below the other:

1. An orderly end: each part gets SIGTERM, a few seconds, then SIGKILL.
2. The kernel hands us every orphan of our family (Linux: "child subreaper"), so that what
   a part left behind, a Jupyter kernel for instance, is found and ended as well.
3. The work runs in a child of the process that the person started.  If that one is killed
   outright, the child is told by the kernel and ends in order; if the child is killed, the
   parent finds what is left and ends it.

Source: Linux prctl(2), PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from clerkship_hub import confine
from clerkship_hub.errors import HubError
from clerkship_hub.settings import Settings

PR_SET_CHILD_SUBREAPER = 36
ORDERLY_END_S = 12.0
"""How long a part may take to end by itself; the hub gives a student's server 5 s of it."""

LOG_KEPT_BYTES = 5_000_000
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to stop; passes through everything that only expects errors."""


# -- the family of processes -------------------------------------------------------------


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents() -> dict[int, int]:
    """Return the parent of every process: {pid: parent pid}; empty where there is no /proc."""
    found: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # "pid (name) state ppid …"; the name may hold anything, brackets and blanks too
            found[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    return found


def descendants(ancestor: int) -> list[int]:
    """Return all living descendants of a process, youngest generation last."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        generation = [pid for parent in waiting for pid in children.get(parent, [])]
        found += generation
        waiting = generation
    return found


def sweep() -> None:
    """End every descendant of this process, at once, until none is left."""
    for _ in range(50):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        left = descendants(os.getpid())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def guarded(work: Callable[[], int]) -> int:
    """Run `work` in a child process and see to it that nothing of it outlives this call.

    Ctrl-C, SIGTERM and a closed terminal ask the child to stop in order; the second time
    everything is killed.

    Returns
    -------
    code : int
        The exit code that `work` returned; 128 + signal number if it was killed.
    """
    adopt_orphans()
    sys.stdout.flush()
    sys.stderr.flush()
    asked = 0
    worker = os.fork()
    if worker == 0:
        _work_and_exit(work)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGTERM if asked == 1 else signal.SIGKILL)

    before = {number: signal.signal(number, pass_on) for number in STOP_SIGNALS}
    try:
        _, status = os.waitpid(worker, 0)
    finally:
        sweep()
        for number, handler in before.items():
            signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _work_and_exit(work: Callable[[], int]) -> None:
    """Be the child of `guarded`: never returns."""
    code = 70  # EX_SOFTWARE
    try:
        os.setsid()  # the terminal's Ctrl-C goes to the parent alone, so that it arrives once
        for number in STOP_SIGNALS:
            signal.signal(number, _raise_stopped)
        confine.end_with_parent(signal.SIGTERM)
        adopt_orphans()
        code = work()
    except Stopped:
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # a fork must not run on into the parent's code
        traceback.print_exc()
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        sweep()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # we are stopping already
    raise Stopped


# -- the parts that we start --------------------------------------------------------------


@dataclass
class Part:
    """One started process and the file that it writes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """Return the last line that the process wrote, for an error message."""
        with contextlib.suppress(OSError):
            lines = [
                line for line in self.log.read_text(errors="replace").splitlines() if line.strip()
            ]
            if lines:
                return lines[-1].strip()[:300]
        return "(it wrote nothing)"


class Parts:
    """The processes that make up a running Clerkship; ends them when its block is left."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: list[Part] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        allowance: confine.Allowance | None = None,
    ) -> Part:
        """Start a part in a process group of its own, its output going to a log file.

        Parameters
        ----------
        name : str
            Name of the part and of its log.
        command : sequence of str
            Program, by its full path, and arguments.
        environment : mapping
            The whole environment; nothing of ours is passed on.
        folder : Path
            Where it runs.
        allowance : Allowance, optional
            The files that it may reach; all if absent.
        """
        log = self._settings.log(name)
        if log.exists() and log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".old.log"))
        with log.open("ab") as output:
            process = subprocess.Popen(
                confined(command, allowance),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
            )
        part = Part(name, process, log)
        self._parts.append(part)
        return part

    def check(self) -> None:
        """Raise if a part has ended.

        Raises
        ------
        HubError
            Naming the part, its last line and its log.
        """
        for part in self._parts:
            if (code := part.process.poll()) is not None:
                raise HubError(
                    f"The {part.name} ended with exit code {code}. Its last line was: "
                    f"{part.last_words()} — the rest is in {part.log}."
                )

    def watch(self) -> None:
        """Wait until a part ends, which is an error, or until we are told to stop."""
        while True:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        """End all parts in reverse order, politely first."""
        for part in reversed(self._parts):
            if part.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    part.process.terminate()
        deadline = time.monotonic() + ORDERLY_END_S
        for part in reversed(self._parts):
            try:
                part.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(part.process.pid, signal.SIGKILL)
                part.process.wait()
        self._parts.clear()

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.stop()


def confined(command: Sequence[str], allowance: confine.Allowance | None) -> list[str]:
    """Return the command that runs `command` confined, and ends it when its parent ends."""
    wrapper = [sys.executable, "-IS", str(Path(confine.__file__))]
    limits = ["--everything"] if allowance is None else allowance.arguments()
    return [*wrapper, *limits, "--", *command]
