"""References: who read what, kept apart, checked against the images, and fused when asked."""

from __future__ import annotations

import datetime
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clerkship_cases import (
    Annotation,
    Case,
    CaseError,
    add_reference,
    open_key,
    region_mask,
    write_presentation,
    write_rtstruct,
    write_sr,
)
from clerkship_cases.reference import Reading, add_consensus, consensus, from_file
from clerkship_cases.standards.seg import write_masks

Open = Callable[[str], Case]
Mask = NDArray[np.bool_]

SAID = {
    "name": "nodule",
    "title": "A round body",
    "who": "author",
    "how": "A ball of known radius, made for a test.",
    "reviewed": "none",
}


@pytest.fixture
def brain(opened: Open) -> Case:
    return opened("brain-mni152")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def ball(case: Case, radius: float, shift: int = 0) -> Mask:
    k, j, i = np.ogrid[tuple(slice(n) for n in case.volume.array.shape)]
    return np.asarray((k - 90) ** 2 + (j - 110) ** 2 + (i - 90 - shift) ** 2 < radius**2)


def square(case: Case, k: int = 90, side: float = 20) -> Annotation:
    corners = [(80, 80, k), (80 + side, 80, k), (80 + side, 80 + side, k), (80, 80 + side, k)]
    return Annotation.new(
        "region",
        case.volume.patient_from_voxel(corners),
        slice_uid=str(case.images[min(k, len(case.images) - 1)].SOPInstanceUID),
    )


def add(case: Case, drawn: object, root: Path, reader: str = "r1", **more: object) -> Path:
    return add_reference(case, drawn, root=root, reader=reader, **(SAID | more))  # type: ignore[arg-type]


# -- what a key keeps --------------------------------------------------------------


def test_one_outline_is_kept_as_it_was_drawn(brain: Case, root: Path) -> None:
    drawn = square(brain)
    path = add(brain, drawn, root, date=datetime.date(2026, 3, 1))
    finding = open_key(brain.id, root).finding("nodule")
    assert path == root / brain.id / "key.yml"
    assert finding.annotation.points_lps_mm == drawn.points_lps_mm
    assert finding.annotation.slice_uid == drawn.slice_uid
    assert (finding.reader, finding.date, finding.mask) == ("r1", datetime.date(2026, 3, 1), None)
    np.testing.assert_array_equal(finding.voxels(brain), region_mask(drawn, brain.volume))


def test_a_body_over_many_slices_is_kept_voxel_by_voxel(brain: Case, root: Path) -> None:
    mask = ball(brain, 9)
    add(brain, mask, root)
    finding = open_key(brain.id, root).finding("nodule")
    np.testing.assert_array_equal(finding.voxels(brain), mask)
    # Where one shape is needed: the outline on the slice where it is largest.
    outline = region_mask(finding.annotation, brain.volume)
    np.testing.assert_array_equal(np.flatnonzero(outline.any(axis=(1, 2))), [90])
    np.testing.assert_array_equal(outline[90], mask[90])


def test_outlines_on_several_slices_are_their_union(brain: Case, root: Path) -> None:
    drawn = [square(brain, 90), square(brain, 91, side=10)]
    add(brain, drawn, root)
    expected = region_mask(drawn[0], brain.volume) | region_mask(drawn[1], brain.volume)
    np.testing.assert_array_equal(
        open_key(brain.id, root).finding("nodule").voxels(brain), expected
    )


def test_points_are_parts_of_one_finding(brain: Case, root: Path) -> None:
    places = brain.volume.patient_from_voxel([(80, 80, 90), (90, 85, 90)])
    add(brain, [Annotation.new("point", [place]) for place in places], root)
    parts = open_key(brain.id, root).readers("nodule")["r1"]
    assert [part.annotation.points_lps_mm[0] for part in parts] == [tuple(p) for p in places]
    with pytest.raises(CaseError, match="kind point has no inside"):
        parts[0].voxels(brain)


