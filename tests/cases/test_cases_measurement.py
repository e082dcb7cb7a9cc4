"""Measuring and rasterising: known shapes on known grids, right to 1 % or better."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clerkship_cases import Annotation, Case, CaseError, Volume, measure, region_mask
from clerkship_cases.raster import fill_polygon, polygon_area

# 40 slices 2 mm apart, rows 0.8 mm, columns 0.5 mm apart: every axis has its own spacing.
SPACING_MM = np.array([0.5, 0.8, 2.0])


def grid(turn: np.ndarray | None = None, *, calibrated: bool = True) -> Volume:
    """Phantom whose value at (i, j, k) is i + 1000 k, turned in the patient."""
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) * SPACING_MM
    affine[:3, 3] = (-50, 20, 7)
    k, _j, i = np.indices((40, 150, 200))
    return Volume((i + 1000 * k).astype(np.uint16), affine, "1", "MR", is_calibrated=calibrated)


OBLIQUE, _ = np.linalg.qr(np.array([[0.9, -0.2, 0.3], [0.3, 0.8, -0.4], [-0.1, 0.5, 0.9]]))


def circle_ijk(
    center: tuple[float, float, float], radius_mm: float, axes: tuple[int, int], corners: int = 400
) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    points = np.tile(np.array(center, float), (corners, 1))
    points[:, axes[0]] += radius_mm * np.cos(angle) / SPACING_MM[axes[0]]
    points[:, axes[1]] += radius_mm * np.sin(angle) / SPACING_MM[axes[1]]
    return points


PLANES = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}


@pytest.mark.parametrize("turn", [None, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("axes", PLANES.values(), ids=PLANES)
def test_area_of_a_circle_on_any_plane_is_right_to_one_percent(
    turn: np.ndarray | None, axes: tuple[int, int]
) -> None:
    volume = grid(turn)
    points = volume.patient_from_voxel(circle_ijk((100, 75, 20), 25.0, axes))
    circle = Annotation.new("region", points)
    found = measure(circle, volume)
    assert found["area"] == pytest.approx(math.pi * 25**2, rel=0.001)
    assert found["unit"] == "mm²"
    cell = SPACING_MM[axes[0]] * SPACING_MM[axes[1]]
    assert region_mask(circle, volume).sum() * cell == pytest.approx(math.pi * 25**2, rel=0.01)


@pytest.mark.parametrize("axes", PLANES.values(), ids=PLANES)
def test_a_region_on_a_reformat_fills_that_plane_only(axes: tuple[int, int]) -> None:
    volume = grid()
    mask = region_mask(
        Annotation.new("region", volume.patient_from_voxel(circle_ijk((100, 75, 20), 20.0, axes))),
        volume,
    )
    constant = ({0, 1, 2} - set(axes)).pop()
    indices = np.argwhere(mask)[:, ::-1]  # (i, j, k)
    assert set(indices[:, constant]) == {(100, 75, 20)[constant]}
    np.testing.assert_allclose(indices.mean(axis=0), (100, 75, 20), atol=0.05)


@pytest.mark.parametrize("turn", [None, OBLIQUE], ids=["straight", "oblique"])
def test_length_is_measured_in_the_patient(turn: np.ndarray | None) -> None:
    volume = grid(turn)
    ends = volume.patient_from_voxel([(10, 20, 5), (30, 70, 10)])
    expected = math.hypot(20 * 0.5, 50 * 0.8, 5 * 2.0)
    assert measure(Annotation.new("length", ends), volume) == {
        "length": pytest.approx(expected),
        "unit": "mm",
    }


@pytest.mark.parametrize("angle_deg", [0.001, 30, 90, 150, 179.999])
def test_an_angle_is_the_one_between_its_arms(angle_deg: float) -> None:
    angle = math.radians(angle_deg)
    points = [(10, 0, 0), (0, 0, 0), (7 * math.cos(angle), 7 * math.sin(angle), 0)]
    assert measure(Annotation.new("angle", points), grid())["angle_deg"] == pytest.approx(
        angle_deg, abs=1e-9
    )


def test_an_angle_without_an_arm_is_refused() -> None:
    with pytest.raises(CaseError, match="arm of length 0"):
        measure(Annotation.new("angle", [(0, 0, 0), (0, 0, 0), (1, 0, 0)]), grid())


@pytest.mark.parametrize("turn_deg", [0, 30, 77])
def test_area_of_an_ellipse_and_the_voxels_in_it(turn_deg: float) -> None:
    volume, angle = grid(), math.radians(turn_deg)
    major = np.array([math.cos(angle), math.sin(angle), 0]) * 24
    minor = np.array([-math.sin(angle), math.cos(angle), 0]) * 11
    center = volume.patient_from_voxel((100, 75, 20))
    ellipse = Annotation.new(
        "ellipse", [center - major, center + major, center - minor, center + minor]
    )
    found = measure(ellipse, volume)
    assert found["area"] == pytest.approx(math.pi * 24 * 11)
    assert found["voxels"] * 0.5 * 0.8 == pytest.approx(math.pi * 24 * 11, rel=0.01)
    assert found["mean"] == pytest.approx(20_100)  # i + 1000 k at the centre, by symmetry


def test_values_inside_a_rectangle_are_exact() -> None:
    volume = grid()
    corners = [
        (9.5, 4.5, 3),
        (19.5, 4.5, 3),
        (19.5, 7.5, 3),
        (9.5, 7.5, 3),
    ]  # columns 10..19, rows 5..7
    found = measure(Annotation.new("region", volume.patient_from_voxel(corners)), volume)
    values = 3000 + np.arange(10, 20)
    assert found == {
        "area": pytest.approx(10 * 0.5 * 3 * 0.8),
        "unit": "mm²",
        "mean": pytest.approx(values.mean()),
        "sd": pytest.approx(values.std()),
        "min": 3010,
        "max": 3019,
        "voxels": 30,
        "value_unit": "1",
    }


def test_lengths_without_spacing_are_said_in_pixels(opened: Callable[[str], Case]) -> None:
    volume = opened("chest-pa").volume
    assert measure(Annotation.new("length", [(0, 0, 0), (30, 40, 0)]), volume) == {
        "length": 50,
        "unit": "px",
    }
    square = Annotation.new(
        "region", [(9.5, 9.5, 0), (19.5, 9.5, 0), (19.5, 19.5, 0), (9.5, 19.5, 0)]
    )
    assert measure(square, volume)["unit"] == "px²"
    assert measure(square, volume)["area"] == pytest.approx(100)


def test_an_arrow_measures_nothing_and_has_no_inside() -> None:
    arrow = Annotation.new("arrow", [(0, 0, 0), (1, 1, 1)])
    assert measure(arrow, grid()) == {}
    with pytest.raises(CaseError, match="kind arrow has no inside"):
        region_mask(arrow, grid())


def test_a_shape_between_voxel_centres_has_an_area_but_no_values() -> None:
    volume = grid()
    tiny = Annotation.new(
        "region", volume.patient_from_voxel([(10.2, 5.2, 3), (10.8, 5.2, 3), (10.5, 5.8, 3)])
    )
    found = measure(tiny, volume)
    assert found["area"] == pytest.approx(0.5 * 0.6 * 0.6 * 0.5 * 0.8)
    assert "mean" not in found
    assert not region_mask(tiny, volume).any()


def test_a_shape_oblique_to_the_grid_is_refused() -> None:
    corners = grid().patient_from_voxel([(10, 10, 3), (50, 10, 13), (50, 60, 23)])
    with pytest.raises(CaseError, match="oblique to the image grid"):
        region_mask(Annotation.new("region", corners), grid())


def test_a_shape_on_a_slice_that_does_not_exist_is_refused() -> None:
    corners = grid().patient_from_voxel([(10, 10, 99), (50, 10, 99), (50, 60, 99)])
    with pytest.raises(CaseError, match="slice 99, where 0 to 39 exist"):
        region_mask(Annotation.new("region", corners), grid())


def test_what_hangs_over_the_edge_is_cut_off() -> None:
    volume = grid()
    corners = [(-20, -20, 3), (4.5, -20, 3), (4.5, 2.5, 3), (-20, 2.5, 3)]
    assert (
        region_mask(Annotation.new("region", volume.patient_from_voxel(corners)), volume).sum()
        == 5 * 3
    )


def test_an_outline_that_crosses_itself_keeps_all_it_winds_around() -> None:
    """A figure of eight has two halves of opposite turn; neither may vanish, in mask or in area."""
    eight = np.array([(0, 0), (20, 20), (20, 0), (0, 20)], float) + 10.25
    assert polygon_area(eight) == pytest.approx(200, rel=0.005)
    assert fill_polygon(eight, (50, 50)).sum() == pytest.approx(200, rel=0.06)


def test_a_loop_in_a_freehand_line_makes_no_hole() -> None:
    outer = [(0, 0), (30, 0), (30, 30), (0, 30)]
    inner = [
        (5, 5),
        (15, 5),
        (15, 15),
        (5, 15),
    ]  # walked the same way round, from and back to a corner
    twice = np.array([*outer, (0, 0), *inner, (5, 5)], float) + 5.5
    assert fill_polygon(twice, (50, 50))[15, 15]
    assert polygon_area(twice) == pytest.approx(900, rel=0.005)


hundredths = st.integers(-500, 3500).map(lambda n: n / 100)
corners = st.tuples(hundredths, hundredths)
quick = settings(max_examples=50, deadline=None)


@quick
@given(st.lists(corners, min_size=3, max_size=12), st.integers(1, 11))
def test_starting_elsewhere_or_going_round_backwards_changes_nothing(
    points: list[tuple[float, float]], start: int
) -> None:
    outline = np.array(points)
    mask = fill_polygon(outline, (30, 30))
    assert (fill_polygon(np.roll(outline, start, axis=0), (30, 30)) == mask).all()
    assert (fill_polygon(outline[::-1], (30, 30)) == mask).all()


@quick
@given(st.tuples(*[st.integers(0, 29)] * 4), st.floats(-0.9, 0.9))
def test_neighbours_share_no_voxel_and_leave_none_out(
    ends: tuple[int, int, int, int], shift: float
) -> None:
    """Cut the plane along any line, through voxel centres too: each pixel belongs to one side."""
    u0, v0, u1, v1 = ends
    if v0 == v1:
        v1 += 1
    slope = (u1 - u0) / (v1 - v0)
    top, bottom = u0 + slope * (-10 - v0) + shift, u0 + slope * (40 - v0) + shift
    left = fill_polygon(np.array([(-1e4, -10), (top, -10), (bottom, 40), (-1e4, 40)]), (30, 30))
    right = fill_polygon(np.array([(1e4, -10), (top, -10), (bottom, 40), (1e4, 40)]), (30, 30))
    assert not (left & right).any()
    assert (left | right).all()


@quick
@given(st.lists(corners, min_size=3, max_size=12))
def test_no_pixel_outside_the_outlines_box_is_filled(points: list[tuple[float, float]]) -> None:
    outline = np.array(points)
    for row, column in np.argwhere(fill_polygon(outline, (30, 30))):
        assert (outline.min(axis=0) - 1e-9 <= (column, row)).all()
        assert (outline.max(axis=0) + 1e-9 >= (column, row)).all()


def test_a_region_on_a_colour_image_has_an_area_but_no_mean(opened: Callable[[str], Case]) -> None:
    """Three numbers a voxel have no one mean; the area and the voxels stay."""
    case = opened("lymph-node-us")
    assert case.volume.is_colour
    corners = [(10.5, 10.5, 0), (30.5, 10.5, 0), (30.5, 25.5, 0), (10.5, 25.5, 0)]
    region = Annotation.new("region", case.volume.patient_from_voxel(corners))
    measured = measure(region, case.volume)
    column_mm, row_mm, _ = case.volume.spacing_mm
    assert measured["area"] == pytest.approx(300 * column_mm * row_mm)
    assert measured["voxels"] == 300
    assert "mean" not in measured


def test_a_point_has_a_place_and_nothing_to_measure(opened: Callable[[str], Case]) -> None:
    assert measure(Annotation.new("point", [(0, 0, 0)]), opened("brain-mni152").volume) == {}
