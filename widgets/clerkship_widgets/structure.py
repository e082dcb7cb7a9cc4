"""A named structure of a scene, and what is said about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from clerkship_widgets.answers import WidgetError

__all__ = ["Group", "SceneError", "Structure"]


class SceneError(WidgetError):
    """A scene or a structure that does not exist or cannot be made."""


@dataclass(frozen=True)
class Group:
    """A heading under which structures are listed.

    Attributes
    ----------
    id, name : str
        Key and heading.
    description : str
        One line under the heading.
    """

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class Structure:
    """What a student can read about one structure.

    Attributes
    ----------
    id : str
        Stable key, lower case with hyphens; this is what picking tells Python.
    name, latin : str
        English name, and the term of the Terminologia Anatomica without its side
        (empty where the thing shown has no such term).
    side : str
        ``"left"``, ``"right"`` or ``""``: the patient's side.
    group : str
        Id of the `Group` that it is listed under.
    colour : str
        ``#rrggbb`` of its brightest points.
    description : str
        Two or three plain sentences.
    source, licence : str
        Where the shape comes from and what was done to it; on what terms it may be used.
    ontology : tuple of str
        Identifiers such as ``UBERON:0000956``; empty where none is certain.
    visible : bool
        Drawn when the scene opens.
    """

    id: str
    name: str
    latin: str
    side: str
    group: str
    colour: str
    description: str
    source: str
    licence: str
    ontology: tuple[str, ...] = ()
    visible: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {**asdict(self), "ontology": list(self.ontology)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Structure:
        """Read what `to_json` wrote."""
        return cls(**{**stored, "ontology": tuple(stored["ontology"])})
