"""Scenes: named structures with their meshes, made once and then kept on disk.

A scene is made by a recipe, a module with a title, groups, the files it reads and a function
that yields structures with their meshes.  The result is cached under a name derived from the
content of those files and of the code that reads them, so that a changed recipe or a newer
data package never meets an old cache, and nobody has to count versions.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from clerkship_widgets.answers import write_atomically
from clerkship_widgets.mesh import Mesh
from clerkship_widgets.meshes.wire import MeshHeader, PackedMesh, WireError, decode, encode
from clerkship_widgets.structure import Group, SceneError, Structure

__all__ = ["RECIPES", "Scene", "SceneError", "build_scene", "cache_root"]

_log = logging.getLogger(__name__)

# Scene name -> module of its recipe, imported only when the scene has to be made.
RECIPES: dict[str, str] = {"brain": "clerkship_widgets.meshes.brain"}


class Recipe(Protocol):
    """What a module must offer to be a scene."""

    TITLE: str
    GROUPS: tuple[Group, ...]

    @staticmethod
    def inputs() -> list[Path]:
        """Files that the scene is made of; a change in one makes the scene anew."""

    @staticmethod
    def build() -> Iterator[tuple[Structure, Mesh]]:
        """Make the structures, in the order in which they are listed."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Named structures in one frame: DICOM patient axes (LPS), millimetres.

    Attributes
    ----------
    id, title : str
        Key and heading.
    groups : tuple of Group
        The headings of the list, in order.
    structures : tuple of Structure
        In order; ids are unique.
    packed : mapping of str to PackedMesh
        The mesh of each structure, as it travels to the browser.
    """

    id: str
    title: str
    groups: tuple[Group, ...]
    structures: tuple[Structure, ...]
    packed: Mapping[str, PackedMesh]

    def __getitem__(self, structure_id: str) -> Structure:
        """Return the structure with this id.

        Raises
        ------
        SceneError
            If there is none; the message lists those that there are.
        """
        for structure in self.structures:
            if structure.id == structure_id:
                return structure
        known = ", ".join(structure.id for structure in self.structures)
        raise SceneError(
            f"The scene {self.id!r} has no structure {structure_id!r}. It has: {known}."
        )

    def mesh(self, structure_id: str) -> Mesh:
        """Return the surface of a structure, in LPS millimetres.

        Raises
        ------
        SceneError
            If there is no such structure.
        """
        return decode(self.packed[self[structure_id].id])

    def to_json(self) -> dict[str, Any]:
        """Describe the scene without its meshes: what the browser and the cache need to know."""
        return {
            "id": self.id,
            "title": self.title,
            "groups": [vars(group) for group in self.groups],
            "structures": [
                {**structure.to_json(), "mesh": self.packed[structure.id].header.to_json()}
                for structure in self.structures
            ],
        }


def build_scene(name: str, *, cache_dir: Path | None = None) -> Scene:
    """Open a scene: from the cache where possible, otherwise made now (some seconds) and kept.

    Parameters
    ----------
    name : str
        A key of `RECIPES`, for instance ``"brain"``.
    cache_dir : Path, optional
        Where scenes are kept; `cache_root` by default.

    Returns
    -------
    Scene
        With the mesh of every structure.

    Raises
    ------
    SceneError
        If there is no such scene, or a file that it is made of is missing.
    """
    if name not in RECIPES:
        raise SceneError(f"There is no scene {name!r}. Known scenes: {', '.join(sorted(RECIPES))}.")
    recipe = cast(Recipe, import_module(RECIPES[name]))
    folder = cache_dir if cache_dir is not None else cache_root() / "scenes"
    kept = folder / f"{name}-{_fingerprint(recipe)}.zip"
    scene = _load(kept)
    if scene is None:
        scene = _make(name, recipe)
        _keep(scene, kept)
    return scene


def cache_root() -> Path:
    """Return the folder for things that can be made again: ``CLERKSHIP_CACHE``, else ``~/.cache/clerkship``."""
    chosen = os.environ.get("CLERKSHIP_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clerkship"


def _make(name: str, recipe: Recipe) -> Scene:
    structures: list[Structure] = []
    packed: dict[str, PackedMesh] = {}
    for structure, mesh in recipe.build():
        structures.append(structure)
        packed[structure.id] = encode(mesh)
    return Scene(name, recipe.TITLE, recipe.GROUPS, tuple(structures), packed)


def _fingerprint(recipe: Recipe) -> str:
    """Hash of all files that the scene is made of and of all code that makes it."""
    here = Path(__file__).parent
    code = [
        here / "mesh.py",
        here / "structure.py",
        Path(__file__),
        *(here / "meshes").glob("*.py"),
    ]
    digest = hashlib.sha256()
    for file in (*recipe.inputs(), *sorted(code)):
        digest.update(_sha256(file, file.stat().st_mtime_ns))
    return digest.hexdigest()[:20]


@cache
def _sha256(file: Path, _changed_ns: int) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


def _load(kept: Path) -> Scene | None:
    """Read a kept scene; None if there is none or it is damaged (it is then made again)."""
    try:
        with zipfile.ZipFile(kept) as archive:  # reading checks each file's CRC
            stored = json.loads(archive.read("scene.json"))
            packed = {
                entry["id"]: PackedMesh(
                    MeshHeader.from_json(entry.pop("mesh")), archive.read(f"{entry['id']}.mesh")
                )
                for entry in stored["structures"]
            }
        structures = tuple(Structure.from_json(entry) for entry in stored["structures"])
        groups = tuple(Group(**group) for group in stored["groups"])
        scene = Scene(stored["id"], stored["title"], groups, structures, packed)
    except FileNotFoundError:
        return None
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, WireError) as damage:
        _log.warning("The kept scene %s is damaged (%s); it is made again.", kept.name, damage)
        return None
    return scene


def _keep(scene: Scene, kept: Path) -> None:
    """Write a scene to the cache; a cache that cannot be written costs time, nothing else."""
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w") as archive:  # meshes are compressed already
        archive.writestr("scene.json", json.dumps(scene.to_json(), ensure_ascii=False))
        for name, mesh in scene.packed.items():
            archive.writestr(f"{name}.mesh", mesh.payload)
    try:
        write_atomically(kept, archived.getvalue())
    except OSError as refusal:
        _log.warning("The scene %s could not be kept in %s (%s).", scene.id, kept.parent, refusal)
