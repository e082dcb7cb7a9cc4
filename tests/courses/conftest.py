"""A small course to build, and a catalogue that needs no image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clerkship_courses.catalogue import Catalogue
from clerkship_courses.new import new_module

ROOT = Path(__file__).resolve().parents[2]
Edit = Callable[..., Path]


@pytest.fixture(scope="session")
def course_dir() -> Path:
    """The course that ships."""
    return ROOT / "courses" / "imaging-foundations"


@pytest.fixture
def catalogue() -> Catalogue:
    """Two cases; one of them has a finding."""
    words = {"title": "Leg", "attribution": "From a package", "licence": "Test data"}
    records: dict[str, Any] = {key: SimpleNamespace(**words) for key in ("tibia-nof", "bone-scan")}
    findings = {"tibia-nof": ("lesion",)}
    return Catalogue(cast("Any", records), lambda case: findings.get(case, ()))


@pytest.fixture
def module_dir(tmp_path: Path) -> Path:
    """A fresh module, as `clerkship new module` makes it."""
    return new_module(tmp_path / "courses", "chest-imaging", "first-film")


@pytest.fixture
def edit(module_dir: Path) -> Edit:
    """Change a file of the fresh module: each pair is (what stands there, what to write)."""

    def change(name: str, *pairs: tuple[str, str]) -> Path:
        path = module_dir / name
        text = path.read_text()
        for old, new in pairs:
            assert text.count(old) >= 1, f"{old!r} is not in {name}"
            text = text.replace(old, new, 1)
        path.write_text(text)
        return path

    return change
