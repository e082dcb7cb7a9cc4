#!/usr/bin/env python3
"""Measures Clerkship beside its peers, in the same run and on the same machine.

    ./clerkship bench                     all benchmarks
    ./clerkship bench viewer              one of them
    ./clerkship bench viewer --json FILE  and its figures as JSON

Every figure is a median; ratio = peer / ours, so above 1 means that ours is better.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from report import BenchmarkError, Options, machine, table  # noqa: E402

MEDIAN_OF = 5
"""Fewer runs make no figure to publish; `--runs` allows it for a trial, and the output says so."""


def names() -> list[str]:
    """Return the benchmarks: every folder here with a `benchmark.py`."""
    return sorted(path.parent.name for path in HERE.glob("*/benchmark.py"))


def measure(name: str, options: Options) -> dict[str, Any]:
    """Run one benchmark, print its table, and return its JSON."""
    benchmark = import_module(f"{name}.benchmark")
    print(f"{name}: {benchmark.WHAT}\n", flush=True)
    rows = benchmark.measure(options)
    line = machine(benchmark.PACKAGES)
    print(table(rows))
    print("\nmedian (least–most) of", len(rows[0].ours), "runs each, alternating;", end=" ")
    print("ratio = peer / ours, above 1 means that ours is better")
    if len(rows[0].ours) < MEDIAN_OF:
        print(f"a trial with fewer than {MEDIAN_OF} runs: not a figure to publish")
    print(f"on {line}\n", flush=True)
    return {"name": name, "rows": [row.as_json() for row in rows], "machine": line}


def main(arguments: list[str]) -> int:
    """Read the command line, run, report."""
    parser = argparse.ArgumentParser(
        prog="clerkship bench", description="Measure this machine against peers."
    )
    parser.add_argument("name", nargs="?", choices=names(), help="which; all if left out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--runs", type=int, default=MEDIAN_OF, help="runs of each side (5)")
    parser.add_argument("--submissions", type=int, default=20, help="size of the class (20)")
    given = parser.parse_args(arguments)
    if given.runs < 1 or given.submissions < 1:
        parser.error("--runs and --submissions start at 1")
    options = Options(runs=given.runs, submissions=given.submissions)
    try:
        results = [measure(name, options) for name in ([given.name] if given.name else names())]
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        content = results[0] if given.name else results
        given.json.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
