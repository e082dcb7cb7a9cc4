"""Jupyter's and nbgrader's configuration for each role: student, teacher, grader.

Each role has a folder that stands first on Jupyter's configuration path.  It switches off what
is not for that role: installing nbgrader gives everybody the teacher's tools.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clerkship_hub.settings import Settings

ROLES = ("student", "teacher", "grader")

EXTENSIONS: dict[str, dict[str, bool]] = {
    "student": {"assignment_list": True, "formgrader": False, "course_list": False},
    "teacher": {"assignment_list": False, "formgrader": False, "course_list": False},
    "grader": {"assignment_list": False, "formgrader": True, "course_list": False},
}
"""nbgrader's server extensions; `validate_assignment` is for whoever has assignments."""

LAB_PLUGINS_OFF: dict[str, tuple[str, ...]] = {
    "student": ("formgrader", "create-assignment", "course-list"),
    "teacher": (
        "menu",
        "create-assignment",
        "assignment-list",
        "formgrader",
        "course-list",
        "validate-assignment",
    ),
    "grader": ("assignment-list", "course-list", "validate-assignment"),
}


def server_config(role: str) -> dict[str, Any]:
    """Return what `jupyter_server` reads."""
    nbgrader = EXTENSIONS[role] | {"validate_assignment": role == "student"}
    extensions = {f"nbgrader.server_extensions.{name}": on for name, on in nbgrader.items()}
    # A person's own pages go through the apps; a terminal is of no use in a course.
    extensions |= {
        "voila.server_extension": False,
        "jupyter_server_terminals": False,
        "jupytext": False,
    }
    if role == "student":
        extensions["clerkship_hub.arrival"] = True
    return {
        "ServerApp": {
            "jpserver_extensions": extensions,
            "terminals_enabled": False,
        },
        "FileContentsManager": {"delete_to_trash": False},
        # Nothing is asked of the internet.
        "LabApp": {
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "news_url": None,
            "extension_manager": "readonly",
        },
    }


def page_config(role: str) -> dict[str, Any]:
    """Return what JupyterLab's page reads."""
    off = {f"@jupyter/nbgrader:{plugin}": True for plugin in LAB_PLUGINS_OFF[role]}
    off |= {
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension": True,
        "@voila-dashboards/jupyterlab-preview": True,
        "jupyterlab-jupytext": True,
    }
    return {"disabledExtensions": off}


def write_configs(settings: Settings) -> None:
    """Write the folders of all roles.

    Students get the exchange of the first course as their default; the list of assignments
    names the course itself, so the others work as well.
    """
    from clerkship_grading import student_config

    for role in ROLES:
        folder = settings.config / role
        for name, content in (
            ("jupyter_server_config.d/clerkship.json", server_config(role)),
            ("labconfig/page_config.json", page_config(role)),
        ):
            _write(folder / name, json.dumps(content, indent=1))
    text = student_config(settings.exchange, settings.courses[0])
    # Each course has a folder of its own in a student's home.
    text += "c.Exchange.path_includes_course = True\n"
    _write(settings.config / "student" / "nbgrader_config.py", text)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
