"""The one exception family of this package: a mistake in course content, with its place."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["CourseError", "one_of", "suggestion"]


class CourseError(Exception):
    """Course content that cannot be built; the message is `file:line: given, expected, remedy`.

    Parameters
    ----------
    message : str
        What was given, what was expected, what to do.
    path : Path, optional
        The file that holds the mistake.
    line : int, optional
        Its line, counted from 1.

    Examples
    --------
    >>> from pathlib import Path
    >>> str(CourseError("points are missing.", Path("module.md"), 12))
    'module.md:12: points are missing.'
    """

    def __init__(self, message: str, path: Path | None = None, line: int | None = None) -> None:
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message)


def one_of(names: Iterable[str]) -> str:
    """Return names as people list them.

    Examples
    --------
    >>> one_of(["b", "a", "c"])
    'a, b or c'
    """
    ordered = sorted(names)
    if len(ordered) < 2:
        return "".join(ordered) or "none"
    return f"{', '.join(ordered[:-1])} or {ordered[-1]}"


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" when one of the known names is close, else "".

    Examples
    --------
    >>> suggestion("tibia-noff", ["tibia-nof", "brain"])
    " Did you mean 'tibia-nof'?"
    """
    close = get_close_matches(given, list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