@pytest.mark.slow
def test_a_slice_of_a_cine_is_named_with_its_frame(opened: Open, root: Path) -> None:
    cine = opened("heart-us-cine")
    mask = np.zeros(cine.volume.array.shape[:3], bool)
    mask[41, 100:120, 100:150] = True
    mask[42, 100:110, 100:150] = True
    add(cine, mask, root)
    finding = open_key(cine.id, root).finding("nodule")
    assert finding.annotation.frame_number == cine.frame_numbers[41]
    np.testing.assert_array_equal(finding.voxels(cine), mask)


def test_a_key_is_for_its_owner_only(brain: Case, root: Path) -> None:
    path = add(brain, ball(brain, 5), root)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert not [file for file in path.parent.iterdir() if file.suffix == ".part"]


# -- readers -----------------------------------------------------------------------


def test_readers_are_kept_apart(brain: Case, root: Path) -> None:
    for n, radius in enumerate((8, 9, 10)):
        add(brain, ball(brain, radius), root, reader=f"r{n}")
    key = open_key(brain.id, root)
    assert list(key.readers("nodule")) == ["r0", "r1", "r2"]
    sizes = [int(key.finding("nodule", f"r{n}").voxels(brain).sum()) for n in range(3)]
    assert sizes == [int(ball(brain, radius).sum()) for radius in (8, 9, 10)]
    assert key.finding("nodule").reader == "r0"  # nothing is fused: the first one counts
    with pytest.raises(CaseError, match="no reading by 'r9'; it has: r0, r1, r2"):
        key.finding("nodule", "r9")


@pytest.mark.slow
def test_a_reader_replaces_only_their_own_reading_and_only_when_they_say_so(
    brain: Case, root: Path
) -> None:
    add(brain, ball(brain, 8), root, reader="r0")
    path = add(brain, ball(brain, 9), root, reader="r1")
    before = path.read_text(encoding="utf-8")
    with pytest.raises(CaseError, match="'r1' has already read 'nodule'"):
        add(brain, ball(brain, 10), root, reader="r1")
    assert path.read_text(encoding="utf-8") == before
    add(brain, ball(brain, 10), root, reader="r1", replace=True)
    key = open_key(brain.id, root)
    assert key.finding("nodule", "r0").voxels(brain).sum() == ball(brain, 8).sum()
    assert key.finding("nodule", "r1").voxels(brain).sum() == ball(brain, 10).sum()
    assert len(list(path.parent.glob("*.seg.dcm"))) == 2  # the old file is gone


@pytest.mark.slow
def test_a_consensus_says_from_whom_and_is_what_answers_are_compared_with(
    brain: Case, root: Path
) -> None:
    masks = [ball(brain, 9, shift) for shift in (0, 1, -1)]
    for n, mask in enumerate(masks):
        add(brain, mask, root, reader=f"r{n}", who="clinician" if n else "author")
    add_consensus(brain, "nodule", method="majority", root=root)
    key = open_key(brain.id, root)
    fused = key.finding("nodule")
    assert (fused.reader, fused.made_from) == ("consensus", ("r0", "r1", "r2"))
    assert fused.who == "author"  # no more than the weakest of its parts
    assert "more than half" in fused.how
    assert "r2" in fused.how
    np.testing.assert_array_equal(fused.voxels(brain), consensus(masks, "majority").mask)
    assert [part.reader for part in key.reference("nodule")] == ["consensus"]
    add_consensus(brain, "nodule", method="staple", replace=True, root=root)
    again = open_key(brain.id, root).finding("nodule")
    assert again.made_from == ("r0", "r1", "r2")  # not from the earlier consensus
    np.testing.assert_array_equal(again.voxels(brain), consensus(masks).mask)


def test_one_reader_makes_no_consensus(brain: Case, root: Path) -> None:
    add(brain, ball(brain, 8), root)
    with pytest.raises(CaseError, match="has 1 reading; a consensus needs two"):
        add_consensus(brain, "nodule", root=root)


