"""Build a course: an nbgrader course root, and the pages of the self-study apps.

One way only. Nothing under `out` is edited by hand and nothing of it finds its way back into
`module.md`; what has not changed is not written again, so a second build touches no file.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerkship_courses.bundle import key_bundle, module_bundle
from clerkship_courses.course import read_course
from clerkship_courses.errors import CourseError
from clerkship_courses.module import Module
from clerkship_courses.notebook import Edition, Notebook, emit_notebook
from clerkship_courses.parts import (
    InstructorNotes,
    WrittenTask,
)

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_courses.catalogue import Catalogue
    from clerkship_courses.course import Course

__all__ = ["BuiltCourse", "BuiltModule", "build_course", "render_course"]

READY_MADE = ".built-by-clerkship.json"
"""Lists what the last build made, so that a renamed module does not stay behind."""


@dataclass(frozen=True)
class BuiltModule:
    """Where one module lies after the build."""

    slug: str
    title: str
    points: float
    notebook: Path
    bundle: Path
    key: Path
    app_notebook: Path


@dataclass(frozen=True)
class BuiltCourse:
    """What a build made.

    Attributes
    ----------
    id, title : str
        Of the course.
    root : Path
        nbgrader's course root.
    modules : tuple of BuiltModule
        In the order of the course.
    written, removed : tuple of Path
        Files that this build changed; both empty when nothing was new.
    """

    id: str
    title: str
    root: Path
    modules: tuple[BuiltModule, ...]
    written: tuple[Path, ...]
    removed: tuple[Path, ...]


def build_course(course_dir: Path, out: Path, *, catalogue: Catalogue | None = None) -> BuiltCourse:
    """Build a course into an nbgrader course root.

    Parameters
    ----------
    course_dir : Path
        `courses/<course>/`.
    out : Path
        The course root. Written are `source/<module>/`, `keys/<module>.json`,
        `instructor/<module>.md` and `apps/<module>/`; everything else there is left alone.
    catalogue : Catalogue, optional
        The cases that modules may show; the case library, if left out.

    Returns
    -------
    BuiltCourse
        Where everything lies.

    Raises
    ------
    CourseError
        If the course has a mistake, as `file:line: given, expected, remedy`, or `out` cannot be
        written. The course is read as a whole before the first file changes.
    """
    course = read_course(course_dir, catalogue)
    files = render_course(course)
    try:
        before = _made_before(out)
        written = [path for name, data in files.items() if _write(path := out / name, data)]
        removed = _remove_stale(out, before, set(files))
    except OSError as failure:
        raise CourseError(
            f"{out}: the course cannot be written there ({failure.strerror or failure}); "
            f"free some space, or choose a folder that you may write to."
        ) from failure
    return BuiltCourse(
        id=course.header.id,
        title=course.header.title,
        root=out,
        modules=tuple(_built(module, out) for module in course.modules),
        written=tuple(written),
        removed=tuple(removed),
    )


def render_course(course: Course) -> dict[str, bytes]:
    """Return every file of a built course: path below the course root -> content.

    Equal courses give equal bytes; there is no time stamp and no path of this machine in them.
    """
    files: dict[str, bytes] = {}
    for module in course.modules:
        files |= _edition(module, "class", f"source/{module.slug}", course)
        files |= _edition(module, "self-study", f"apps/{module.slug}", course)
        files[f"keys/{module.slug}.json"] = _json(key_bundle(module))
        files[f"instructor/{module.slug}.md"] = _instructor_page(module).encode()
    files[READY_MADE] = _json(sorted(files))
    return files


def _edition(module: Module, edition: Edition, folder: str, course: Course) -> dict[str, bytes]:
    import nbformat

    notebook = emit_notebook(module, edition, course.catalogue.records)
    nbformat.validate(notebook)
    files = {
        f"{folder}/{module.slug}.ipynb": _json(_with_source_lines(notebook)),
        f"{folder}/module.json": _json(module_bundle(module, edition)),
    }
    assets = module.folder / "assets"
    if assets.is_dir():
        for path in sorted(assets.rglob("*")):
            if path.is_file():
                inside = path.relative_to(module.folder).as_posix()
                files[f"{folder}/{inside}"] = path.read_bytes()
    return files


def _with_source_lines(notebook: Notebook) -> Notebook:
    """Return a notebook with sources as lists of lines, the form in which Jupyter saves them."""
    cells = [{**cell, "source": cell["source"].splitlines(True)} for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def _instructor_page(module: Module) -> str:
    """Return the notes and the mark schemes of a module on one page, for the teacher."""
    lines = [f"# {module.header.title}: notes for the instructor", ""]
    for part in module.parts:
        if isinstance(part, InstructorNotes):
            lines += [part.markdown, ""]
    lines += [f"## Points ({module.points:g})", "", "| task | kind | points |", "|---|---|---|"]
    lines += [f"| {t.name} | {t.kind} | {t.points:g} |" for t in module.tasks.values()]
    for task in module.tasks.values():
        if isinstance(task, WrittenTask):
            lines += ["", f"## Marking {task.name}", ""]
            lines += [f"- {line.points:g}: {line.text}" for line in task.rubric]
            if task.example_answer:
                lines += ["", "An answer that earns full points:", "", f"> {task.example_answer}"]
    return "\n".join(lines) + "\n"


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _built(module: Module, out: Path) -> BuiltModule:
    source = out / "source" / module.slug
    return BuiltModule(
        slug=module.slug,
        title=module.header.title,
        points=module.points,
        notebook=source / f"{module.slug}.ipynb",
        bundle=source / "module.json",
        key=out / "keys" / f"{module.slug}.json",
        app_notebook=out / "apps" / module.slug / f"{module.slug}.ipynb",
    )


# -- files ----------------------------------------------------------------------------------------


def _write(path: Path, data: bytes) -> bool:
    """Write a file if its content is new, so that a reader sees the old one or the new one."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)
    return True


def _remove_stale(out: Path, before: list[str], made: set[str]) -> list[Path]:
    """Remove what an earlier build made and this one did not; touch nothing else."""
    removed = []
    for name in before:
        path = out / name
        if name in made or not path.is_file() or not path.resolve().is_relative_to(out.resolve()):
            continue
        path.unlink()
        removed.append(path)
        for parent in path.parents:
            if parent == out or any(parent.iterdir()):
                break
            shutil.rmtree(parent)
    return removed


def _made_before(out: Path) -> list[str]:
    try:
        listed = json.loads((out / READY_MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
