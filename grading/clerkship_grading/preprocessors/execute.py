"""Run a student's code for grading: only what needs running, in a clean environment.

A cell that hangs, or takes its kernel down, costs that cell. The kernel is replaced, the answers
before it are run again, and grading goes on; a submission is never lost.

This is hygiene, not isolation: the kernel runs under the grader's account (see grading/README.md).
"""

from __future__ import annotations

import copy
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader.preprocessors import Execute
from traitlets import Integer, List, Unicode

from ..cells import WIDGET_KINDS, Cell, is_test, kind_of, new_output

KEPT_ENVIRONMENT = (
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "NBGRADER_EXECUTION", "SSL_CERT_FILE", "CLERKSHIP_CACHE", "CLERKSHIP_LIBRARY",
)  # fmt: skip
"""What a kernel needs to start and to open a case. Everything else (hub tokens, the place of the keys) stays out."""

SAFE_OUTPUT_TYPES = ("text/plain", "image/png", "image/jpeg")
"""Output of student code that graders see. HTML and scripts would run with their rights."""

MAX_OUTPUT_CHARS = 2_000_000
"""Per cell; a plot is about 50 000."""
MAX_RESTARTS = 3
"""Kernels that one submission may use up after its first."""


def clean_environment(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Environment for a kernel that runs a student's code.

    Parameters
    ----------
    environment : mapping
        The grader's environment.
    home : Path
        An empty folder that stands in for the grader's home.

    Returns
    -------
    dict
        A few harmless variables; one thread per numerical library, as many kernels share a machine.
    """
    kept = {name: environment[name] for name in KEPT_ENVIRONMENT if name in environment}
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def needs_running(cell: Cell) -> bool:
    """Whether a cell holds code that must run to grade the notebook."""
    return (
        cell.get("cell_type") == "code"
        and bool(cell["source"].strip())
        and kind_of(cell) not in WIDGET_KINDS
    )


def plain_outputs(outputs: list[Any]) -> list[Any]:
    """Drop anything that a browser would execute from outputs, and bound their size."""
    kept: list[Any] = []
    size = 0
    for output in outputs:
        if "data" in output:
            data = {k: v for k, v in output["data"].items() if k in SAFE_OUTPUT_TYPES}
            output["data"], output["metadata"] = data, {}
            if not data:
                continue
        size += len(str(output))
        if size > MAX_OUTPUT_CHARS:
            kept.append(new_output("stream", name="stdout", text="[output cut here]\n"))
            break
        kept.append(output)
    return kept


@contextmanager
def scratch_copy(folder: Path) -> Generator[Path]:
    """Copy a submission to a temporary folder, without notebooks and links.

    The notebook holds the hidden tests by now; and what the code writes must not reach the answers.
    """
    with tempfile.TemporaryDirectory(prefix="clerkship-grading-") as name:
        work = Path(name) / "work"

        def left_out(directory: str, names: list[str]) -> set[str]:
            return {n for n in names if n.endswith(".ipynb") or Path(directory, n).is_symlink()}

        shutil.copytree(folder, work, ignore=left_out)
        work.chmod(0o700)
        (Path(name) / "home").mkdir()
        yield work


class ExecuteAnswers(Execute):  # type: ignore[misc]
    """nbgrader's Execute, made for untrusted, partly broken notebooks."""

    total_timeout = Integer(
        300, help="Seconds that all cells of one submission may take together."
    ).tag(config=True)
    memory_mb = Integer(
        4096, help="Address space that one kernel may take, in MB; 0 for no limit."
    ).tag(config=True)
    keep_environment = List(
        Unicode(), help="Names of further environment variables that student code may see."
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any, km: Any = None) -> tuple[Any, Any]:
        """Run the cells that need running; a notebook without any starts no kernel."""
        to_run = [i for i, cell in enumerate(nb.cells) if needs_running(cell)]
        if not to_run:
            return nb, resources
        # nbclient keeps its state per notebook and is set up anew for each, as nbconvert does it.
        NotebookClient.__init__(self, nb, km)
        self.reset_execution_trackers()
        self.resources = resources
        self.store_widget_state = False
        self.shutdown_kernel = "immediate"
        with scratch_copy(Path(resources["metadata"]["path"])) as work:
            kept = {name: os.environ[name] for name in self.keep_environment if name in os.environ}
            self._kernel_arguments: dict[str, Any] = {
                "cwd": str(work),
                "env": clean_environment(os.environ, work.parent / "home") | kept,
            }
            if self.memory_mb:
                self._kernel_arguments["preexec_fn"] = partial(limit_memory, self.memory_mb << 20)
            try:
                with self.setup_kernel(**self._kernel_arguments):
                    self._run(nb, to_run)
            except (DeadKernelError, RuntimeError) as exc:
                self.log.warning("The kernel could not be started or restarted: %s", exc)
                _fail_the_rest(nb, to_run)
        for i in to_run:
            nb.cells[i].outputs = plain_outputs(nb.cells[i].outputs)
        return nb, resources

    def create_kernel_manager(self) -> Any:
        """Use sockets in the scratch folder: no open port, and a path short enough for them."""
        manager = super().create_kernel_manager()
        manager.transport = "ipc"
        work = Path(str(self._kernel_arguments["cwd"]))
        manager.connection_file = str(work.parent / f"kernel-{time.monotonic_ns()}.json")
        return manager

    def _run(self, nb: Any, to_run: list[int]) -> None:
        deadline = time.monotonic() + self.total_timeout
        done: list[int] = []
        restarts = 0
        for count, i in enumerate(to_run):
            if time.monotonic() > deadline:
                self.log.warning("The submission ran for more than %d s.", self.total_timeout)
                _fail_the_rest(nb, to_run[count:])
                return
            try:
                reason = self._run_cell(nb, i)
            except (DeadKernelError, CellTimeoutError) as exc:
                if isinstance(exc, DeadKernelError):
                    nb.cells[i].outputs = [failure("The code stopped Python itself.")]
                else:
                    nb.cells[i].outputs = [failure("The code ran too long and did not stop.")]
                if restarts == MAX_RESTARTS:
                    _fail_the_rest(nb, to_run[count + 1 :])
                    return
                restarts += 1
                self._restart(nb, done)
                continue
            if reason is None:
                done.append(i)
            else:
                nb.cells[i].outputs = [failure(reason)]

    def _run_cell(self, nb: Any, i: int) -> str | None:
        """Run one cell; the reason when it had to be interrupted. The kernel is fit afterwards."""
        nb.cells[i].outputs = []
        self.execute_cell(nb.cells[i], i, store_history=True)
        interrupted = any(o.get("ename") == "CellTimeoutError" for o in nb.cells[i].outputs)
        return f"The code ran for more than {self.timeout} s." if interrupted else None

    def _restart(self, nb: Any, done: list[int]) -> None:
        """Start another kernel and bring it to where the first one was."""
        self._cleanup_kernel()
        self.create_kernel_manager()
        self.start_new_kernel(**self._kernel_arguments)
        self.start_new_kernel_client()
        for i in done:
            first_run = nb.cells[i]
            if not is_test(first_run):
                self.execute_cell(copy.deepcopy(first_run), i, store_history=True)
                nb.cells[i] = first_run  # its outputs stay


def limit_memory(size_bytes: int) -> None:
    """Bound the memory of the process that is about to become a kernel."""
    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))


def failure(reason: str) -> Any:
    """Make the output of a cell that could not be run to its end."""
    return new_output("error", ename="NotRun", evalue=reason, traceback=[reason])


def _fail_the_rest(nb: Any, indices: list[int]) -> None:
    for i in indices:
        nb.cells[i].outputs = [failure("Not run: the code before it did not come to an end.")]
