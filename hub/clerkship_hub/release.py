"""From course sources to what students fetch: build, generate, release, publish as apps.

Everything is done again only for a module whose sources have changed, and never touches what
students handed in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clerkship_hub.errors import HubError
from clerkship_hub.landing import CourseCard, ModuleCard
from clerkship_hub.settings import Settings
from clerkship_hub.voice import Voice


def find_courses(folder: Path) -> list[Path]:
    """Return the folders of all courses, each with a ``course.yml``.

    Raises
    ------
    HubError
        If there is none.
    """
    found = sorted(file.parent for file in folder.glob("*/course.yml"))
    if not found:
        raise HubError(
            f"{folder}: no course there (a folder with a course.yml). "
            "Run this from a checkout of Clerkship."
        )
    return found


def digest(folder: Path) -> str:
    """Return a hash over the names and contents of all files below a folder."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(folder)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def publish(settings: Settings, source: Path, voice: Voice) -> CourseCard:
    """Build a course, release each module that is new or changed, and renew its apps.

    Parameters
    ----------
    settings : Settings
        Where things go.
    source : Path
        Folder of the course in the checkout.
    voice : Voice
        Where progress is shown.

    Returns
    -------
    card : CourseCard
        What the lists of modules show.

    Raises
    ------
    HubError
        If the course has a mistake (the message names file and line) or nbgrader refuses it.
    """
    course = source.name
    root = settings.course_root(course)
    with voice.step(f"Building {course}", key="build"):
        card = build(settings, source)
    stamp = settings.state / f"released-{course}.json"
    released: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    for module in card.modules:
        wanted = digest(root / "source" / module.id)
        if released.get(module.id) == wanted and is_released(settings, course, module.id):
            continue
        try:
            with voice.step(f"Releasing {course}: {module.title}", key="release"):
                release_module(settings, course, module.id)
        except HubError as error:
            if not is_released(settings, course, module.id):
                raise
            # For instance a task was taken out that students have points for already.
            voice.say(f"  {error} Students keep the earlier release of this module.")
            continue
        released[module.id] = wanted
        stamp.write_text(json.dumps(released, indent=1))
    publish_apps(root / "apps", settings.apps / course)
    return card


def build(settings: Settings, source: Path) -> CourseCard:
    """Build one course into the teacher's folder."""
    from clerkship_courses import CourseError, build_course, read_course
    from clerkship_grading import GradingError, write_course_config

    root = settings.course_root(source.name)
    try:
        write_course_config(root, source.name, settings.exchange)
        build_course(source, root)
        course = read_course(source)
    except (CourseError, GradingError) as error:
        raise HubError(str(error)) from error
    return CourseCard(
        id=course.header.id,
        title=course.header.title,
        summary=course.header.summary,
        modules=tuple(
            ModuleCard(
                id=module.slug,
                title=module.header.title,
                summary=module.header.summary,
                minutes=module.header.minutes,
                points=module.points,
                objectives=tuple(aim.text for aim in module.header.objectives),
            )
            for module in course.modules
        ),
    )


def publish_apps(built: Path, published: Path) -> None:
    """Make the published pages of a course equal to the built ones."""
    beside = published.with_name(f".{published.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(built, beside)
    shutil.rmtree(published, ignore_errors=True)
    beside.replace(published)


def is_released(settings: Settings, course: str, module: str) -> bool:
    """Tell whether the exchange holds a module."""
    return (settings.exchange / course / "outbound" / module / f"{module}.ipynb").is_file()


@contextlib.contextmanager
def _nbgrader_log(settings: Settings) -> Iterator[None]:
    """Send what nbgrader says into a log file, away from the person at the keyboard."""
    logger = logging.getLogger("traitlets")
    handler = logging.FileHandler(settings.log("nbgrader"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before, propagate = list(logger.handlers), logger.propagate
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagate
        handler.close()


def release_module(settings: Settings, course: str, module: str) -> None:
    """Make the students' version of one module and put it into the exchange.

    Raises
    ------
    HubError
        With nbgrader's reason.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    root = settings.course_root(course)
    # nbgrader calls alembic by name
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.ExchangeReleaseAssignment.force = True  # a corrected module replaces the older one
    with _nbgrader_log(settings), contextlib.chdir(root):
        api = NbGraderAPI(config=config)
        _succeed(settings, "generated", module, api.generate_assignment(module, force=True))
        _succeed(settings, "released", module, api.release_assignment(module))
    for folder in ("inbound", "feedback"):
        (settings.exchange / course / folder).mkdir(mode=0o700, exist_ok=True)


def _succeed(settings: Settings, done: str, module: str, result: dict[str, Any]) -> None:
    """Raise with nbgrader's reason if a step of nbgrader failed."""
    if result["success"]:
        return
    said = [line for line in str(result.get("error") or result.get("log")).splitlines() if line]
    log = settings.log("nbgrader")
    with log.open("a") as file:
        file.write("\n".join(said) + "\n")
    raise HubError(
        f"{module} could not be {done}. nbgrader says: {said[-1] if said else 'nothing'} "
        f"The rest is in {log}."
    )


def install_scripts() -> None:
    """Put the widgets' large scripts where Jupyter serves them.

    Raises
    ------
    HubError
        If they are not built, or the environment can't be written.
    """
    from clerkship_widgets import WidgetError
    from clerkship_widgets.serve import install_static

    try:
        install_static(Path(sys.prefix))
    except WidgetError as error:
        raise HubError(str(error)) from error


def make_scenes() -> None:
    """Make the 3D scenes that are not kept yet, so that no student waits for it.

    In a process of its own: the mesh libraries are large, and this one stays for hours.

    Raises
    ------
    HubError
        If a scene can't be made.
    """
    program = "from clerkship_widgets.scene import RECIPES, build_scene\nfor name in RECIPES: build_scene(name)"
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    if made.returncode:
        said = made.stderr.strip().splitlines()
        raise HubError(f"A 3D scene could not be made: {said[-1] if said else 'it says nothing'}.")
