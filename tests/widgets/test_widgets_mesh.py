"""Meshes: volume, area and winding of shapes that are known exactly; the bytes that travel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clerkship_widgets.mesh import (
    Mesh,
    as_polydata,
    close_cracks,
    is_closed,
    largest_piece,
    mirrored,
    surface_distance_mm,
)
from clerkship_widgets.meshes.isosurface import decimated, isosurface, shade_from_volume, smoothed
from clerkship_widgets.meshes.wire import (
    FINEST_STEP_MM,
    MeshHeader,
    PackedMesh,
    WireError,
    decode,
    encode,
)

RADIUS_MM = 20.0
SPACING_MM = 1.5
BALL_MM3 = 4 / 3 * np.pi * RADIUS_MM**3
BALL_MM2 = 4 * np.pi * RADIUS_MM**2

# The corners of a 2 x 3 x 4 mm brick, and its twelve triangles seen from outside.
BRICK_MM = np.array([[x, y, z] for x in (0, 2) for y in (0, 3) for z in (0, 4)], dtype=np.float64)
BRICK = Mesh(
    BRICK_MM,
    np.array(
        [
            *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5]),
            *([0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6]),
            *([0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
        ],
        dtype=np.int32,
    ),
)


def ball_volume() -> tuple[np.ndarray, np.ndarray]:
    """A soft-edged ball, and an affine that flips x and y as an RAS file's does in LPS."""
    n = 33
    affine = np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = [30.0, 40.0, -10.0]
    middle_mm = SPACING_MM * (n - 1) / 2
    i, j, k = np.indices((n, n, n)) * SPACING_MM - middle_mm
    distance_mm = np.sqrt(i**2 + j**2 + k**2)
    values = np.clip(0.5 + (RADIUS_MM - distance_mm) / (4 * SPACING_MM), 0, 1)
    return values.astype(np.float32), affine


@pytest.fixture(scope="module")
def ball() -> Mesh:
    return isosurface(*ball_volume())


# -- shapes ---------------------------------------------------------------------------------


def test_a_brick_has_the_volume_and_the_area_of_a_brick() -> None:
    assert BRICK.volume_mm3 == pytest.approx(2 * 3 * 4)
    assert BRICK.area_mm2 == pytest.approx(2 * (2 * 3 + 3 * 4 + 2 * 4))
    assert BRICK.is_closed


def test_a_brick_turned_inside_out_has_negative_volume_and_is_put_right() -> None:
    inside_out = Mesh(BRICK_MM, BRICK.triangles[:, ::-1].copy())
    assert inside_out.volume_mm3 == pytest.approx(-24)
    assert inside_out.facing_outwards().volume_mm3 == pytest.approx(24)


def test_a_hole_or_one_reversed_triangle_means_not_closed() -> None:
    assert not is_closed(BRICK.triangles[1:])
    one_reversed = BRICK.triangles.copy()
    one_reversed[0] = one_reversed[0, ::-1]
    assert not is_closed(one_reversed)


def test_mirroring_keeps_the_volume_and_the_outside_outside() -> None:
    left = Mesh(BRICK_MM + np.array([1, 0, 0]), BRICK.triangles)
    right = mirrored(left)
    assert right.volume_mm3 == pytest.approx(24)
    assert right.points_lps_mm[:, 0].max() == pytest.approx(-1)


@given(missing=st.sets(st.integers(0, 11), min_size=1, max_size=6))
def test_cracks_are_closed_wherever_triangles_are_missing(missing: set[int]) -> None:
    cracked = np.delete(BRICK.triangles, sorted(missing), axis=0)
    mended = close_cracks(cracked)
    assert is_closed(mended)
    assert np.array_equal(mended[: len(cracked)], cracked)  # nothing that was there is touched


def test_a_closed_surface_gets_no_patches() -> None:
    assert close_cracks(BRICK.triangles) is BRICK.triangles


def test_a_filled_crack_restores_the_volume() -> None:
    mended = Mesh(BRICK_MM, close_cracks(BRICK.triangles[2:]))  # the whole face x = 0 was gone
    assert mended.volume_mm3 == pytest.approx(24)


