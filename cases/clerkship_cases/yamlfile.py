"""Read a YAML file into a checked record; every complaint names file, line and remedy."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from clerkship_cases.errors import CaseError

Record = TypeVar("Record", bound=BaseModel)

#: A record is written by hand; one larger than this is not one.
_MAX_BYTES = 2_000_000

#: The C parser, where PyYAML was built with it: ten times as fast on a key full of points.
_LOADER = getattr(yaml, "CSafeLoader", None)


def read_record(path: Path, model: type[Record]) -> Record:
    """Read ``path`` and check it against ``model``.

    Raises
    ------
    CaseError
        If the file is missing, is no YAML, or does not fit the model: one line per complaint,
        each starting with ``file:line``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise CaseError(f"{path}: can't be read ({problem}).") from problem
    if len(text) > _MAX_BYTES:
        raise CaseError(f"{path}: {len(text)} characters are too many for a record.")
    try:
        root, value = _parse(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(problem, "problem", None) or "not valid YAML"
        raise CaseError(
            f"{path}:{line}: {what}. Check indentation, quotes and colons."
        ) from problem
    if not isinstance(value, dict):
        raise CaseError(f"{path}:1: expected `name: value` lines, found {type(value).__name__}.")
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        complaints = []
        for error in problem.errors():
            place = _without_tags(value, error["loc"])
            complaints.append(
                f"{path}:{_line(root, place)}: {'.'.join(str(step) for step in place)}: "
                f"{_complaint(error['type'], error['msg'])}"
            )
        raise CaseError("\n".join(complaints)) from problem


def _parse(text: str) -> tuple[yaml.Node | None, object]:
    """Read YAML once: its nodes, which know their lines, and its values. Safe types only."""
    loader = (_LOADER or yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        return root, loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()


def _without_tags(value: object, place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Drop the steps of ``place`` that are not in the file.

    Where a mapping may be of several kinds, pydantic puts the value of ``kind`` between the mapping
    and its field.
    """
    steps: list[int | str] = []
    for position, step in enumerate(place):
        if isinstance(value, dict):
            is_tag = step == value.get("kind") and position < len(place) - 1
            if is_tag:
                continue
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        steps.append(step)
    return tuple(steps)


def _line(node: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """Line of the deepest node on the way to ``place`` (a missing field: its parent's line)."""
    line = 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == step), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _complaint(kind: str, message: str) -> str:
    """Say what to do, in plain words, for the two commonest mistakes."""
    if kind == "missing":
        return "this field is required; add it."
    if kind == "extra_forbidden":
        return "no such field; check the spelling or remove it."
    return message.removeprefix("Value error, ")
