"""One timed run of one tool in a process of its own: `python timed.py TOOL LIST OUT`.

LIST holds the paths of the input files, one on a line. Prints as JSON how long the work took, from the call to
its return with the libraries imported, and how many files were written.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deidentify.tools import PEERS, ours

TOOLS = {"clerkship": ours, **PEERS}
LIBRARIES = {"clerkship": "clerkship_cases.deidentify.run", "dicognito": "dicognito.anonymizer"}
"""Imported before the clock starts. What a tool imports later, while it works, counts as its work."""


def main(tool: str, listed: str, out: str) -> None:
    """Run the tool and print the figures."""
    warnings.simplefilter("ignore")
    import_module(LIBRARIES[tool])
    files = [Path(line) for line in Path(listed).read_text(encoding="utf-8").splitlines()]
    start = time.perf_counter()
    written = TOOLS[tool](files, Path(out))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "written": len(written)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
