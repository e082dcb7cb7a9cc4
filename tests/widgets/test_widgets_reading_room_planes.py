"""Planes: every pixel on the screen is a voxel of the source, at its place in the patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clerkship_cases import Volume, open_case
from clerkship_widgets.planes import acquired_plane, planes_of


def turned(rx_deg: float, ry_deg: float, rz_deg: float) -> np.ndarray:
    x, y, z = np.radians([rx_deg, ry_deg, rz_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def phantom(
    rotation: np.ndarray,
    spacing_mm: tuple[float, float, float],
    order: tuple[int, ...],
    signs: tuple[int, ...],
) -> Volume:
    """A volume in which every voxel has a value of its own, lying any way round in the patient."""
    shape = (16, 17, 18)
    affine = np.eye(4)
    affine[:3, :3] = rotation[:, order] * np.array(signs) * np.array(spacing_mm)
    affine[:3, 3] = (-31.5, 12.25, 400)
    values = np.arange(np.prod(shape)).reshape(shape).astype(np.uint16)
    return Volume(values, affine, "1", "MR", frame_of_reference_uid="1.2.3")


@given(
    angles=st.tuples(*[st.floats(-40, 40)] * 3),
    spacing_mm=st.tuples(*[st.floats(0.3, 5)] * 3),
    order=st.permutations(range(3)).map(tuple),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    place=st.tuples(*[st.floats(0, 0.999)] * 3),
)
@settings(max_examples=100, deadline=None)
def test_a_pixel_of_a_plane_is_the_voxel_at_its_patient_point(
    angles: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
    order: tuple[int, ...],
    signs: tuple[int, ...],
    place: tuple[float, float, float],
) -> None:
    volume = phantom(turned(*angles), spacing_mm, order, signs)
    for plane in (*planes_of(volume), acquired_plane(volume)):
        column, row, index = (
            int(share * size) for share, size in zip(place, plane.size, strict=True)
        )
        point_lps_mm = plane.patient_from_plane((column, row, index))
        i, j, k = np.rint(volume.voxel_from_patient(point_lps_mm)).astype(int)
        assert np.allclose(volume.patient_from_voxel((i, j, k)), point_lps_mm, atol=1e-6)
        assert plane.image(volume, index)[row, column] == volume.array[k, j, i]
        if plane.source_slice(index) is not None:
            assert plane.source_slice(index) == k


def test_planes_follow_the_radiological_convention_however_the_volume_is_stored() -> None:
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        for signs in ((1, 1, 1), (-1, 1, -1), (-1, -1, -1)):
            volume = phantom(np.eye(3), (1, 1, 1), order, signs)
            letters = {plane.name: plane.letters for plane in planes_of(volume)}
            assert letters == {
                "axial": ("R", "L", "A", "P"),
                "coronal": ("R", "L", "S", "I"),
                "sagittal": ("A", "P", "S", "I"),
            }


def test_a_leaning_plane_says_so_with_two_letters() -> None:
    volume = phantom(turned(0, 0, 30), (1, 1, 1), (0, 1, 2), (1, 1, 1))
    axial = planes_of(volume)[0]
    assert axial.letters == ("RA", "LP", "AL", "PR")


def test_the_template_is_read_in_three_planes_and_a_radiograph_in_one() -> None:
    assert [plane.name for plane in planes_of(open_case("brain-mni152").volume)] == [
        "axial",
        "coronal",
        "sagittal",
    ]
    assert [plane.name for plane in planes_of(open_case("tibia-nof").volume)] == ["acquired"]


def test_a_mirrored_radiograph_carries_the_letters_of_its_file() -> None:
    case = open_case("tibia-nof")  # PatientOrientation R\F
    plane = acquired_plane(case.volume, patient_orientation=case.images[0].PatientOrientation)
    assert plane.letters == ("L", "R", "H", "F")


def test_an_image_that_is_nowhere_in_the_patient_has_no_letters() -> None:
    volume = Volume(np.zeros((1, 4, 4), np.uint8), np.eye(4), "1", "CR", is_calibrated=False)
    assert acquired_plane(volume).letters == ()


def test_there_is_no_slice_beyond_the_last() -> None:
    volume = open_case("tibia-nof").volume
    with pytest.raises(IndexError, match="0 to 0"):
        acquired_plane(volume).image(volume, 1)
