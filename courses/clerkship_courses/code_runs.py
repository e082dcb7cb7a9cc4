"""Run a module's own code: its examples, and code answers against their tests.

This is the teacher's code, not a student's: it runs in a process of its own for the sake of a
clean start and a time limit, not for safety. Students' code is run by the grading room.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass

__all__ = ["CodeRun", "run_cells"]

LONGEST_RUN_S = 60.0

_RUNNER = """
import contextlib, io, json, sys
results = []
for cells in json.load(sys.stdin):
    names, failure = {"__name__": "__main__"}, None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for number, cell in enumerate(cells):
                exec(compile(cell, f"<cell {number}>", "exec"), names)
    except BaseException as error:
        failure = [number, type(error).__name__, str(error)]
    results.append(failure)
json.dump(results, sys.stdout)
"""


@dataclass(frozen=True)
class CodeRun:
    """How a row of cells ended: `error` is "" when all of them ran through."""

    cell: int = -1
    error: str = ""
    message: str = ""


def run_cells(rows: list[list[str]]) -> list[CodeRun]:
    """Run rows of cells, each row from a clean start, until one of its cells fails.

    Parameters
    ----------
    rows : list of list of str
        Sources of cells.

    Returns
    -------
    list of CodeRun
        One for each row. When the time limit is reached or Python itself dies, every row is
        reported as `TimeoutExpired` or `ProcessDied`.
    """
    if not rows:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", _RUNNER],
                input=json.dumps(rows),
                capture_output=True,
                text=True,
                cwd=scratch,
                timeout=LONGEST_RUN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [CodeRun(0, "TimeoutExpired", f"longer than {LONGEST_RUN_S:g} s")] * len(rows)
    if done.returncode:
        return [CodeRun(0, "ProcessDied", done.stderr.strip()[-200:])] * len(rows)
    return [CodeRun() if end is None else CodeRun(*end) for end in json.loads(done.stdout)]
