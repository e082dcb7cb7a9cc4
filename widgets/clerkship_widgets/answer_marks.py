"""The marks of a task on disk: read when its room opens, written after every stroke."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from pathlib import Path

from clerkship_cases import Annotation, Case, CaseError, read_sr, write_seg, write_sr
from clerkship_widgets.answers import WidgetError


class AnswerMarks:
    """``<task>.sr.dcm`` and ``<task>.seg.dcm`` in the folder of answers.

    The report holds every mark; the segmentation holds areas once more, as voxels.

    Parameters
    ----------
    folder : Path
        Made when first written to.
    task : str
        Names the files.
    case : Case
        What the marks are drawn on.
    """

    def __init__(self, folder: Path, task: str, case: Case) -> None:
        self.report = folder / f"{task}.sr.dcm"
        self.segments = folder / f"{task}.seg.dcm"
        self._case = case
        self._unreadable = False

    @property
    def files(self) -> list[Path]:
        """The answer files that exist now."""
        return [path for path in (self.report, self.segments) if path.exists()]

    def load(self) -> list[Annotation]:
        """Read what was saved before.

        Raises
        ------
        WidgetError
            If the file can't be read. It is kept: the next save puts the new marks beside it.
        """
        if not self.report.exists():
            return []
        try:
            return read_sr(self.report, self._case)
        except (CaseError, OSError) as error:
            self._unreadable = True
            raise WidgetError(
                f"Your earlier marks in {self.report.name} could not be read ({error}). "
                "The file is kept; new marks are saved beside it."
            ) from error

    def save(self, annotations: Sequence[Annotation]) -> None:
        """Make the files say exactly this; no marks, no file.

        Raises
        ------
        CaseError, OSError
            If they can't be written.
        """
        if self._unreadable and self.report.exists():
            self.report.replace(_unused(self.report))
        self._unreadable = False
        self.report.parent.mkdir(parents=True, exist_ok=True)
        observer = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
        if annotations:
            write_sr(self.report, self._case, annotations, observer=observer)
        else:
            self.report.unlink(missing_ok=True)
        if any(annotation.kind in ("ellipse", "region") for annotation in annotations):
            write_seg(self.segments, self._case, annotations, observer=observer)
        else:
            self.segments.unlink(missing_ok=True)


def explain(error: Exception) -> str:
    """Say why saving failed, in words for a student."""
    if isinstance(error, CaseError | WidgetError):
        return f"Not saved: {error}"
    if isinstance(error, OSError):
        return f"Not saved: the files could not be written ({error.strerror or error}). Your marks are still here."
    return f"Not saved: {type(error).__name__}: {error}. Your marks are still here; please tell your teacher."


def _unused(path: Path) -> Path:
    """Find a name beside a file that nothing has yet."""
    candidates = (
        path.with_name(f"{path.stem}.unreadable-{n}{path.suffix}") for n in range(1, 1000)
    )
    return next(candidate for candidate in candidates if not candidate.exists())
