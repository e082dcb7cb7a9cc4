"""What people see before a notebook opens: their courses and modules, and where each leads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clerkship_hub.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class ModuleCard:
    """One module, as the lists of modules show it."""

    id: str
    title: str
    summary: str
    minutes: int
    points: float
    objectives: tuple[str, ...]

    @property
    def points_text(self) -> str:
        """The points without a needless decimal."""
        return f"{self.points:g}"


@dataclass(frozen=True)
class CourseCard:
    """One course and its modules, in teaching order."""

    id: str
    title: str
    summary: str
    modules: tuple[ModuleCard, ...]


def save_cards(settings: Settings, cards: Sequence[CourseCard]) -> None:
    """Write what the lists of modules show where the hub and the apps find it."""
    settings.catalogue.write_text(
        json.dumps([dataclasses.asdict(card) for card in cards], ensure_ascii=False, indent=1)
    )


def load_cards(settings: Settings) -> list[CourseCard]:
    """Read what `save_cards` wrote."""
    return [
        CourseCard(**raw | {"modules": tuple(_module_card(module) for module in raw["modules"])})
        for raw in json.loads(settings.catalogue.read_text())
    ]


def _module_card(raw: dict[str, Any]) -> ModuleCard:
    return ModuleCard(**raw | {"objectives": tuple(raw["objectives"])})


def landing_variables(settings: Settings) -> dict[str, Any]:
    """Return what the hub's own pages need to know of Clerkship."""
    return {
        "clerkship_courses": load_cards(settings),
        "clerkship_teachers": settings.accounts.teachers,
        "clerkship_progress": Progress(settings),
    }


class Progress:
    """Looks up, for the list of modules, how far a student has come with each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of(self, student: str, course: str, module: str) -> str:
        """Return ``feedback``, ``submitted``, ``started`` or the empty string."""
        home = self._settings.user_home(student)
        folder = home / course / module
        if any((folder / "feedback").glob("*/*.html")):
            return "feedback"
        handed_in = home / ".local/share/jupyter/nbgrader_cache" / student / course
        if any(handed_in.glob(f"{student}+{module}+*")):
            return "submitted"
        return "started" if any((folder / "answers").glob("*")) else ""


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, select_autoescape

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())


def render_page(template: str, *, base_url: str, courses: Sequence[CourseCard] = ()) -> str:
    """Return one of our own pages as HTML."""
    return _environment().get_template(template).render(base_url=base_url, courses=courses)
