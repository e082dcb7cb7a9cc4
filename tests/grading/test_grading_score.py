"""Scoring functions against analytic values, properties, and SimpleITK."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clerkship_grading.score import (
    Side,
    best_dice_nearby,
    centroid_lps_mm,
    dice,
    equivalent_radius_mm,
    jaccard,
    linear_credit,
    placement_credit,
    score_choice,
    score_choices,
    score_number,
    side_of,
)

masks = arrays(bool, (2, 4, 5))


def disc(radius_px: float, centre_xy: tuple[float, float], slices: int = 1) -> np.ndarray:
    y, x = np.mgrid[0:200, 0:200]
    flat = (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= radius_px**2
    return np.repeat(flat[None], slices, axis=0)


# -- overlap ---------------------------------------------------------------------------


@given(masks, masks)
def test_dice_is_symmetric_and_lies_between_0_and_1(first, second):
    assert dice(first, second) == dice(second, first)
    assert 0 <= dice(first, second) <= 1


@given(masks)
def test_a_mask_agrees_with_itself(mask):
    assert dice(mask, mask) == 1


@given(masks, masks)
def test_jaccard_follows_from_dice_and_is_never_larger(first, second):
    union = np.count_nonzero(first | second)
    expected = np.count_nonzero(first & second) / union if union else 1.0
    assert jaccard(first, second) == pytest.approx(expected)
    assert jaccard(first, second) <= dice(first, second)


def test_an_empty_mask_against_a_full_one_is_0():
    assert dice(np.zeros((1, 3, 3), bool), np.ones((1, 3, 3), bool)) == 0


def test_dice_of_two_discs_matches_the_lens_between_them():
    radius, shift = 50.0, 30.0
    lens = 2 * radius**2 * math.acos(shift / (2 * radius)) - shift / 2 * math.sqrt(
        4 * radius**2 - shift**2
    )
    analytic = lens / (math.pi * radius**2)
    assert dice(disc(radius, (80, 100)), disc(radius, (110, 100))) == pytest.approx(
        analytic, abs=5e-3
    )


def test_dice_agrees_with_simpleitk():
    import SimpleITK as sitk  # noqa: N813

    rng = np.random.default_rng(1)
    first, second = rng.random((2, 3, 20, 30)) > 0.6
    judge = sitk.LabelOverlapMeasuresImageFilter()
    judge.Execute(*(sitk.GetImageFromArray(m.astype(np.uint8)) for m in (first, second)))
    assert dice(first, second) == pytest.approx(judge.GetDiceCoefficient())
    assert jaccard(first, second) == pytest.approx(judge.GetJaccardCoefficient())


def test_masks_of_different_cases_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(1, 2, 2\) and \(1, 3, 3\)"):
        dice(np.ones((1, 2, 2), bool), np.ones((1, 3, 3), bool))


def test_an_outline_in_the_neighbouring_slice_counts_when_the_rubric_forgives_it():
    reference = np.zeros((5, 8, 8), bool)
    reference[2, 2:6, 2:6] = True
    drawn = np.roll(reference, 2, axis=0)
    assert [best_dice_nearby(drawn, reference, n) for n in (0, 1, 2, 99)] == [0, 0, 1, 1]


def test_an_outline_moved_out_of_the_stack_does_not_come_back_at_its_other_end():
    reference, drawn = np.zeros((2, 3, 4, 4), bool)
    reference[0], drawn[2] = True, True
    assert best_dice_nearby(drawn, reference, 1) == 0


@given(st.floats(0, 1))
def test_linear_credit_is_clipped_between_0_and_1(value):
    credit = linear_credit(value, 0.3, 0.7)
    assert 0 <= credit <= 1
    assert (credit == 0) == (value <= 0.3)
    assert (credit == 1) == (value >= 0.7)


# -- placement and side --------------------------------------------------------------------


def test_the_centre_of_a_mask_is_in_patient_coordinates():
    mask = np.zeros((4, 5, 6), bool)
    mask[2, 1:4, 3] = True  # k=2, j=2 (mean), i=3
    affine = np.array([[0, 0, 3.0, 10], [0.5, 0, 0, -20], [0, 0.25, 0, 5], [0, 0, 0, 1]])
    np.testing.assert_allclose(centroid_lps_mm(mask, affine), [16, -18.5, 5.5])


def test_the_centre_of_a_mask_agrees_with_simpleitk():
    import SimpleITK as sitk  # noqa: N813

    mask = disc(20, (70, 90), slices=3)
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing((0.5, 0.7, 4.0))
    image.SetOrigin((-30.0, 12.0, 5.0))
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(image)
    affine = np.diag([0.5, 0.7, 4.0, 1.0])
    affine[:3, 3] = [-30, 12, 5]
    np.testing.assert_allclose(centroid_lps_mm(mask, affine), shape.GetCentroid(1), atol=1e-9)


def test_an_empty_mask_has_no_centre():
    with pytest.raises(ValueError, match="no centre"):
        centroid_lps_mm(np.zeros((1, 2, 2), bool), np.eye(4))


def test_a_disc_has_its_own_radius_in_millimetres():
    assert equivalent_radius_mm(disc(40, (100, 100)), (0.5, 0.5, 9.0)) == pytest.approx(
        20, rel=5e-3
    )


def test_a_ball_has_its_own_radius_whatever_the_slice_thickness():
    z, y, x = np.mgrid[-20:21, -40:41, -40:41]
    ball = (z * 2.0) ** 2 + y**2 + x**2 <= 30**2
    assert equivalent_radius_mm(ball, (1.0, 1.0, 2.0)) == pytest.approx(30, rel=5e-3)


def test_guessing_around_costs_the_share_of_the_wrong_guesses():
    assert placement_credit([1.0], 5) == 1
    assert placement_credit([1.0, 50, 60, 70], 5) == 0.25
    assert placement_credit([], 5) == 0


@pytest.mark.parametrize(
    ("x_mm", "side"),
    [([3, 9], Side.LEFT), ([-3, -9], Side.RIGHT), ([-3, 9], Side.MIDLINE), ([], Side.MIDLINE)],
)
def test_positive_x_is_the_patients_left(x_mm, side):
    assert side_of(np.array([[x, 0, 0] for x in x_mm], float)) is side


@given(arrays(float, (3, 3), elements=st.floats(1, 100)))
def test_a_mirrored_mark_is_on_the_other_side(points):
    assert side_of(points) is Side.LEFT
    assert side_of(points * [-1, 1, 1]) is Side.RIGHT


# -- quiz ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ticked", "credit", "verdict"),
    [
        ([], 0, "blank"),
        (["meta"], 1, "right"),
        (["dia"], 0, "wrong"),
        (["meta", "dia"], 0, "wrong"),
        (["meta", "meta"], 1, "right"),
        (["no-such-option"], 0, "wrong"),
    ],
)
def test_one_choice_is_all_or_nothing(ticked, credit, verdict):
    result = score_choice(ticked, ["meta"])
    assert (result.credit, result.verdict) == (credit, verdict)


@pytest.mark.parametrize(
    ("ticked", "credit", "verdict"),
    [
        ([], 0, "blank"),
        (["a"], 0.5, "partly"),
        (["a", "b"], 1, "right"),
        (["a", "b", "x"], 0.5, "partly"),
        (["a", "x"], 0, "wrong"),
        (["x", "y"], 0, "wrong"),
        (["a", "b", "x", "y"], 0, "wrong"),
    ],
)
def test_several_choices_earn_and_cost_per_option(ticked, credit, verdict):
    result = score_choices(ticked, ["a", "b"], ["a", "b", "x", "y"])
    assert (result.credit, result.verdict) == (credit, verdict)


options = st.sets(st.sampled_from("abcdef"), min_size=2)


@given(options, st.data())
def test_ticking_everything_or_nothing_earns_nothing(everything, data):
    right = data.draw(st.sets(st.sampled_from(sorted(everything)), min_size=1))
    if right != everything:
        assert score_choices(everything, right, everything).credit == pytest.approx(0)
    assert score_choices([], right, everything).credit == 0
    assert score_choices(right, right, everything).credit == 1


@given(options, st.data())
def test_one_more_right_tick_never_costs_and_one_more_wrong_tick_never_earns(everything, data):
    right = data.draw(st.sets(st.sampled_from(sorted(everything)), min_size=1))
    ticked = data.draw(st.sets(st.sampled_from(sorted(everything))))
    before = score_choices(ticked, right, everything).credit
    for option in everything - ticked:
        after = score_choices(ticked | {option}, right, everything).credit
        assert (after >= before) if option in right else (after <= before)


@pytest.mark.parametrize(
    ("value", "unit", "credit"),
    [
        (38.6, None, 1),
        (40.6, "mm", 1),
        (40.7, "mm", 0),
        (36.6, " mm ", 1),
        (38.6, "cm", 0),
        (math.nan, None, 0),
        (math.inf, None, 0),
        (-38.6, None, 0),
    ],
)
def test_a_number_is_right_within_its_tolerance_and_in_its_unit(value, unit, credit):
    assert score_number(value, 38.6, 2.0, unit="mm", given_unit=unit).credit == credit


def test_the_limit_of_a_tolerance_is_not_lost_to_binary_fractions():
    assert score_number(0.3, 0.2, 0.1).credit == 1
