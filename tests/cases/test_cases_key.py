"""Keys: who says what, and shapes that can be made again from the images."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from clerkship_cases import Case, CaseError, measure, open_case, region_mask
from clerkship_cases.key import Key, key_root, key_roots, open_key
from clerkship_cases.outline import connected_area, outline_px
from clerkship_cases.raster import fill_polygon, polygon_area
from clerkship_cases.standards.overlay import enclosed_areas, overlay_planes

KEYS = Path(__file__).resolve().parents[2] / "cases" / "keys"
KEY_IDS = sorted(path.parent.name for path in KEYS.glob("*/key.yml"))


@pytest.fixture(params=KEY_IDS)
def key(request: pytest.FixtureRequest) -> Key:
    return open_key(request.param, KEYS)


def test_every_finding_says_who_how_and_whether_it_was_reviewed(key: Key) -> None:
    for finding in key.findings:
        assert finding.who in ("metadata", "author", "clinician", "pathology")
        assert len(finding.how) > 40
        assert finding.reviewed == "none"  # change this test on the day a clinician has looked


def test_every_finding_lies_on_its_slice_of_its_case(key: Key) -> None:
    case = open_case(key.case)
    for finding in key.findings:
        mask = region_mask(finding.annotation, case.volume)
        slices = set(np.flatnonzero(mask.any(axis=(1, 2))))
        assert finding.annotation.slice_uid is not None
        assert slices == {case.slice_index(finding.annotation.slice_uid)}
        assert finding.annotation.label == finding.name


def test_the_left_lateral_ventricle_can_be_made_again_by_its_stated_rule(
    opened: Callable[[str], Case],
) -> None:
    finding = open_key("brain-mni152", KEYS).finding("left-lateral-ventricle")
    volume = opened("brain-mni152").volume
    i, j, k = np.rint(volume.voxel_from_patient(finding.numbers["seed_lps_mm"])).astype(int)
    area = connected_area(volume.array[k], (int(i), int(j)), float(finding.numbers["t1_below"]))  # type: ignore[arg-type]
    np.testing.assert_array_equal(region_mask(finding.annotation, volume)[k], area)
    assert area.sum() == finding.numbers["pixels"]


def test_the_left_lateral_ventricle_is_on_the_patients_left_and_dark(
    opened: Callable[[str], Case],
) -> None:
    volume = opened("brain-mni152").volume
    finding = open_key("brain-mni152", KEYS).finding("left-lateral-ventricle")
    x, _y, z = np.array(finding.annotation.points_lps_mm).T
    assert x.min() > 0  # +x is left in LPS
    assert set(z) == {22}
    right = region_mask(finding.annotation, volume)[:, :, ::-1]
    assert not (right & region_mask(finding.annotation, volume)).any()
    inside = measure(finding.annotation, volume)
    assert inside["max"] < 121
    assert inside["area"] == pytest.approx(443, rel=0.01)


def test_the_seed_of_the_rule_must_lie_in_the_fluid(opened: Callable[[str], Case]) -> None:
    with pytest.raises(CaseError, match="not below 121"):
        connected_area(opened("brain-mni152").volume.array[94], (98, 98), 121)


def test_the_liver_reference_is_the_mark_of_the_file(opened: Callable[[str], Case]) -> None:
    case = opened("liver-mr")
    (plane,) = overlay_planes(pydicom.dcmread(case.files[0]))
    finding = open_key("liver-mr", KEYS).finding("marked-lesion")
    assert finding.who == "metadata"
    mark = enclosed_areas(plane)[0]
    np.testing.assert_array_equal(region_mask(finding.annotation, case.volume)[0], mark)
    x, _y, _z = np.mean(finding.annotation.points_lps_mm, axis=0)
    assert x < 0  # the patient's right, where the liver is


def test_the_tibia_reference_is_darker_than_the_bone_around_it(
    opened: Callable[[str], Case],
) -> None:
    """A lucency: in MONOCHROME1 its values are higher than those of the bone beside it."""
    volume = opened("tibia-nof").volume
    finding = open_key("tibia-nof", KEYS).finding("lesion")
    inside = region_mask(finding.annotation, volume)[0]
    rim = ndimage.binary_dilation(inside, iterations=6) & ~ndimage.binary_dilation(
        inside, iterations=1
    )
    assert np.median(volume.array[0][inside]) > np.median(volume.array[0][rim]) + 10


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**63 - 1))
def test_an_outline_of_pixels_fills_the_same_pixels_again(bits: int) -> None:
    pixels = np.array([bits >> n & 1 for n in range(63)], bool).reshape(9, 7)
    pixels[4, 3] = True
    area = ndimage.binary_fill_holes(connected_area(~pixels, (3, 4), 0.5))  # one part, no holes
    outline = np.array(outline_px(area))
    np.testing.assert_array_equal(fill_polygon(outline, (9, 7)), area)
    assert polygon_area(outline) == pytest.approx(area.sum())


def test_an_empty_area_has_no_outline() -> None:
    with pytest.raises(CaseError, match="empty area"):
        outline_px(np.zeros((3, 3), bool))


def test_nothing_clinical_is_said_of_the_bone_scan() -> None:
    key = open_key("bone-scan", KEYS)
    assert key.findings == ()
    assert {fact.who for fact in key.facts} == {"metadata"}


def test_keys_are_found_where_the_deployment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_KEYS", str(tmp_path))
    assert key_root() == tmp_path
    with pytest.raises(CaseError, match="teacher's side only"):
        open_key("tibia-nof")
    monkeypatch.delenv("CLERKSHIP_KEYS")
    assert key_root() == KEYS


@pytest.mark.parametrize("name", ["../keys/tibia-nof", "..", "", "none"])
def test_a_key_that_is_not_there(name: str) -> None:
    with pytest.raises(CaseError, match="there is no key"):
        open_key(name, KEYS)


def test_the_maker_of_an_older_key_is_who_it_names() -> None:
    """Keys written before readers were kept apart name none: then ``who`` is the reader."""
    finding = open_key("tibia-nof", KEYS).finding("lesion")
    assert (finding.reader, finding.who) == ("author", "author")
    assert (finding.date, finding.reviewed_by, finding.made_from) == (None, None, ())


def test_several_roots_are_one_key_and_the_last_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (KEYS / "tibia-nof" / "key.yml").read_text(encoding="utf-8")
    (tmp_path / "tibia-nof").mkdir()
    (tmp_path / "tibia-nof" / "key.yml").write_text(
        text.replace("    who: author", "    who: author\n    reader: second"), encoding="utf-8"
    )
    monkeypatch.setenv("CLERKSHIP_KEYS", f"{KEYS}{os.pathsep}{tmp_path}")
    assert key_roots() == (KEYS, tmp_path)
    assert list(open_key("tibia-nof").readers("lesion")) == ["author", "second"]
    assert list(open_key("tibia-nof", KEYS).readers("lesion")) == ["author"]


def test_added_keys_lie_beside_the_added_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLERKSHIP_KEYS", raising=False)
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(tmp_path))
    assert key_roots() == (KEYS, tmp_path / "keys")


def test_a_review_names_the_reviewer(tmp_path: Path) -> None:
    text = (KEYS / "tibia-nof" / "key.yml").read_text(encoding="utf-8")
    path = tmp_path / "tibia-nof" / "key.yml"
    path.parent.mkdir()
    path.write_text(text.replace("reviewed: none", "reviewed: second reader"), encoding="utf-8")
    with pytest.raises(CaseError, match="reviewed_by must say who looked"):
        open_key("tibia-nof", tmp_path)
    signed = "reviewed: second reader\n    reviewed_by: radiologist-2\n    reviewed_on: 2026-05-04"
    path.write_text(text.replace("reviewed: none", signed), encoding="utf-8")
    finding = open_key("tibia-nof", tmp_path).finding("lesion")
    assert (finding.reviewed, finding.reviewed_by) == ("second reader", "radiologist-2")
    assert finding.reviewed_on == datetime.date(2026, 5, 4)


def test_an_unknown_finding_lists_the_known_ones() -> None:
    with pytest.raises(CaseError, match="it has: lesion"):
        open_key("tibia-nof", KEYS).finding("tumour")


@pytest.mark.parametrize(
    ("line", "replacement", "complaint"),
    [
        ("    who: author", "    who: nobody", r"key\.yml:\d+: findings.0.who"),
        ("      kind: region", "      kind: length", "a length has 2 points"),
        ("case: tibia-nof", "case: chest-pa", "they must be equal"),
        ("    reviewed: none", "    reviewed: maybe", r"key\.yml:\d+: findings.0.reviewed"),
        ("    reviewed: none", "    reader: Dr Who", r"key\.yml:\d+: findings.0.reader"),
    ],
)
def test_a_mistake_in_a_key_is_named(
    tmp_path: Path, line: str, replacement: str, complaint: str
) -> None:
    text = (KEYS / "tibia-nof" / "key.yml").read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "tibia-nof").mkdir()
    (tmp_path / "tibia-nof" / "key.yml").write_text(
        text.replace(line, replacement), encoding="utf-8"
    )
    with pytest.raises(CaseError, match=complaint):
        open_key("tibia-nof", tmp_path)