def test_two_readers_who_add_at_the_same_moment_both_get_in(brain: Case, root: Path) -> None:
    _ = brain.images, brain.volume
    problems: list[BaseException] = []

    def work(n: int) -> None:
        try:
            add(brain, square(brain, side=10 + n), root, reader=f"r{n}")
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(open_key(brain.id, root).readers("nodule")) == [f"r{n}" for n in range(6)]


# -- where keys are ----------------------------------------------------------------


def test_a_reading_of_a_case_that_ships_with_a_key_is_added_beside_it(
    brain: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Path(__file__).resolve().parents[2] / "cases" / "keys"
    before = (shipped / brain.id / "key.yml").read_bytes()
    monkeypatch.setenv("CLERKSHIP_KEYS", f"{shipped}:{tmp_path / 'mine'}")
    add_reference(brain.id, square(brain), reader="r1", **SAID)  # type: ignore[arg-type]
    assert (shipped / brain.id / "key.yml").read_bytes() == before
    names = [finding.name for finding in open_key(brain.id).findings]
    assert names == ["left-lateral-ventricle", "nodule"]
    assert (tmp_path / "mine" / brain.id / "key.yml").is_file()


# -- what is refused ---------------------------------------------------------------


def beyond(case: Case) -> Annotation:
    return Annotation.new("point", case.volume.patient_from_voxel([(500, 5, 5)]))


def elsewhere(case: Case) -> Annotation:
    return Annotation.new("point", case.volume.patient_from_voxel([(5, 5, 5)]), slice_uid="1.2.3")


def off_slice(case: Case) -> Annotation:
    return Annotation.new(
        "point",
        case.volume.patient_from_voxel([(5, 5, 5)]),
        slice_uid=str(case.images[9].SOPInstanceUID),
    )


def speck(case: Case) -> Annotation:
    return Annotation.new(
        "region", case.volume.patient_from_voxel([(5.2, 5.2, 5), (5.4, 5.2, 5), (5.3, 5.4, 5)])
    )


@pytest.mark.parametrize(
    ("draw", "complaint"),
    [
        (beyond, "reaches beyond the images"),
        (elsewhere, "does not belong to the case"),
        (off_slice, "names slice 9 .* but does not lie on it"),
        (speck, "holds none. Draw it larger"),
        (lambda _case: [], "nothing was drawn"),
        (lambda case: np.zeros(case.volume.array.shape, bool), "mask is empty"),
        (lambda _case: np.ones((2, 2, 2), bool), r"shape \(2, 2, 2\)"),
        (lambda case: np.full(case.volume.array.shape, 3, np.uint8), "other than 0 and 1"),
        (lambda case: [square(case), beyond(case)], "reaches beyond"),
    ],
)
def test_what_is_not_inside_the_images_of_the_case_is_no_reference(
    brain: Case, root: Path, draw: Callable[[Case], object], complaint: str
) -> None:
    with pytest.raises(CaseError, match=complaint):
        add(brain, draw(brain), root)
    assert not root.exists()


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("reader", "Dr. Jane Doe", "a pseudonym or a role, not a name"),
        ("reader", "../r1", "reader: "),
        ("name", "a/b", "name: "),
        ("who", "rumour", "who: "),
        ("reviewed", "panel", "reviewed_by must say who looked"),
        ("reviewed", "twice", "reviewed: "),
    ],
)
def test_a_reading_that_does_not_say_who_stands_for_it_is_refused(
    brain: Case, root: Path, field: str, value: str, complaint: str
) -> None:
    path = add(brain, square(brain), root, reader="r0")
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(CaseError, match=complaint):
        add(brain, square(brain, side=9), root, **{field: value})
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_file_that_was_changed_afterwards_is_not_believed(brain: Case, root: Path) -> None:
    path = add(brain, ball(brain, 6), root)
    (file,) = path.parent.glob("*.seg.dcm")
    file.write_bytes(file.read_bytes()[:-2] + b"\xff\xff")
    finding = open_key(brain.id, root).finding("nodule")
    with pytest.raises(CaseError, match="not the file that the key was written with"):
        finding.voxels(brain)
    file.unlink()
    with pytest.raises(CaseError, match="can't be read"):
        finding.voxels(brain)


