"""What a benchmark hands over, and how it is shown: a table, and JSON."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any


class BenchmarkError(Exception):
    """A benchmark could not be run; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Row:
    """One figure of ours beside the same figure of a peer; less is better.

    Attributes
    ----------
    what, unit : str
        What was measured.
    ours, peer_value : tuple of float
        Every run, in the order in which they were made.
    peer : str
        Name and version of the peer.
    """

    what: str
    unit: str
    ours: tuple[float, ...]
    peer: str
    peer_value: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Peer / ours, of the medians: above 1 means that ours is better."""
        return statistics.median(self.peer_value) / statistics.median(self.ours)

    def as_json(self) -> dict[str, Any]:
        """Medians and their ratio, with the number of runs and the spread."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": round(statistics.median(self.ours), 4),
            "peer": self.peer,
            "peer_value": round(statistics.median(self.peer_value), 4),
            "ratio": round(self.ratio, 3),
            "runs": len(self.ours),
            "ours_range": [round(min(self.ours), 4), round(max(self.ours), 4)],
            "peer_range": [round(min(self.peer_value), 4), round(max(self.peer_value), 4)],
        }


@dataclass(frozen=True)
class Options:
    """How much to measure; the defaults are what a published figure needs."""

    runs: int = 5
    submissions: int = 20


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table for a terminal."""
    head = ("what", "unit", "ours", "peer's", "ratio", "peer")
    body = [
        (
            row.what,
            row.unit,
            _figure(row.ours),
            _figure(row.peer_value),
            f"{row.ratio:.2f}",
            row.peer,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    lines = []
    for line in (head, tuple("-" * width for width in widths), *body):
        cells = [
            text.rjust(width) if 2 <= column <= 4 else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def machine(packages: Iterable[str]) -> str:
    """Return one line on the machine and the versions that were measured."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory_gib():.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}; {versions}"
    )


def _figure(runs: Sequence[float]) -> str:
    return f"{statistics.median(runs):.2f} ({min(runs):.2f}–{max(runs):.2f})"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
