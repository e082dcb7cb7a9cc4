"""What a student touches: the reading room, the anatomy room, quizzes and commit-then-reveal.

The names below are loaded when they are first used, so that a notebook which only asks a
question does not pay for the image libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clerkship_widgets.anatomy_room import AnatomyRoom
    from clerkship_widgets.answers import WidgetError
    from clerkship_widgets.commit import Commit
    from clerkship_widgets.quiz import Quiz
    from clerkship_widgets.reading_room import ReadingRoom

__all__ = ["AnatomyRoom", "Commit", "Quiz", "ReadingRoom", "WidgetError"]

_HOME = {
    "AnatomyRoom": "anatomy_room",
    "Commit": "commit",
    "Quiz": "quiz",
    "ReadingRoom": "reading_room",
    "WidgetError": "answers",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"clerkship_widgets has no {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f"clerkship_widgets.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
