"""How long a class's code tasks take to grade: our configuration against nbgrader as it comes."""

from __future__ import annotations

import resource
import tempfile
import time
from importlib import metadata
from pathlib import Path

from autograde.classroom import MODULE, make_classroom, nbgrader, points, reset
from report import BenchmarkError, Options, Row

WHAT = f"`nbgrader autograde` of the code tasks of {MODULE}"
PACKAGES = ("clerkship", "nbgrader", "nbclient", "ipykernel")


def measure(options: Options) -> list[Row]:
    """Grade the same class with both, in turn, as often as asked.

    Returns
    -------
    list of Row
        Wall time, and processor time of all processes, of the whole command.

    Raises
    ------
    BenchmarkError
        If the two do not give every student the same points: then there is nothing to compare.
    """
    wall: dict[str, list[float]] = {"ours": [], "stock": []}
    cpu: dict[str, list[float]] = {"ours": [], "stock": []}
    with tempfile.TemporaryDirectory(prefix="clerkship-bench-") as name:
        roots = make_classroom(Path(name), options.submissions)
        for run in range(options.runs):
            # Each goes first every other time, so that neither always finds a warm disk.
            sides = ("ours", "stock") if run % 2 == 0 else ("stock", "ours")
            for side in sides:
                reset(roots[side])
                before, start = _children_cpu_s(), time.perf_counter()
                nbgrader(roots[side], "autograde", MODULE)
                wall[side].append(time.perf_counter() - start)
                cpu[side].append(_children_cpu_s() - before)
            _compare(points(roots["ours"]), points(roots["stock"]), options.submissions)
    peer = f"nbgrader {metadata.version('nbgrader')}, stock"
    what = f"autograde of {options.submissions} submissions"
    return [
        Row(what, "s", tuple(wall["ours"]), peer, tuple(wall["stock"])),
        Row(f"{what}, processor", "s", tuple(cpu["ours"]), peer, tuple(cpu["stock"])),
    ]


def _compare(ours: dict[str, float], stock: dict[str, float], submissions: int) -> None:
    if ours != stock or len(ours) != submissions:
        different = sorted(name for name in ours | stock if ours.get(name) != stock.get(name))
        raise BenchmarkError(
            f"{len(ours)} of ours and {len(stock)} of stock were graded, of {submissions}; "
            f"points differ for {', '.join(different[:5]) or 'nobody'}. Grade a class by hand with "
            f"both and find out why before any time is compared."
        )


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
