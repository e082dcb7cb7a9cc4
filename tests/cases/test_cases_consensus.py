"""What several readers agree on, against SimpleITK and against the definition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clerkship_cases import Case, CaseError, consensus, disagreement
from clerkship_cases.standards.seg import read_segments

Masks = list[NDArray[np.bool_]]


def balls() -> Masks:
    """Four readers of one ball: two good ones, a timid one, and one who is a few pixels off."""
    z, y, x = np.ogrid[:16, :48, :48]

    def ball(cz: float, cy: float, cx: float, radius: float) -> NDArray[np.bool_]:
        return np.asarray((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < radius**2)

    return [ball(8, 24, 24, 7), ball(8, 25, 24, 7.5), ball(9, 24, 23, 5.5), ball(8, 29, 24, 7)]


def noisy() -> Masks:
    random = np.random.default_rng(7)
    return [mask ^ (random.random(mask.shape) < 0.02) for mask in balls()]


def staple_of_itk(masks: Masks) -> tuple[NDArray[np.float64], list[float], list[float]]:
    staple = SimpleITK.STAPLEImageFilter()
    staple.SetForegroundValue(1)
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    probability = SimpleITK.GetArrayFromImage(staple.Execute(images))
    return probability, list(staple.GetSensitivity()), list(staple.GetSpecificity())


def one_more_round(
    masks: Masks, sensitivity: list[float], specificity: list[float]
) -> tuple[NDArray[np.float64], list[float], list[float]]:
    """One step of the algorithm, voxel by voxel, as the paper writes it."""
    read = np.stack(masks)
    prior = read.mean()
    shape = (-1,) + (1,) * (read.ndim - 1)
    p, q = np.reshape(sensitivity, shape), np.reshape(specificity, shape)
    inside = prior * np.where(read, p, 1 - p).prod(axis=0)
    outside = (1 - prior) * np.where(read, 1 - q, q).prod(axis=0)
    weight = inside / (inside + outside)
    return (
        weight,
        [float(weight[own].sum() / weight.sum()) for own in read],
        [float((1 - weight)[~own].sum() / (1 - weight).sum()) for own in read],
    )


@pytest.fixture(params=["balls", "noisy", pytest.param("dcmqi", marks=pytest.mark.slow)])
def masks(request: pytest.FixtureRequest, case_of_files: Callable[..., Case]) -> Masks:
    """Drawn, drawn with noise, and a clinical liver that two more readers outlined differently."""
    if request.param != "dcmqi":
        made: Masks = {"balls": balls, "noisy": noisy}[request.param]()
        return made
    folder: Path = request.getfixturevalue("test_data") / "dcmqi-ct3-liver-seg"
    case = case_of_files("liver-ct", sorted((folder / "ct").glob("*.dcm")))
    (liver,) = read_segments(folder / "seg_liver.dcm", case)
    return [liver.mask, np.roll(liver.mask, 4, axis=1), np.roll(liver.mask, (2, 5), axis=(1, 2))]


def test_staple_agrees_with_simpleitk(masks: Masks) -> None:
    """SimpleITK stops a little sooner: its own estimate, carried on, arrives at ours."""
    ours = consensus(masks, "staple")
    probability, sensitivity, specificity = staple_of_itk(masks)
    np.testing.assert_allclose(ours.sensitivity, sensitivity, atol=1e-6)
    np.testing.assert_allclose(ours.specificity, specificity, atol=1e-6)
    np.testing.assert_allclose(ours.probability, probability, atol=2e-5)
    np.testing.assert_array_equal(ours.mask, probability >= 0.5)
    for _ in range(60):
        probability, sensitivity, specificity = one_more_round(masks, sensitivity, specificity)
    np.testing.assert_allclose(ours.probability, probability, atol=1e-9)
    np.testing.assert_allclose(ours.sensitivity, sensitivity, atol=1e-9)


def test_staple_tells_a_good_reader_from_a_timid_one() -> None:
    found = consensus(balls(), "staple")
    good, other, timid, _off = found.sensitivity
    assert timid < 0.7 < good
    assert timid < other
    assert all(q > 0.98 for q in found.specificity)
    assert found.rounds > 3


def test_the_majority_is_what_more_than_half_have_marked() -> None:
    read = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    found = consensus(list(read), "majority")
    assert found.mask.tolist() == [True, True, False, False]
    assert found.probability.tolist() == [1, 2 / 3, 1 / 3, 0]
    assert found.sensitivity == (1, 1, 0.5)
    assert found.specificity == (0.5, 1, 1)
    even = consensus([read[0], read[2]], "majority")
    assert even.mask.tolist() == [True, False, False, False]  # a tie is left out


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.sampled_from(["staple", "majority"]))
def test_readers_who_agree_are_the_consensus(seed: int, readers: int, method: str) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((4, 6, 5)) < 0.3
    mask[0, 0, 0], mask[1, 1, 1] = True, False
    found = consensus([mask] * readers, method)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_allclose(found.sensitivity, 1)
    np.testing.assert_allclose(found.specificity, 1)
    assert disagreement([mask] * readers).map.max() == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_the_order_of_the_readers_does_not_matter(seed: int, readers: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random((6, 9, 8)) < 0.3
    truth[0, 0, 0] = True
    masks = [truth ^ (random.random(truth.shape) < 0.1) for _ in range(readers)]
    masks[0][0, 0, 0] = True
    one, other = consensus(masks), consensus(masks[::-1])
    np.testing.assert_allclose(one.probability, other.probability, atol=1e-7)
    np.testing.assert_allclose(one.sensitivity, other.sensitivity[::-1], atol=1e-7)
    np.testing.assert_array_equal(disagreement(masks).map, disagreement(masks[::-1]).map)


def test_disagreement_is_greatest_where_the_readers_are_split_in_half() -> None:
    read = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    found = disagreement(list(read))
    assert found.share.tolist() == [1, 0.75, 0.25, 0]
    assert found.map[[0, 3]].tolist() == [0, 0]
    assert found.map[1] == found.map[2] == pytest.approx(0.8112781)  # entropy of 1/4, in bits
    assert found.disputed == 2
    assert found.dice[1, 2] == 1
    assert found.dice[0, 3] == pytest.approx(2 * 1 / (3 + 1))
    assert found.mean_dice == pytest.approx(found.dice[np.triu_indices(4, 1)].mean())
    assert disagreement([read[0], ~read[0]]).map.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("masks", "complaint"),
    [
        ([np.ones((2, 2), bool)], "1 readings were given; 2 to 20"),
        ([np.ones((2, 2), bool), np.ones((2, 3), bool)], "on the grid of one case"),
        ([np.zeros((2, 2), bool)] * 2, "nothing to agree on"),
        ([np.full((2, 2), 0.4)] * 2, "threshold it first"),
        ([np.ones((2, 2), bool)] * 21, "21 readings"),
    ],
)
def test_what_can_not_be_compared(masks: Masks, complaint: str) -> None:
    for compare in (consensus, disagreement):
        with pytest.raises(CaseError, match=complaint):
            compare(masks)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(CaseError, match="'average' is unknown; use 'staple' or 'majority'"):
        consensus([np.ones((2, 2), bool)] * 2, "average")  # type: ignore[arg-type]


@pytest.mark.slow
def test_five_readers_of_a_whole_chest_take_seconds_not_minutes() -> None:
    """35 million voxels: the iteration runs over 32 patterns of votes."""
    import time

    random = np.random.default_rng(1)
    truth = np.zeros((135, 512, 512), bool)
    truth[40:80, 100:300, 120:280] = True
    masks = [truth.copy() for _ in range(5)]
    for mask in masks:
        k, j, i = (random.integers(0, n - 40) for n in mask.shape)
        mask[k : k + 30, j : j + 30, i : i + 30] ^= True
    began = time.perf_counter()
    found = consensus(masks)
    assert time.perf_counter() - began < 20
    assert (found.mask ^ truth).sum() == 0
