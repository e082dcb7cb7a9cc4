"""Annotations: what can be drawn, and what is refused at the door."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clerkship_cases import Annotation, CaseError
from clerkship_cases.annotation import KINDS, POINT_COUNTS

coordinates = st.floats(-1e6, 1e6, allow_nan=False)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\"),
    max_size=64,
)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    kind = draw(st.sampled_from(KINDS))
    fewest, most = POINT_COUNTS[kind]
    points = draw(
        st.lists(
            st.tuples(coordinates, coordinates, coordinates),
            min_size=fewest,
            max_size=min(most, 12),
        )
    )
    return Annotation.new(
        kind,
        points,
        label=draw(words),
        text=draw(words),
        **draw(
            st.sampled_from(
                [{}, {"slice_uid": "1.2.3"}, {"slice_uid": "1.2.3", "frame_number": 41}]
            )
        ),
    )


@settings(max_examples=50, deadline=None)
@given(annotations())
def test_what_goes_to_the_browser_comes_back_equal(annotation: Annotation) -> None:
    assert Annotation.from_json(json.loads(json.dumps(annotation.to_json()))) == annotation


def test_what_was_saved_before_frames_were_known_still_reads() -> None:
    annotation = Annotation.from_json(GOOD | {"slice_uid": "1.2.3"})
    assert annotation.frame_number is None
    assert set(annotation.to_json()) == {
        "uid",
        "kind",
        "points_lps_mm",
        "label",
        "text",
        "slice_uid",
    }


def test_every_new_annotation_has_its_own_dicom_uid() -> None:
    uids = {Annotation.new("length", [(0, 0, 0), (1, 1, 1)]).uid for _ in range(100)}
    assert len(uids) == 100
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)


def test_blanks_at_the_ends_are_dropped_as_dicom_drops_them() -> None:
    annotation = Annotation.new(
        "arrow", [(0, 0, 0), (1, 1, 1)], label=" lesion ", text="one\r\ntwo \n"
    )
    assert (annotation.label, annotation.text) == ("lesion", "one\ntwo")


GOOD = {"uid": "a-1", "kind": "length", "points_lps_mm": [[0, 0, 0], [1, 2, 3]]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "circle"}, "kind 'circle' is unknown; use one of length"),
        ({"kind": None}, "kind None is unknown"),
        ({"uid": ""}, "uid ''"),
        ({"uid": "../../etc"}, "uid '../../etc'"),
        ({"uid": 5}, "uid 5"),
        ({"points_lps_mm": [[0, 0, 0]]}, "a length has 2 points; 1 were given"),
        ({"points_lps_mm": [[0, 0, 0]] * 3}, "a length has 2 points; 3 were given"),
        ({"points_lps_mm": [[0, 0], [1, 1]]}, "must be three numbers"),
        ({"points_lps_mm": [[0, 0, "x"], [1, 1, 1]]}, "must be three numbers"),
        ({"points_lps_mm": "no"}, "must be a list"),
        ({"points_lps_mm": [[0, 0, float("nan")], [1, 1, 1]]}, "must be finite"[-9:]),
        ({"points_lps_mm": [[0, 0, float("inf")], [1, 1, 1]]}, "not a place in a patient"),
        ({"points_lps_mm": [[0, 0, 1e12], [1, 1, 1]]}, "not a place in a patient"),
        ({"kind": "region", "points_lps_mm": [[0, 0, 0]] * 20_001}, "3 to 20000 points; 20001"),
        ({"label": "x" * 65}, "label has 65 characters; the most is 64"),
        ({"text": "x" * 1025}, "text has 1025 characters"),
        ({"label": "a\\b"}, "without a backslash"),
        ({"label": "a\nb"}, "one line"),
        ({"label": "a\x00b"}, "control character"),
        ({"label": 5}, "label must be text"),
        ({"slice_uid": "abc"}, "not a DICOM UID"),
        ({"slice_uid": 5}, "not a DICOM UID"),
        ({"colour": "red"}, "no field colour"),
        ({"frame_number": 3}, "without the slice_uid"),
        ({"slice_uid": "1.2", "frame_number": 0}, "whole number from 1"),
        ({"slice_uid": "1.2", "frame_number": 1.5}, "whole number from 1"),
        ({"slice_uid": "1.2", "frame_number": True}, "whole number from 1"),
        ({"kind": "point"}, "a point has 1 points; 2 were given"),
    ],
)
def test_what_a_browser_may_not_send(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(CaseError, match=complaint):
        Annotation.from_json(GOOD | change)


@pytest.mark.parametrize("value", [[], "x", None, {"kind": "length"}])
def test_what_is_no_annotation_at_all(value: object) -> None:
    with pytest.raises(CaseError, match="an annotation"):
        Annotation.from_json(value)  # type: ignore[arg-type]
