"""What a room is opened with: a case or a task, tools; anything wrong is said in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clerkship_cases import Case, CaseError, open_case
from clerkship_widgets.answers import WidgetError, check_name, task_spec

DRAWING_TOOLS = ("length", "angle", "ellipse", "region", "point", "arrow")


def annotate_spec(task: str) -> dict[str, Any]:
    """Read a task's description; refuse a task of another kind."""
    check_name(task)
    spec = task_spec(task)
    if spec.get("kind") != "annotate":
        raise WidgetError(
            f"Task {task!r} is of kind {spec.get('kind')!r}; a reading room needs one of kind 'annotate'."
        )
    return spec


def opened_case(case: object) -> Case:
    """Open a case by its id, or take one that is open."""
    if isinstance(case, Case):
        return case
    if not isinstance(case, str):
        raise WidgetError(
            "Say which case to read: ReadingRoom('tibia-nof'), or a task: ReadingRoom(task='mark-lesion')."
        )
    try:
        return open_case(case)
    except CaseError as error:
        raise WidgetError(str(error)) from None


def checked_tools(tools: Sequence[str] | None) -> list[str]:
    """Keep the order of the toolbar; refuse what is not a tool."""
    if tools is None:
        return list(DRAWING_TOOLS)
    if isinstance(tools, str) or set(tools) - set(DRAWING_TOOLS):
        raise WidgetError(
            f"tools={tools!r} was given; it must be a list of {', '.join(DRAWING_TOOLS)}."
        )
    return [tool for tool in DRAWING_TOOLS if tool in tools]