def test_a_folder_that_can_not_be_written_is_named(brain: Case, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(CaseError, match="can't be written"):
        add(brain, square(brain), tmp_path / "keys")


# -- from standard files -----------------------------------------------------------


def test_every_standard_file_of_a_case_is_a_reading(brain: Case, tmp_path: Path) -> None:
    mask, drawn = ball(brain, 6), square(brain)
    files = {
        "seg": write_masks(tmp_path / "seg.dcm", brain, {"ball": mask}, observer="r1"),
        "sr": write_sr(tmp_path / "sr.dcm", brain, [drawn], observer="r1"),
        "rt": write_rtstruct(tmp_path / "rt.dcm", brain, observer="r1", masks={"ball": mask}),
        "pr": write_presentation(tmp_path / "pr.dcm", brain, [drawn], observer="r1"),
    }
    for kind, path in files.items():
        assert path is not None
        (reading,) = from_file(path, brain)
        if kind in ("seg", "rt"):
            assert reading.mask is not None
            np.testing.assert_array_equal(reading.mask, mask)
        else:
            np.testing.assert_allclose(
                reading.annotations[0].points_lps_mm, drawn.points_lps_mm, atol=1e-4
            )


def test_a_clinical_segmentation_becomes_a_reference_with_its_term(
    test_data: Path, case_of_files: Callable[..., Case], root: Path
) -> None:
    folder = test_data / "dcmqi-ct3-liver-seg"
    case = case_of_files("liver-ct", sorted((folder / "ct").glob("*.dcm")))
    (reading,) = from_file(folder / "seg_liver.dcm", case)
    assert (reading.label, reading.code.value) == ("Liver", "10200004")  # type: ignore[union-attr]
    add(case, reading, root, name="liver", who="metadata", title="The liver")
    finding = open_key(case.id, root).finding("liver")
    assert finding.voxels(case).sum(axis=(1, 2)).tolist() == [36_233, 35_645, 35_220]
    (again,) = from_file(root / case.id / finding.mask.file, case)  # type: ignore[union-attr]
    assert again.code == reading.code


def test_a_plan_gives_a_reading_per_structure(
    test_data: Path, case_of_files: Callable[..., Case]
) -> None:
    folder = test_data / "rtstruct-dicompyler"
    case = case_of_files("breast-ct", [folder / "ct.0.dcm"])
    readings = {reading.label: reading for reading in from_file(folder / "rtss.dcm", case)}
    body = readings["BODY"].mask
    assert body is not None
    assert body.sum() > 40_000
    assert isinstance(readings["Areola"], Reading)
    assert readings["Areola"].mask is None


def test_the_marks_in_an_image_are_readings_the_largest_first(opened: Open) -> None:
    """The overlay of the liver image: the lesion's outline, and two orientation symbols."""
    case = opened("liver-mr")
    lesion, *symbols = from_file(case.files[0], case)
    assert lesion.label == "Siemens MedCom Object Graphics"
    assert lesion.mask is not None
    assert lesion.mask.sum() == 920
    keys = Path(__file__).resolve().parents[2] / "cases" / "keys"
    reference = open_key("liver-mr", keys).finding("marked-lesion")
    np.testing.assert_array_equal(lesion.mask, reference.voxels(case))
    assert len(symbols) == 2


def test_an_image_without_marks_is_no_reading(brain: Case, opened: Open, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="MR Image Storage; a reference is read from"):
        from_file(opened("liver-mr").files[0], brain)
    (tmp_path / "notes.txt").write_text("the nodule is on the left", encoding="utf-8")
    with pytest.raises(CaseError, match="not a DICOM file that can be read"):
        from_file(tmp_path / "notes.txt", brain)