def test_the_largest_piece_is_kept_and_its_points_renumbered() -> None:
    speck = np.array([[50.0, 0, 0], [51, 0, 0], [50, 1, 0]])
    both = Mesh(
        np.concatenate([speck, BRICK_MM]),
        np.concatenate([[[0, 1, 2]], BRICK.triangles + 3]).astype(np.int32),
    )
    kept = largest_piece(both)
    assert len(kept.points_lps_mm) == 8
    assert kept.volume_mm3 == pytest.approx(24)


def test_distance_is_measured_to_the_inside_of_triangles_not_to_their_corners() -> None:
    beside_the_face_mm = np.array([[5.0, 1.5, 2.0], [1.0, 1.5, 2.0]])  # 3 mm outside; 1 mm inside
    assert surface_distance_mm(beside_the_face_mm, BRICK) == pytest.approx([3.0, 1.0])


# -- from volumes ------------------------------------------------------------------------------


def test_the_surface_of_a_ball_is_closed_faces_outwards_and_has_its_size(ball: Mesh) -> None:
    assert ball.is_closed
    assert ball.volume_mm3 == pytest.approx(BALL_MM3, rel=0.01)
    assert ball.area_mm2 == pytest.approx(BALL_MM2, rel=0.01)


def test_the_surface_lies_where_the_affine_says(ball: Mesh) -> None:
    low, high = ball.box_lps_mm
    middle_mm = np.array([30.0, 40.0, -10.0]) + SPACING_MM * 16 * np.array([-1, -1, 1])
    assert (low + high) / 2 == pytest.approx(middle_mm, abs=0.01)
    assert (high - low) / 2 == pytest.approx([RADIUS_MM] * 3, abs=0.05)


def test_normals_point_away_from_the_middle(ball: Mesh) -> None:
    normals = as_polydata(ball).compute_normals(
        auto_orient_normals=False, consistent_normals=False, cell_normals=True, point_normals=False
    )
    middle_mm = np.mean(ball.box_lps_mm, axis=0)
    outward = normals.cell_centers().points - middle_mm
    assert (np.einsum("ij,ij->i", outward, normals["Normals"]) > 0).all()


def test_tissue_that_touches_the_edge_of_the_volume_is_closed_there() -> None:
    everywhere = np.ones((4, 5, 6), dtype=np.float32)
    box = isosurface(everywhere, np.eye(4))
    assert box.is_closed
    assert box.volume_mm3 == pytest.approx(4 * 5 * 6, rel=0.1)


def test_nothing_above_the_level_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match=r"No voxel is above 0\.5; the largest value is 0\.25"):
        isosurface(np.full((3, 3, 3), 0.25, dtype=np.float32), np.eye(4))


def test_smoothing_does_not_shrink(ball: Mesh) -> None:
    assert smoothed(ball).volume_mm3 == pytest.approx(ball.volume_mm3, rel=0.003)


def test_decimation_stays_closed_and_tells_its_error_truly(ball: Mesh) -> None:
    light = decimated(ball, 1000, measure_every=1)
    assert len(light.mesh.triangles) <= 1050
    assert light.mesh.is_closed
    assert light.mesh.volume_mm3 == pytest.approx(ball.volume_mm3, rel=0.01)
    assert light.mean_mm < light.p95_mm < light.max_mm < 0.5
    # Said the other way round, from the light mesh to the ball itself:
    middle_mm = np.mean(ball.box_lps_mm, axis=0)
    off_mm = np.abs(np.linalg.norm(light.mesh.points_lps_mm - middle_mm, axis=1) - RADIUS_MM)
    assert off_mm.max() < 0.5


def test_a_mesh_that_is_light_already_is_left_alone() -> None:
    assert decimated(BRICK, 100).mesh is BRICK


