"""Windows and the reference rendering."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pydicom
import pydicom.data
import pytest

from clerkship_cases import Case, CaseError, Window
from clerkship_cases.dicom import volume_from_dicom
from clerkship_cases.display import to_grey, windows_for


def test_every_case_has_a_default_window_and_the_full_range(case: Case) -> None:
    windows = case.volume.windows
    low, high = float(case.volume.array.min()), float(case.volume.array.max())
    assert any(  # the last one, unless the author named the same range
        window.center - window.width / 2 <= low and high <= window.center + window.width / 2
        for window in windows
    )
    assert len({window.name for window in windows}) == len(windows)
    assert len({(window.center, window.width) for window in windows}) == len(windows)


def test_the_default_window_of_every_case_shows_something(case: Case) -> None:
    """Neither black nor white all over: at least a tenth of the non-background is mid-grey."""
    volume = case.volume
    middle = volume.array[volume.array.shape[0] // 2]
    grey = to_grey(middle, volume.windows[0], inverted=volume.inverted)[middle > middle.min()]
    assert ((grey > 25) & (grey < 230)).mean() > 0.1


@pytest.mark.parametrize(
    ("value", "grey"), [(0, 0), (50, 0), (100, 127), (149, 252), (150, 255), (400, 255)]
)
def test_a_linear_window_follows_the_formula_of_the_standard(value: int, grey: int) -> None:
    """PS3.3 C.11.2.1.2.1 with c = 100, w = 100: black up to 50, white from 149 on... by the formula."""
    window = Window("", 100.5, 100)
    share = min(max((value - 100) / 99 + 0.5, 0), 1)
    assert to_grey(np.array(value), window, inverted=False) == round(share * 255)
    assert abs(int(to_grey(np.array(value), window, inverted=False)) - grey) <= 3


def test_rendering_agrees_with_pydicoms_voi_lut() -> None:
    dataset = pydicom.dcmread(
        pydicom.data.get_testdata_file("MR-SIEMENS-DICOM-WithOverlays.dcm", download=False)
    )
    volume, _ = volume_from_dicom([dataset])
    theirs = pydicom.pixels.processing.apply_windowing(dataset.pixel_array, dataset, index=0)
    top = float(2**dataset.BitsStored - 1)
    ours = to_grey(volume.array[0], volume.windows[0], inverted=False)
    np.testing.assert_allclose(ours, theirs / top * 255, atol=0.51)


def test_monochrome1_is_shown_bright_where_values_are_low(opened: Callable[[str], Case]) -> None:
    volume = opened("tibia-nof").volume
    grey = to_grey(volume.array, volume.windows[0], inverted=volume.inverted)[0]
    air, bone = (1000, 560), (500, 820)  # (row, column): beside the leg; in the shaft
    assert volume.array[0][air] > volume.array[0][bone]
    assert grey[air] < grey[bone]


def test_ct_is_offered_the_usual_windows() -> None:
    names = [window.name for window in windows_for(np.arange(27).reshape(3, 3, 3), "CT")]
    assert names[:5] == ["soft tissue", "lung", "bone", "brain", "liver"]


def test_a_table_in_the_file_becomes_a_window_over_its_span() -> None:
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("vlut_04.dcm", download=False))
    volume, _ = volume_from_dicom([dataset])
    entries, first, _bits = dataset.VOILUTSequence[0].LUTDescriptor
    window = volume.windows[0]
    assert (window.center - window.width / 2, window.width) == (first, entries)


def test_a_modality_table_is_applied_before_anything_else() -> None:
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("mlut_18.dcm", download=False))
    volume, _ = volume_from_dicom([dataset])
    np.testing.assert_array_equal(
        volume.array[0], pydicom.pixels.processing.apply_modality_lut(dataset.pixel_array, dataset)
    )


def test_an_image_of_one_value_still_has_a_window() -> None:
    assert [window.name for window in windows_for(np.full((1, 2, 2), 7), "MR")] == ["full range"]


@pytest.mark.parametrize(
    ("center", "width"), [(0, 0), (0, -1), (float("nan"), 1), (0, float("inf"))]
)
def test_a_window_that_shows_nothing_is_refused(center: float, width: float) -> None:
    with pytest.raises(CaseError, match="width greater than 0"):
        Window("odd", center, width)
