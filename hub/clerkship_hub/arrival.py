"""Give a student the released modules when their server starts: a Jupyter server extension.

Runs inside the student's own confined server and uses nbgrader's own fetch, so a folder that
is there already is never touched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "clerkship_hub.arrival"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Fetch what is new; whatever goes wrong must not keep the student out."""
    try:
        fetched = fetch_new_modules(Path(server.root_dir))
    except Exception:
        server.log.exception("Could not fetch new modules")
    else:
        server.log.info("Fetched: %s", ", ".join(fetched) or "nothing new")


def released_modules(exchange: Path) -> list[tuple[str, str]]:
    """Return (course, module) of everything released in the courses of this installation."""
    # The exchange itself can't be listed from here: the submissions of others lie in it.
    courses = os.environ.get("CLERKSHIP_COURSES", "").split()
    return [
        (course, released.name)
        for course in courses
        for released in sorted((exchange / course / "outbound").glob("*"))
    ]


def fetch_new_modules(home: Path) -> Sequence[str]:
    """Fetch every released module that the home does not hold yet.

    Parameters
    ----------
    home : Path
        The student's home folder; the server runs in it.

    Returns
    -------
    fetched : sequence of str
        ``course/module`` of each.
    """
    from nbgrader.apps import NbGrader
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange import ExchangeFactory

    app = NbGrader()
    app.load_config_file()
    exchange = Path(app.config.Exchange.root)
    fetched = []
    before = Path.cwd()
    os.chdir(home)  # nbgrader fetches into the working folder
    try:
        for course, module in released_modules(exchange):
            if (home / course / module).exists():
                continue
            config = app.config.copy()
            config.CourseDirectory.course_id = course
            config.CourseDirectory.assignment_id = module
            coursedir = CourseDirectory(config=config)
            fetch = ExchangeFactory(config=config).FetchAssignment(
                coursedir=coursedir,
                authenticator=Authenticator(config=config),
                config=config,
            )
            fetch.start()
            fetched.append(f"{course}/{module}")
    finally:
        os.chdir(before)
    return fetched