def test_a_groove_is_darker_than_a_crest() -> None:
    ridged = np.zeros((24, 24, 24), dtype=np.float32)
    ridged[:, :, :12] = 1  # a floor
    ridged[4:7, :, 12:17] = ridged[9:12, :, 12:17] = 1  # two walls with a groove between them
    surface = shade_from_volume(isosurface(ridged, np.eye(4)), ridged, np.eye(4))
    x, y, z = surface.points_lps_mm.T
    inner = (y > 6) & (y < 18)
    groove = inner & (x >= 7) & (x <= 8) & (z > 9) & (z < 12)
    crest = inner & (x > 4) & (x < 12) & (z > 16)
    assert surface.shade is not None
    assert surface.shade[groove].max() < surface.shade[crest].min()


# -- as bytes --------------------------------------------------------------------------------


def same_triangles_up_to_numbering(a: Mesh, b: Mesh, decimals: int) -> bool:
    def canonical(mesh: Mesh) -> list[bytes]:
        corners = np.round(mesh.points_lps_mm[mesh.triangles], decimals) + 0.0
        rotated = [np.roll(t, -int(np.lexsort(t.T[::-1])[0]), axis=0).tobytes() for t in corners]
        return sorted(rotated)

    return canonical(a) == canonical(b)


def test_packing_moves_no_point_further_than_it_says(ball: Mesh) -> None:
    packed = encode(ball)
    assert packed.header.step_mm == FINEST_STEP_MM
    assert packed.header.max_error_mm < 0.05
    back = decode(packed)
    nearest_mm = surface_distance_mm(back.points_lps_mm, ball)
    assert nearest_mm.max() <= packed.header.max_error_mm
    assert back.is_closed
    assert back.volume_mm3 == pytest.approx(ball.volume_mm3, rel=1e-4)


def test_packing_keeps_triangles_winding_and_shade() -> None:
    shaded = Mesh(BRICK_MM, BRICK.triangles, np.arange(0, 240, 30, dtype=np.uint8))
    back = decode(encode(shaded))
    assert same_triangles_up_to_numbering(shaded, back, decimals=6)
    assert back.shade is not None
    for point, shade in zip(back.points_lps_mm, back.shade, strict=True):
        original = np.abs(BRICK_MM - point).sum(axis=1).argmin()
        assert shade == original * 30


def test_a_body_sized_mesh_still_fits_16_bits_and_says_what_that_costs() -> None:
    tall = Mesh(BRICK_MM * 600, BRICK.triangles)  # 2.4 m
    packed = encode(tall)
    assert packed.header.step_mm == pytest.approx(2400 / 65535)
    assert np.abs(decode(packed).points_lps_mm).max() == pytest.approx(
        2400, abs=packed.header.max_error_mm
    )


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_any_triangles_survive_the_bytes(data: st.DataObject) -> None:
    n = data.draw(st.integers(3, 60))
    m = data.draw(st.integers(1, 80))
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    points_mm = random.integers(-40_000, 40_000, size=(n, 3)) * FINEST_STEP_MM / 2
    triangles = np.array([random.choice(n, 3, replace=False) for _ in range(m)], dtype=np.int32)
    mesh = Mesh(points_mm, triangles)
    packed = encode(mesh)
    assert MeshHeader.from_json(packed.header.to_json()) == packed.header
    back = decode(packed)
    assert back.area_mm2 == pytest.approx(mesh.area_mm2, rel=1e-3, abs=1.0)
    assert len(back.triangles) == m
    assert len(back.points_lps_mm) == len(np.unique(triangles))


@pytest.mark.parametrize("spoil", [lambda b: b[:-7], lambda b: b"x" + b, lambda b: b""])
def test_damaged_bytes_are_refused(spoil: object) -> None:
    packed = encode(BRICK)
    with pytest.raises(WireError, match="damaged"):
        decode(PackedMesh(packed.header, spoil(packed.payload)))  # type: ignore[operator]


def test_bytes_of_another_mesh_are_refused(ball: Mesh) -> None:
    with pytest.raises(WireError, match="its header asks for"):
        decode(PackedMesh(encode(BRICK).header, encode(ball).payload))


def test_an_empty_or_broken_mesh_is_not_packed() -> None:
    with pytest.raises(WireError, match="at least one triangle"):
        encode(Mesh(BRICK_MM, np.empty((0, 3), dtype=np.int32)))
    with pytest.raises(WireError, match="finite"):
        encode(Mesh(BRICK_MM * np.nan, BRICK.triangles))
