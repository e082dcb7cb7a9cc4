"""nbgrader's exchange of files, with the hub's word for who the student is.

nbgrader takes the operating-system user for the student. On one laptop all students of a
demonstration share that user, so here the name comes from the hub (``JUPYTERHUB_USER``).

This is attribution, not authentication: whoever can set an environment variable can hand in under
another name. A class that grades for real gives each student an account of their own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import (
    ExchangeCollect,
    ExchangeFetchAssignment,
    ExchangeFetchFeedback,
    ExchangeList,
    ExchangeSubmit,
)

from .cells import read_notebook

MAX_NOTEBOOK_BYTES = 20_000_000
"""Larger than any notebook with its plots."""

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
"""Names that are safe in nbgrader's file names, where + and * have a meaning."""


def hub_user(environment: Mapping[str, str] | None = None) -> str | None:
    """Name of the student as the hub gives it, ``None`` outside a hub or for an unusable name."""
    name = (os.environ if environment is None else environment).get("JUPYTERHUB_USER", "")
    return name if _USER.fullmatch(name) else None


class HubIdentity:
    """Mixin for the student's side of the exchange: act as the hub's user."""

    coursedir: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = hub_user()
        if user and self.coursedir is not None and self.coursedir.student_id in {"", "*"}:
            self.coursedir.student_id = user


class HubFetchAssignment(HubIdentity, ExchangeFetchAssignment):  # type: ignore[misc]
    """Fetch a released module."""


class HubSubmit(HubIdentity, ExchangeSubmit):  # type: ignore[misc]
    """Hand in a module with its answers."""


class HubList(HubIdentity, ExchangeList):  # type: ignore[misc]
    """List what was released and what one has handed in."""


class HubFetchFeedback(HubIdentity, ExchangeFetchFeedback):  # type: ignore[misc]
    """Fetch one's own feedback.

    nbgrader looks for the feedback of everything in its cache of submissions, whoever handed it
    in; here only one's own counts, in case two students share a cache.
    """

    cache_path: str
    feedback_files: list[tuple[str, str, str]]

    def init_src(self) -> None:
        """Find feedback, and drop what belongs to someone else."""
        super().init_src()
        student = self.coursedir.student_id
        if student == "*":
            return
        own = {path.name.rsplit("+", 1)[1] for path in Path(self.cache_path).glob(f"{student}+*")}
        self.feedback_files = [found for found in self.feedback_files if found[1] in own]


class SafeCollect(ExchangeCollect):  # type: ignore[misc]
    """Collect submissions; what one student handed in can't stop the collection.

    Links are left behind (they could point at the keys), a folder that is too large is skipped,
    and a notebook that can't be read is replaced by the released one, with the student's file
    kept beside it.
    """

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy one submission into the course."""
        for path in Path(src).rglob("*"):
            if path.is_symlink():
                self.log.warning("Left a link behind: %s", path)
                path.unlink()
        try:
            super().do_copy(src, dest, log)
        except (RuntimeError, OSError, shutil.Error) as exc:
            # For the teacher: why, without a traceback of our own copying.
            self.log.error("Not collected: %s (%s)", Path(src).name, exc)  # noqa: TRY400
            shutil.rmtree(dest, ignore_errors=True)
            return
        release = Path(
            self.coursedir.format_path(
                self.coursedir.release_directory, ".", self.coursedir.assignment_id
            )
        )
        for released in sorted(release.glob("*.ipynb")):
            notebook = Path(dest) / released.name
            if notebook.exists() and not is_readable_notebook(notebook):
                self.log.warning("Not a notebook, graded as blank: %s", notebook)
                notebook.rename(notebook.with_suffix(".ipynb.unreadable"))
                shutil.copyfile(released, notebook)


def is_readable_notebook(path: Path) -> bool:
    """Whether nbformat reads the file and finds cells in it."""
    if path.stat().st_size > MAX_NOTEBOOK_BYTES:
        return False
    try:
        notebook = read_notebook(path)
        return all(isinstance(cell.get("source", ""), str) for cell in notebook.cells)
    except Exception:  # whatever a broken file does to the reader, it is not readable
        return False
