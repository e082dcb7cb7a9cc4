"""The library: six cases, each saying where it comes from and who says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clerkship_cases
from clerkship_cases import Case, CaseError, list_cases, open_case
from clerkship_cases.library import library_root
from clerkship_cases.record import read_case_record
from clerkship_cases.sources.package import package_file


def test_the_six_cases_are_there() -> None:
    assert [record.id for record in list_cases()] == [
        "bone-scan",
        "brain-mni152",
        "chest-pa",
        "liver-mr",
        "shoulder-mr",
        "tibia-nof",
    ]


def test_every_case_names_source_licence_attribution_and_who_says_so() -> None:
    for record in list_cases():
        assert record.source.package
        assert len(record.source.sha256) == 64
        assert record.licence
        assert record.attribution
        assert record.said_by == "metadata"
        assert record.objectives


def test_a_case_opens_with_one_header_per_slice(case: Case) -> None:
    assert len(case.images) == case.volume.array.shape[0]
    for header in (case.images[0], case.images[-1]):
        assert (header.Rows, header.Columns) == case.volume.array.shape[1:]


def test_a_public_record_does_not_tell_the_answer() -> None:
    for record in list_cases():
        words = record.model_dump_json().lower()
        assert "fibroma" not in words
        assert "marked lesion" not in words


@pytest.mark.parametrize(
    "case_id", ["no-such-case", "../keys/tibia-nof", "", "Tibia-NOF", "tibia-nof/", ".", 7]
)
def test_an_unknown_case_lists_the_known_ones(case_id: object) -> None:
    with pytest.raises(CaseError, match="tibia-nof"):
        open_case(case_id)  # type: ignore[arg-type]


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, clerkship_cases; "
        "print([m for m in ('numpy', 'pydicom', 'highdicom', 'nibabel', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_all_public_names_exist() -> None:
    for name in clerkship_cases.__all__:
        assert callable(getattr(clerkship_cases, name))
    assert set(clerkship_cases.__all__) <= set(dir(clerkship_cases))
    with pytest.raises(AttributeError, match="no_such_name"):
        clerkship_cases.no_such_name  # noqa: B018


def test_nothing_of_an_image_is_copied_into_the_repository() -> None:
    files = {path.name for path in library_root().rglob("*") if path.is_file()}
    assert files == {"case.yml"}


def test_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(CaseError, match="pip install no-such-distribution"):
        package_file("no-such-distribution", "a.dcm", "0" * 64)


def test_a_missing_file_and_a_changed_file_are_told_apart() -> None:
    with pytest.raises(CaseError, match="is not in the installed package"):
        package_file("pydicom-data", "data_store/data/none.dcm", "0" * 64)
    with pytest.raises(CaseError, match="is not the file this case was made from"):
        package_file("pydicom-data", "data_store/data/RG3_UNCR.dcm", "0" * 64)


@pytest.mark.parametrize(
    ("line", "replacement", "complaint"),
    [
        ("id: tibia-nof", "id: other", "they must be equal"),
        (
            "difficulty: introductory",
            "difficulty: easy",
            r"case.yml:\d+: difficulty: .*introductory",
        ),
        ("modality: CR", "modalty: CR", r"case.yml:\d+: modalty: no such field"),
        ("title: Lower leg radiograph", "titel: x", "title: this field is required"),
        ("  file: data_store/data/RG3_UNCR.dcm", "  file: ../../etc/passwd", "without '..'"),
        ("said_by: metadata", "said_by: rumour", "said_by"),
        ("modality: CR", "modality: [", r"case.yml:\d+: "),
    ],
)
def test_a_mistake_in_a_record_is_named_with_its_line(
    tmp_path: Path, line: str, replacement: str, complaint: str
) -> None:
    text = (library_root() / "tibia-nof" / "case.yml").read_text(encoding="utf-8")
    assert line in text
    path = tmp_path / "tibia-nof" / "case.yml"
    path.parent.mkdir()
    path.write_text(text.replace(line, replacement), encoding="utf-8")
    with pytest.raises(CaseError, match=complaint) as caught:
        read_case_record(path)
    assert str(path) in str(caught.value)


def test_the_line_of_a_mistake_is_the_line_of_the_file(tmp_path: Path) -> None:
    text = (library_root() / "tibia-nof" / "case.yml").read_text(encoding="utf-8")
    changed = text.replace("format: dicom", "format: jpeg")
    number = changed.splitlines().index("  format: jpeg") + 1
    path = tmp_path / "tibia-nof" / "case.yml"
    path.parent.mkdir()
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(CaseError, match=f"case.yml:{number}: source.format"):
        read_case_record(path)


def test_the_bone_scan_holds_every_count_of_the_camera(opened: Callable[[str], Case]) -> None:
    case = opened("bone-scan")
    assert (
        int(case.volume.array.sum(dtype=np.int64)) == case.images[0].CountsAccumulated == 3_596_452
    )


def test_the_brain_equals_its_mirror_image_as_its_record_says(
    opened: Callable[[str], Case],
) -> None:
    array = opened("brain-mni152").volume.array
    assert (array == array[:, :, ::-1]).all()
