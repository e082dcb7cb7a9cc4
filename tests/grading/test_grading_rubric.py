"""From marks to points and an error class, on a phantom with known answers."""

import numpy as np
import pytest

from clerkship_grading.keybundle import AnnotateRubric
from clerkship_grading.rubric import ErrorClass, Mark, Scene, judge_marks
from clerkship_grading.score import centroid_lps_mm

RUBRIC = AnnotateRubric.model_validate(
    {
        "overlap": {"points": 4, "full_dice": 0.7, "zero_dice": 0.3},
        "placement": {"points": 2, "radius": 1.0},
    }
)
SPACING_MM = 2.0


def scene(*, is_calibrated: bool = True, is_patient_oriented: bool = True) -> Scene:
    """One slice, 100 x 100 pixels of 2 mm around the mid-line; the finding is on the left."""
    reference = box(left=70)
    affine = np.diag([SPACING_MM, SPACING_MM, 5.0, 1.0])
    affine[0, 3] = -99.0  # column 49.5 is the mid-line
    return Scene(
        reference, affine, (SPACING_MM, SPACING_MM, 5.0), is_calibrated, is_patient_oriented
    )


def box(left: int, top: int = 40, width: int = 10, height: int = 10) -> np.ndarray:
    mask = np.zeros((1, 100, 100), bool)
    mask[0, top : top + height, left : left + width] = True
    return mask


def marked(mask: np.ndarray, where: Scene) -> Mark:
    return Mark(mask, centroid_lps_mm(mask, where.affine_lps_mm))


def judge(*masks: np.ndarray, where: Scene | None = None, rubric: AnnotateRubric = RUBRIC):
    where = where or scene()
    return judge_marks([marked(mask, where) for mask in masks], where, rubric)


def test_the_reference_itself_earns_every_point():
    result = judge(box(left=70))
    assert (result.points, result.error_class) == (6, ErrorClass.GOOD)


def test_nothing_marked_is_missed_and_earns_nothing():
    result = judge()
    assert (result.points, result.error_class) == (0, ErrorClass.MISSED)
    assert "nothing was marked" in result.lines[0].reason


def test_the_mirror_image_is_on_the_wrong_side():
    result = judge(box(left=20))
    assert (result.points, result.error_class) == (0, ErrorClass.WRONG_SIDE)


def test_the_mirror_image_has_no_side_where_the_image_does_not_know_the_patient():
    result = judge(box(left=20), where=scene(is_patient_oriented=False))
    assert result.error_class is ErrorClass.WRONG_PLACE


def test_the_right_side_but_elsewhere_is_the_wrong_place():
    result = judge(box(left=70, top=80))
    assert (result.points, result.error_class) == (0, ErrorClass.WRONG_PLACE)
    assert "80 mm" in result.lines[1].reason  # 40 pixels of 2 mm


def test_without_a_scale_distances_are_said_in_radii_of_the_finding():
    result = judge(box(left=70, top=80), where=scene(is_calibrated=False))
    assert " mm" not in result.lines[1].reason
    assert "7.1 times" in result.lines[1].reason  # 40 px of a finding with radius 5.6 px


def test_an_outline_around_everything_is_over_called_and_loses_its_overlap():
    result = judge(box(left=50, top=20, width=50, height=50))
    assert result.error_class is ErrorClass.OVER_CALLED
    assert result.lines[0].points == 0


def test_the_finding_and_guesses_elsewhere_are_over_called():
    result = judge(box(left=70), box(left=55, top=5, width=3, height=3))
    assert result.error_class is ErrorClass.OVER_CALLED
    assert result.lines[1].points == 1  # one of two marks is in place


def test_a_part_of_the_finding_is_under_called():
    result = judge(box(left=70, width=5))
    assert result.error_class is ErrorClass.UNDER_CALLED
    assert 0 < result.points < 6


def test_an_arrow_has_a_place_but_covers_nothing():
    where = scene()
    tip = centroid_lps_mm(where.reference, where.affine_lps_mm)
    result = judge_marks([Mark(np.zeros_like(where.reference), tip)], where, RUBRIC)
    assert [line.points for line in result.lines] == [0, 2]


def test_half_way_between_the_limits_of_dice_earns_half():
    # Two equal boxes that share a half: Dice 0.5, the middle of 0.3 and 0.7.
    result = judge(box(left=75))
    assert result.lines[0].points == pytest.approx(2)


@pytest.mark.parametrize(("left", "points"), [(70, 1), (20, 0)])
def test_the_side_can_carry_points_of_its_own(left, points):
    rubric = AnnotateRubric.model_validate({"laterality": {"points": 1}})
    assert judge(box(left=left), rubric=rubric).points == points


def test_without_a_side_the_place_decides():
    rubric = AnnotateRubric.model_validate({"laterality": {"points": 1}})
    where = scene(is_patient_oriented=False)
    assert judge(box(left=70), where=where, rubric=rubric).points == 1
    lost = judge(box(left=20), where=where, rubric=rubric)
    assert lost.points == 0
    assert "can't be told" in lost.lines[0].reason


def test_a_radius_in_millimetres_replaces_the_finding_as_yardstick():
    near = box(left=70, top=60)  # 40 mm away
    rubric = AnnotateRubric.model_validate({"placement": {"points": 2, "radius_mm": 41}})
    assert judge(near, rubric=rubric).points == 2
    assert judge(near).lines[1].points == 0


def test_a_reference_that_covers_nothing_is_the_authors_mistake():
    where = scene()
    empty = Scene(np.zeros_like(where.reference), where.affine_lps_mm, where.spacing_mm, True, True)
    with pytest.raises(ValueError, match="covers no voxel"):
        judge_marks([], empty, RUBRIC)
