"""Public headers: what an image may say about itself before an answer is given."""

from __future__ import annotations

from collections.abc import Callable

import pydicom
import pytest

from clerkship_cases import Case, open_case


def test_headers_carry_no_pixels_no_marks_and_no_vendor_groups(case: Case) -> None:
    for header in (case.images[0], case.images[-1]):
        for element in header.iterall():
            assert not element.tag.is_private, element
            assert element.tag.group not in range(0x6000, 0x6020), element
            assert element.tag.group not in range(0x5000, 0x5020), element
            assert element.keyword not in (
                "PixelData",
                "IconImageSequence",
                "DataSetTrailingPadding",
            )


def test_headers_name_nobody(case: Case) -> None:
    header = case.images[0]
    assert header.PatientID == case.id
    for keyword in (
        "PatientName",
        "PatientBirthDate",
        "AccessionNumber",
        "StudyDate",
        "StudyID",
        "ReferringPhysicianName",
    ):
        assert str(header.get(keyword)) == ""
    for keyword in (
        "PatientAddress",
        "InstitutionName",
        "OperatorsName",
        "OtherPatientIDs",
        "StationName",
    ):
        assert keyword not in header


def test_what_gives_the_answer_away_is_withheld(opened: Callable[[str], Case]) -> None:
    words = "\n".join(
        str(opened(case_id).images[0]) for case_id in ("tibia-nof", "liver-mr")
    ).lower()
    assert "fibroma" not in words
    assert "marked" not in words
    assert "lesion" not in words
    # ... and the files do say it, so the test above can fail:
    assert "fibroma" in pydicom.dcmread(opened("tibia-nof").files[0]).StudyDescription
    assert "marked lesion" in pydicom.dcmread(opened("liver-mr").files[0]).SeriesDescription


def test_the_drawn_mark_is_not_in_the_volume(opened: Callable[[str], Case]) -> None:
    case = opened("liver-mr")
    dataset = pydicom.dcmread(case.files[0])
    assert dataset.overlay_array(0x6000).any()
    assert (case.volume.array[0] == dataset.pixel_array).all()
    assert case.volume.array.max() < 2**dataset.BitsStored  # no overlay in unused high bits


@pytest.mark.parametrize("case_id", ["shoulder-mr", "chest-pa"])
def test_real_values_are_passed_on_unchanged(opened: Callable[[str], Case], case_id: str) -> None:
    case = opened(case_id)
    dataset = pydicom.dcmread(case.files[0])
    own = {
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "AccessionNumber",
    }
    for element in case.images[0]:
        if element.keyword in dataset and element.keyword not in own | {"ReferringPhysicianName"}:
            assert element.value == dataset[element.keyword].value, element.keyword


def test_headers_made_for_the_brain_are_always_the_same(opened: Callable[[str], Case]) -> None:
    first, again = opened("brain-mni152").images, open_case("brain-mni152").images
    assert first == again
    uids = [header.SOPInstanceUID for header in first]
    assert len(set(uids)) == 189
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids)
    # Answers that students saved refer to these: they may never change.
    assert uids[94] == "2.25.149831737915768809397807434319053436887"


def test_headers_made_for_the_brain_can_be_written_and_read(opened: Callable[[str], Case]) -> None:
    header = opened("brain-mni152").images[188]
    assert header.ImagePositionPatient == [-98, -98, 116]
    assert header.ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert header.PixelSpacing == [1, 1]
    assert pydicom.Dataset.from_json(header.to_json()) == header
