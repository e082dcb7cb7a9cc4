"""Scenes: built once, kept by content, made again when damaged; and the real brain."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from clerkship_widgets import WidgetError
from clerkship_widgets.mesh import Mesh, surface_distance_mm
from clerkship_widgets.scene import RECIPES, Scene, SceneError, build_scene, cache_root
from clerkship_widgets.structure import Group, Structure

TETRAHEDRON = Mesh(
    np.array([[0.0, 0, 0], [30, 0, 0], [0, 30, 0], [0, 0, 30]]),
    np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32),
)


class PebbleRecipe(ModuleType):
    """A scene of one pebble, which counts how often it is made."""

    TITLE = "A pebble"
    GROUPS = (Group("stones", "Stones"),)

    def __init__(self, name: str, source: Path) -> None:
        super().__init__(name)
        self.source = source
        self.made = 0

    def inputs(self) -> list[Path]:
        return [self.source]

    def build(self) -> Iterator[tuple[Structure, Mesh]]:
        self.made += 1
        colour = self.source.read_text().strip()
        yield (
            Structure(
                "pebble",
                "Pebble",
                "Calculus",
                "",
                "stones",
                colour,
                "It is round.",
                "A brook.",
                "CC0",
                ("X:1",),
            ),
            TETRAHEDRON,
        )


@pytest.fixture
def pebble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PebbleRecipe:
    source = tmp_path / "pebble.txt"
    source.write_text("#888888")
    recipe = PebbleRecipe("pebble_recipe", source)
    monkeypatch.setitem(sys.modules, "pebble_recipe", recipe)
    monkeypatch.setitem(RECIPES, "pebble", "pebble_recipe")
    return recipe


# -- the cache -----------------------------------------------------------------------------


def test_a_scene_is_made_once_and_then_opened_from_the_cache(
    pebble: PebbleRecipe, tmp_path: Path
) -> None:
    first = build_scene("pebble", cache_dir=tmp_path / "kept")
    second = build_scene("pebble", cache_dir=tmp_path / "kept")
    assert pebble.made == 1
    assert second.to_json() == first.to_json()
    assert second.structures == first.structures
    assert second.groups == first.groups
    assert second.mesh("pebble").volume_mm3 == pytest.approx(TETRAHEDRON.volume_mm3, rel=1e-4)


def test_a_changed_source_file_makes_the_scene_anew(pebble: PebbleRecipe, tmp_path: Path) -> None:
    build_scene("pebble", cache_dir=tmp_path / "kept")
    pebble.source.write_text("#993333")
    assert build_scene("pebble", cache_dir=tmp_path / "kept")["pebble"].colour == "#993333"
    assert pebble.made == 2


@pytest.mark.parametrize("damage", ["cut", "overwritten", "flipped", "emptied"])
def test_a_damaged_cache_is_replaced(pebble: PebbleRecipe, tmp_path: Path, damage: str) -> None:
    build_scene("pebble", cache_dir=tmp_path / "kept")
    (kept,) = (tmp_path / "kept").iterdir()
    content = bytearray(kept.read_bytes())
    at = content.index(b"pebble.mesh") + len(b"pebble.mesh") + 8  # inside the mesh's bytes
    content[at] ^= 0xFF
    kept.write_bytes(
        {
            "cut": content[:100],
            "overwritten": b"not a scene",
            "flipped": bytes(content),
            "emptied": b"",
        }[damage]
    )
    scene = build_scene("pebble", cache_dir=tmp_path / "kept")
    assert pebble.made == 2
    assert scene.mesh("pebble").is_closed
    build_scene("pebble", cache_dir=tmp_path / "kept")
    assert pebble.made == 2  # what was written in its place is sound


def test_a_cache_that_cannot_be_written_costs_time_only(
    pebble: PebbleRecipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert build_scene("pebble", cache_dir=tmp_path / "kept").mesh("pebble").is_closed
    assert "could not be kept" in caplog.text


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLERKSHIP_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv("CLERKSHIP_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_root() == tmp_path / "home" / ".cache" / "clerkship"


# -- errors ----------------------------------------------------------------------------------


def test_an_unknown_scene_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(SceneError, match=r"no scene 'brian'. Known scenes: brain"):
        build_scene("brian")


def test_an_unknown_structure_is_an_error_that_lists_the_known_ones(
    pebble: PebbleRecipe, tmp_path: Path
) -> None:
    scene = build_scene("pebble", cache_dir=tmp_path)
    with pytest.raises(SceneError, match=r"no structure 'boulder'. It has: pebble"):
        scene.mesh("boulder")


def test_scene_errors_are_of_the_family_of_the_package() -> None:
    assert issubclass(SceneError, WidgetError)


def test_a_missing_source_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from clerkship_widgets.meshes import brain

    class Elsewhere:
        origin = "/nowhere/nilearn/__init__.py"

    monkeypatch.setattr(brain, "find_spec", lambda _name: Elsewhere)
    with pytest.raises(SceneError, match=r"lacks pial_left\.gii\.gz.*install nilearn"):
        brain.inputs()


# -- the brain --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    began = time.perf_counter()
    scene = build_scene("brain", cache_dir=tmp_path_factory.mktemp("scenes"))
    print(f"\nbrain made in {time.perf_counter() - began:.1f} s")
    return scene


@pytest.mark.slow
class TestBrain:
    def test_has_both_sides_of_every_structure(self, brain: Scene) -> None:
        ids = {structure.id for structure in brain.structures}
        for name in ("cerebral-cortex", "grey-white-boundary", "white-matter", "grey-matter"):
            assert {f"left-{name}", f"right-{name}"} <= ids

    def test_every_structure_says_what_it_is_and_on_what_terms(self, brain: Scene) -> None:
        groups = {group.id for group in brain.groups}
        for structure in brain.structures:
            assert structure.name.lower().startswith(structure.side)
            assert structure.group in groups
            assert len(structure.description) > 60
            assert "nilearn" in structure.source
            assert structure.licence
            assert all(term.startswith("UBERON:") for term in structure.ontology)

    def test_every_surface_is_closed_and_faces_outwards(self, brain: Scene) -> None:
        for structure in brain.structures:
            mesh = brain.mesh(structure.id)
            assert mesh.is_closed, structure.id
            assert mesh.volume_mm3 > 0, structure.id

    def test_left_is_at_positive_x(self, brain: Scene) -> None:
        for structure in brain.structures:
            x_lps_mm = brain.mesh(structure.id).points_lps_mm[:, 0]
            towards_own_side = x_lps_mm if structure.side == "left" else -x_lps_mm
            assert np.median(towards_own_side) > 20, structure.id
            # The surfaces of fsaverage cross the midline by a hair; the tissue maps are cut on it.
            assert towards_own_side.min() > -2.5, structure.id

    def test_the_frontal_pole_is_anterior_and_the_vertex_superior(self, brain: Scene) -> None:
        low, high = brain.mesh("left-cerebral-cortex").box_lps_mm
        assert low[1] == pytest.approx(-70, abs=5)  # MNI152: y = +70 mm in RAS is the frontal pole
        assert high[1] == pytest.approx(103, abs=5)  # and -103 mm the occipital one
        assert high[2] == pytest.approx(79, abs=5)

    def test_the_inner_surface_lies_inside_the_outer_one(self, brain: Scene) -> None:
        for side in ("left", "right"):
            outer = brain.mesh(f"{side}-cerebral-cortex")
            inner = brain.mesh(f"{side}-grey-white-boundary")
            assert inner.volume_mm3 < 0.8 * outer.volume_mm3
            # Mean cortical thickness is near 2.5 mm (B. Fischl, A. Dale, PNAS 97:11050-11055, 2000).
            assert 1.5 < np.median(surface_distance_mm(inner.points_lps_mm, outer)) < 3.5

    def test_the_affine_to_mni152_brings_the_surfaces_closer_to_the_template(
        self, brain: Scene
    ) -> None:
        """Without it fsaverage sits some millimetres off; with a wrong sign it would sit further off."""
        from clerkship_widgets.meshes.brain import LPS_FROM_RAS, MNI152_FROM_MNI305_RAS

        template = brain.mesh("left-white-matter")
        moved = brain.mesh("left-grey-white-boundary").points_lps_mm[::5]
        back = np.linalg.inv(LPS_FROM_RAS @ MNI152_FROM_MNI305_RAS)
        ras_mm = moved @ back[:3, :3].T + back[:3, 3]
        unmoved = ras_mm * [-1.0, -1.0, 1.0]
        assert (
            surface_distance_mm(moved, template).mean()
            < surface_distance_mm(unmoved, template).mean()
        )

    def test_the_tissue_halves_meet_on_the_midline_as_mirror_images(self, brain: Scene) -> None:
        low, high = brain.mesh("left-white-matter").box_lps_mm
        assert low[0] == pytest.approx(0.0, abs=0.02)
        right_low, right_high = brain.mesh("right-white-matter").box_lps_mm
        assert right_high[0] == pytest.approx(0.0, abs=0.02)
        assert right_low[0] == pytest.approx(-high[0], abs=0.05)

    def test_the_volumes_are_those_of_the_maps(self, brain: Scene) -> None:
        import nibabel as nib

        from clerkship_widgets.meshes.brain import inputs

        for file, name in zip(inputs()[-2:], ("white-matter", "grey-matter"), strict=True):
            probability = np.asanyarray(nib.load(file).dataobj) / 255.0
            both_mm3 = sum(brain.mesh(f"{side}-{name}").volume_mm3 for side in ("left", "right"))
            assert both_mm3 == pytest.approx((probability > 0.5).sum(), rel=0.02)

    def test_travels_light_and_precisely(self, brain: Scene) -> None:
        payloads = [len(mesh.payload) for mesh in brain.packed.values()]
        assert sum(payloads) < 1_500_000
        assert max(mesh.header.max_error_mm for mesh in brain.packed.values()) < 0.05

    def test_gyri_are_lighter_than_sulci(self, brain: Scene) -> None:
        """The convex hull touches crests only, so points near it must be the lighter ones."""
        from scipy.spatial import ConvexHull

        mesh = brain.mesh("left-cerebral-cortex")
        assert mesh.shade is not None
        hull = ConvexHull(mesh.points_lps_mm)
        assert mesh.shade[hull.vertices].mean() > mesh.shade.mean() + 40
