#!/usr/bin/env python3
"""Puts the self-study edition of every course where a Binder visitor finds it.

    binder/make_visit.py [FOLDER]     default: courses-to-try, in the current folder

Only what self-study pages need is copied: no keys, no solutions, no instructor notes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from clerkship_courses import CourseError, build_course

ROOT = Path(__file__).resolve().parent.parent


def make_visit(target: Path) -> list[Path]:
    """Build all courses and copy their self-study modules.

    Returns
    -------
    list of Path
        The notebooks.
    """
    notebooks = []
    for source in sorted(path.parent for path in (ROOT / "courses").glob("*/course.yml")):
        with tempfile.TemporaryDirectory() as name:
            built = build_course(source, Path(name))
            for module in built.modules:
                folder = target / built.id / module.slug
                shutil.copytree(module.app_notebook.parent, folder, dirs_exist_ok=True)
                notebooks.append(folder / module.app_notebook.name)
    return notebooks


if __name__ == "__main__":
    try:
        for made in make_visit(Path(sys.argv[1] if len(sys.argv) > 1 else "courses-to-try")):
            print(made)
    except CourseError as error:
        sys.exit(str(error))
