"""nbgrader configuration: one file for the teacher's course, one for students."""

from __future__ import annotations

from pathlib import Path

from .errors import GradingError

MAX_FILE_KB = 20_000
MAX_FOLDER_KB = 60_000
"""A submission is a notebook and a few answer files: well below a megabyte."""

_TEACHER = """\
# nbgrader's configuration of this course. Written by Clerkship; the course folder may be moved.
import os
import sys
import warnings

here = os.path.dirname(os.path.abspath(__file__))
# nbgrader starts "alembic" by name when it makes a gradebook.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
# nbgrader 0.9.6 under SQLAlchemy 2.1: noise on every first grade, the grades are right.
warnings.filterwarnings("ignore", message="Object of type <Submitted")

c = get_config()  # noqa: F821
c.CourseDirectory.root = here
c.CourseDirectory.course_id = {course_id!r}
c.CourseDirectory.db_url = "sqlite:///" + os.path.join(here, "gradebook.db")
c.CourseDirectory.max_file_size = {max_file_kb}
c.CourseDirectory.max_dir_size = {max_folder_kb}
c.Exchange.root = {exchange_root!r}
c.Exchange.cache = os.path.join(here, ".cache")
c.ExchangeFactory.collect = "clerkship_grading.exchange.SafeCollect"
# A submission bears the name that the hub gave, not that of the account which owns the file.
c.ExchangeCollect.check_owner = False

c.RestoreCells.course_root = here
c.ScoreTasks.course_root = here
c.Autograde.sanitize_preprocessors = [
    "clerkship_grading.preprocessors.RestoreCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "clerkship_grading.preprocessors.PutTestsBack",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Scores of quiz and annotate tasks are settled before any of the student's code runs.
c.Autograde.autograde_preprocessors = [
    "clerkship_grading.preprocessors.ScoreTasks",
    "clerkship_grading.preprocessors.ExecuteAnswers",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.KernelManager.transport = "ipc"
c.ClearSolutions.text_stub = "*Double-click here, and write your answer instead of this line.*"

c.GenerateFeedback.exporter_class = "clerkship_grading.feedback_page.FeedbackPage"
c.GenerateFeedback.preprocessors = [
    "clerkship_grading.preprocessors.CollectGrades",
    "clerkship_grading.preprocessors.RedactFeedback",
]
"""

_STUDENT = """\
# nbgrader's configuration for students. Written by Clerkship.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = {course_id!r}
c.CourseDirectory.max_file_size = {max_file_kb}
c.CourseDirectory.max_dir_size = {max_folder_kb}
c.Exchange.root = {exchange_root!r}
c.Exchange.path_includes_course = True  # modules are fetched into <course>/<module>
# Who the student is: the hub says so (see clerkship_grading.exchange).
c.ExchangeFactory.fetch_assignment = "clerkship_grading.exchange.HubFetchAssignment"
c.ExchangeFactory.fetch_feedback = "clerkship_grading.exchange.HubFetchFeedback"
c.ExchangeFactory.list = "clerkship_grading.exchange.HubList"
c.ExchangeFactory.submit = "clerkship_grading.exchange.HubSubmit"
"""


def course_config(course_id: str, exchange_root: Path) -> str:
    """Text of the teacher's ``nbgrader_config.py``; it finds its course beside itself."""
    return _filled(_TEACHER, course_id, exchange_root)


def student_config(exchange_root: Path, course_id: str) -> str:
    """Text of the students' ``nbgrader_config.py``: exchange and identity, nothing of grading."""
    return _filled(_STUDENT, course_id, exchange_root)


def write_course_config(course_root: Path, course_id: str, exchange_root: Path) -> Path:
    """Make the course folder and write its ``nbgrader_config.py``.

    Parameters
    ----------
    course_root : Path
        Folder of the course: ``source/``, ``keys/`` and the gradebook lie in it. Only its owner
        may enter it, as keys and scores do.
    course_id : str
        nbgrader's name for the course.
    exchange_root : Path
        Folder through which files pass between teacher and students.

    Returns
    -------
    Path
        The file. nbgrader reads it when it is started in the course folder.

    Raises
    ------
    GradingError
        If the folder can't be made or written.
    """
    root = Path(course_root).resolve()
    path = root / "nbgrader_config.py"
    try:
        for folder in (root, root / "source", root / "keys"):
            folder.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        partial = path.with_suffix(".py.part")
        partial.write_text(course_config(course_id, exchange_root), encoding="utf-8")
        partial.replace(path)
    except OSError as exc:
        raise GradingError(
            f"{root}: the course folder can't be written ({exc.strerror}); choose another place or "
            "free some space"
        ) from exc
    return path


def _filled(text: str, course_id: str, exchange_root: Path) -> str:
    if not course_id or course_id != course_id.strip() or "/" in course_id or "+" in course_id:
        raise GradingError(
            f"course id {course_id!r} can't be used; take letters, digits and hyphens"
        )
    return text.format(
        course_id=course_id,
        exchange_root=str(Path(exchange_root).resolve()),
        max_file_kb=MAX_FILE_KB,
        max_folder_kb=MAX_FOLDER_KB,
    )
