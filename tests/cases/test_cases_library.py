"""The library: six cases, each saying where it comes from and who says so."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clerkship_cases
from clerkship_cases import Case, CaseError, list_cases, open_case
from clerkship_cases.library import added_root, case_paths, library_root, remove_case
from clerkship_cases.licence import is_non_commercial
from clerkship_cases.record import read_case_record
from clerkship_cases.sources.package import package_file


def test_the_first_six_cases_are_there_and_many_more() -> None:
    records = {record.id: record for record in list_cases()}
    first = {"bone-scan", "brain-mni152", "chest-pa", "liver-mr", "shoulder-mr", "tibia-nof"}
    assert first < records.keys()
    kinds = Counter(record.source.kind for record in records.values())
    assert kinds["package"] >= 12
    assert kinds["url"] + kinds["idc"] >= 8
    assert list(records) == sorted(records)


def test_cases_cover_the_kinds_of_pictures_that_a_course_needs() -> None:
    modalities = Counter(record.modality for record in list_cases())
    assert modalities.keys() >= {"CR", "CT", "MG", "MR", "NM", "PT", "US"}


def test_every_case_names_source_licence_attribution_and_who_says_so() -> None:
    for record in list_cases():
        assert record.licence
        assert record.licence_code
        assert not is_non_commercial(record.licence_code)
        assert record.attribution
        assert record.said_by in ("metadata", "author")  # no clinician has spoken yet
        assert record.reviewed.level == "none"  # change this on the day a clinician has looked
        assert len(record.objectives) >= 3
        assert record.keywords


def test_cc_by_is_cited_in_full() -> None:
    """CC BY 4.0, section 3(a)(1): creators, notice of the licence with its address, changes."""
    for record in list_cases():
        if record.licence_code in ("CC-BY-3.0", "CC-BY-4.0"):
            assert "doi:10." in record.attribution
            assert "unchanged" in record.attribution
            assert (
                f"https://creativecommons.org/licenses/by/{record.licence_code[-3:]}/"
                in record.licence
            )


def test_a_case_opens_with_one_header_per_slice(case: Case) -> None:
    assert len(case.images) == case.volume.array.shape[0]
    for header in (case.images[0], case.images[-1]):
        assert (header.Rows, header.Columns) == case.volume.array.shape[1:3]


def test_a_public_record_does_not_tell_the_answer() -> None:
    """What the file's metadata gives away, for the cases with a diagnosis in it, is only in the key."""
    for record in list_cases():
        words = record.model_dump_json().lower()
        for answer in ("fibroma", "marked lesion", "stroke", "mca"):
            assert f" {answer}" not in words


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
    assert files == {"case.yml", "files.tsv"}


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


# -- cases of this machine ---------------------------------------------------------------------


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case of this machine: one real image and its list, as an import leaves them."""
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(tmp_path))
    shipped = open_case("thoracic-spine-ct")
    folder = added_root() / "cases" / "spine-of-ours"
    (folder / "images").mkdir(parents=True)
    image = folder / "images" / "1.dcm"
    image.write_bytes(shipped.files[0].read_bytes())
    content = image.read_bytes()
    (folder / "files.tsv").write_text(
        "path\tsha256\tbytes\n"
        f"images/1.dcm\t{hashlib.sha256(content).hexdigest()}\t{len(content)}\n"
    )
    text = (shipped.folder / "case.yml").read_text(encoding="utf-8")
    text = text.replace("id: thoracic-spine-ct", "id: spine-of-ours")
    head, _, rest = text.partition("source:\n")
    (folder / "case.yml").write_text(
        head + "source:\n  kind: folder\n" + rest[rest.index("windows:") :]
    )
    return folder


def test_an_added_case_is_listed_and_opens_like_any_other(added: Path) -> None:
    assert "spine-of-ours" in {record.id for record in list_cases()}
    case = open_case("spine-of-ours")
    assert case.files == (added / "images" / "1.dcm",)
    np.testing.assert_array_equal(case.volume.array, open_case("thoracic-spine-ct").volume.array)


def test_an_added_case_does_not_hide_a_shipped_one(added: Path) -> None:
    added.rename(added.with_name("tibia-nof"))
    assert case_paths()["tibia-nof"].is_relative_to(library_root())
    assert open_case("tibia-nof").record.title == "Lower leg radiograph"


def test_a_changed_image_is_not_opened(added: Path) -> None:
    image = added / "images" / "1.dcm"
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    with pytest.raises(CaseError, match=r"is not the file that files\.tsv lists"):
        open_case("spine-of-ours").files  # noqa: B018


def test_a_link_or_a_path_out_of_the_case_is_refused(added: Path, tmp_path: Path) -> None:
    image = added / "images" / "1.dcm"
    outside = tmp_path / "elsewhere.dcm"
    image.rename(outside)
    image.symlink_to(outside)
    with pytest.raises(CaseError, match="is a link"):
        open_case("spine-of-ours").files  # noqa: B018
    listed = (added / "files.tsv").read_text()
    (added / "files.tsv").write_text(listed.replace("images/1.dcm", "../../../elsewhere.dcm"))
    with pytest.raises(CaseError, match=r"without '\.\.'"):
        open_case("spine-of-ours").files  # noqa: B018


def test_an_added_case_can_be_removed_and_a_shipped_one_can_not(added: Path) -> None:
    assert remove_case("spine-of-ours") == added
    assert not added.exists()
    assert list(added.parent.iterdir()) == []
    with pytest.raises(CaseError, match="Clerkship ships, and stays"):
        remove_case("tibia-nof")
    assert (library_root() / "tibia-nof" / "case.yml").is_file()
    with pytest.raises(CaseError, match="there is no case 'spine-of-ours'"):
        remove_case("spine-of-ours")


def test_without_added_cases_there_is_no_folder_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(tmp_path / "none"))
    assert case_paths().keys() == {path.parent.name for path in library_root().glob("*/case.yml")}
    assert not (tmp_path / "none").exists()
