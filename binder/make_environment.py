#!/usr/bin/env python3
"""Writes environment.yml and binder/environment.yml from pyproject.toml.

    binder/make_environment.py            write both files
    binder/make_environment.py --check    exit 1 if either is out of date

One truth: names and version ranges stand in pyproject.toml only.  The standard
library is enough to run this.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (ROOT / "environment.yml", ROOT / "binder" / "environment.yml")

HEADER = """\
# Generated from pyproject.toml by binder/make_environment.py: do not edit.
#
#   conda env create -f environment.yml
#   conda activate clerkship
#   pip install --no-deps -e .
#
# The last line installs Clerkship itself.  It is not listed below because the path of "-e ." would
# be read from this file's folder, and an identical copy lives in binder/ (where Binder looks).
"""


class EnvironmentFileError(Exception):
    """pyproject.toml lacks something that the environment needs."""


def oldest_python(requires_python: str) -> str:
    """Return the oldest Python that a `requires-python` allows, for example `3.11`.

    It is also the one that the tests run on.  Binder reads the version only from
    one written with `=`, and takes its own default otherwise.

    Raises
    ------
    EnvironmentFileError
        If there is no lower bound of the form `>=3.11`.
    """
    lower = re.search(r">=\s*(3\.\d+)", requires_python)
    if not lower:
        raise EnvironmentFileError(
            f"requires-python is {requires_python!r}; it needs a lower bound such as >=3.11."
        )
    return lower[1]


def environment_yaml(project: dict[str, object]) -> str:
    """Return the text of environment.yml.

    Parameters
    ----------
    project : dict
        The `[project]` table of pyproject.toml.

    Returns
    -------
    str
        A conda environment: Python and pip from conda-forge, everything else from
        pip, because only there are all of the packages to be had.
    """
    dependencies = project["dependencies"]
    if not isinstance(dependencies, list) or not dependencies:
        raise EnvironmentFileError("pyproject.toml lists no dependencies.")
    lines = [
        f"name: {project['name']}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python={oldest_python(str(project['requires-python']))}",
        "  - pip",
        "  - pip:",
        *(f'      - "{requirement}"' for requirement in dependencies),
    ]
    return HEADER + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write both files, or check them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        text = environment_yaml(tomllib.load(file)["project"])
    if arguments == ["--check"]:
        stale = [path for path in TARGETS if not path.is_file() or path.read_text("utf-8") != text]
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: run binder/make_environment.py")
        return 1 if stale else 0
    if arguments:
        print(__doc__)
        return 2
    for path in TARGETS:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
