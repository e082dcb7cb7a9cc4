"""YAML that remembers its lines, so that every mistake can be shown where it was made.

`yaml.safe_load` also lets a second entry of the same name silently replace the first, and reads
an unquoted `yes` or `no` as true or false.  Both have cost teachers an evening; both are refused.
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from clerkship_courses.errors import CourseError, one_of, suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["Sheet", "load_yaml"]

Model = TypeVar("Model", bound=BaseModel)
Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Sheet:
    """Data from a YAML text, and the line on which each entry stands.

    Attributes
    ----------
    path : Path
        The file.
    data : object
        Dictionaries, lists, text, numbers, dates.
    lines : dict
        Place (keys and list indices from the top) -> line in the file, counted from 1.
    """

    path: Path
    data: Any
    lines: dict[Where, int] = field(repr=False)

    def line(self, *where: str | int) -> int:
        """Return the line of an entry, or of the nearest entry that holds it."""
        place = tuple(where)
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, message: str, *where: str | int) -> CourseError:
        """Return an error that points at an entry."""
        return CourseError(message, self.path, self.line(*where))

    def at(self, *where: str | int) -> Sheet:
        """Return the part of the sheet below an entry, with the same line numbers."""
        data = self.data
        for key in where:
            data = data[key]
        depth = len(where)
        below = {
            place[depth:]: line
            for place, line in self.lines.items()
            if place[:depth] == tuple(where)
        }
        return Sheet(self.path, data, below)

    def read(self, model: type[Model]) -> Model:
        """Return the data as a checked object.

        Parameters
        ----------
        model : type
            A pydantic model; the `description` of a field says what is expected there.

        Raises
        ------
        CourseError
            At the line of the first entry that does not fit.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as failure:
            problem = failure.errors()[0]
            raise self.error(explain(model, problem), *problem["loc"]) from None


def load_yaml(text: str, path: Path, first_line: int = 1) -> Sheet:
    """Read YAML and keep the lines.

    Parameters
    ----------
    text : str
        The YAML text.
    path : Path
        The file it comes from, for messages.
    first_line : int
        Line of the file on which the text begins, counted from 1.

    Raises
    ------
    CourseError
        If the text is not YAML, repeats an entry, or names an entry with something else than text.
    """
    loader = yaml.SafeLoader(text)
    plain = _Plain(loader, path, first_line)
    try:
        node = loader.get_single_node()
        data = None if node is None else plain(node)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark
        raise CourseError(
            f"this is not YAML: {failure.problem}. Check the indentation (spaces, not tabs), and "
            f"put text that holds ': ' or begins with a sign into quotes.",
            path,
            first_line + (mark.line if mark else 0),
        ) from None
    except yaml.YAMLError as failure:
        raise CourseError(f"this is not YAML: {failure}", path, first_line) from None
    finally:
        loader.dispose()
    return Sheet(path, data, plain.lines)


class _Plain:
    """Turn YAML nodes into plain data, and note the line of each entry."""

    def __init__(self, loader: yaml.SafeLoader, path: Path, first_line: int) -> None:
        self.loader = loader
        self.path = path
        self.first_line = first_line
        self.lines: dict[Where, int] = {(): first_line}

    def __call__(self, node: yaml.Node, where: Where = ()) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._entry(child, (*where, at), child) for at, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            entries: dict[str, Any] = {}
            for key_node, child in node.value:
                key = self._key(key_node, where)
                entries[key] = self._entry(child, (*where, key), key_node)
            return entries
        return self.loader.construct_object(node, deep=True)

    def _entry(self, node: yaml.Node, where: Where, marked: yaml.Node) -> Any:
        self.lines[where] = self.first_line + marked.start_mark.line
        return self(node, where)

    def _key(self, node: yaml.Node, where: Where) -> str:
        line = self.first_line + node.start_mark.line
        key = self.loader.construct_object(node, deep=True)
        if not isinstance(key, str):
            raise CourseError(
                f"the name {node.value!r} is read as {key!r}, not as text; "
                f'put it into quotes: "{node.value}".',
                self.path,
                line,
            )
        if (*where, key) in self.lines:
            raise CourseError(
                f"'{key}' is given twice (first on line {self.lines[(*where, key)]}); "
                f"keep one of them.",
                self.path,
                line,
            )
        return key


# -- pydantic's findings, in the words of a teacher -----------------------------------------------


def explain(model: type[BaseModel], problem: ErrorDetails) -> str:
    """Turn one pydantic error into "what was given, what is expected, what to do"."""
    where = problem["loc"]
    name = str(where[-1]) if where else "this file"
    owner, expected = _field_at(model, where)
    shown = ".".join(str(part) for part in where) or "the file"
    if problem["type"] == "missing":
        return f"'{name}' is missing{_in(where)}; {expected or 'add it'}."
    if problem["type"] == "extra_forbidden":
        known = owner.model_fields if owner else {}
        return (
            f"'{name}' is not known here; known are {one_of(known)}.{suggestion(name, known)} "
            f"Correct the name or take the entry out."
        )
    if problem["type"] == "value_error":
        return f"{shown}: {str(problem['ctx']['error']).rstrip('.')}."
    given = problem["input"]
    return f"{shown} is {given!r}; {expected or problem['msg'].lower()}."


def _in(where: tuple[str | int, ...]) -> str:
    above = ".".join(str(part) for part in where[:-1])
    return f" in {above}" if above else ""


def _field_at(
    model: type[BaseModel], where: tuple[str | int, ...]
) -> tuple[type[BaseModel] | None, str]:
    """Return the model that holds the last name of a place, and what that field expects."""
    annotation: Any = model
    owner: type[BaseModel] | None = model
    expected = ""
    for part in where:
        annotation = _without_none(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            owner = annotation
            info = owner.model_fields.get(str(part))
            if info is None:
                return owner, ""
            expected, annotation = info.description or "", info.annotation
        else:  # an index of a list, or a name in a dictionary
            inner = typing.get_args(annotation)
            annotation = inner[-1] if inner else None
    holder = _without_none(annotation)
    if isinstance(holder, type) and issubclass(holder, BaseModel):
        owner = holder
    return owner, expected


def _without_none(annotation: Any) -> Any:
    """Return `X` for `X | None`, and everything else as it is."""
    if typing.get_origin(annotation) not in {types.UnionType, typing.Union}:
        return annotation
    kept = [inner for inner in typing.get_args(annotation) if inner is not type(None)]
    return kept[0] if len(kept) == 1 else annotation
