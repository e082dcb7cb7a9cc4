"""``clerkship cases``: what a person sees, and what another program reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from clerkship_cases import open_case
from clerkship_cases.library import added_root
from clerkship_hub.cli import app


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fetched, nothing added."""
    monkeypatch.setenv("CLERKSHIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(tmp_path / "library"))
    monkeypatch.delenv("CLERKSHIP_MIRROR", raising=False)


def run(*arguments: str, answer: str | None = None) -> Result:
    finished = CliRunner().invoke(app, ["cases", *arguments], input=answer)
    assert "Traceback" not in finished.output
    return finished


def read(*arguments: str) -> Any:
    finished = run(*arguments, "--json")
    assert finished.exit_code == 0, finished.output
    return json.loads(finished.stdout)


def test_the_list_is_an_array_of_records_with_their_kind_of_source() -> None:
    records = read("list")
    assert {record["source"]["kind"] for record in records} >= {"package", "url", "idc"}
    assert len({record["id"] for record in records}) == len(records) >= 20


def test_a_person_sees_one_line_per_case() -> None:
    lines = run("list").stdout.splitlines()
    assert len(lines) == len(read("list"))
    (line,) = (line for line in lines if line.startswith("liver-ct-dcmqi"))
    assert line.split()[1] == "CT"
    assert line.endswith("url")


def test_a_case_is_shown_with_all_that_a_student_may_know() -> None:
    shown = run("show", "heart-us-cine").stdout
    for text in (
        "Ultrasound of the heart",
        "licence",
        "attribution",
        "by nobody yet",
        "1 file on this",
    ):
        assert text in shown
    assert "clerkship cases get liver-ct-dcmqi" in run("show", "liver-ct-dcmqi").stdout


def test_the_library_is_searched() -> None:
    assert [hit["id"] for hit in read("search", "pancreas")] == ["abdomen-ct-pancreas-0001"]
    assert "tibia-nof" in run("search", "--finding", "fibroma").stdout
    assert "No case fits" in run("search", "unicorn").stdout


@pytest.mark.slow
def test_the_commons_are_searched_without_a_network() -> None:
    found = read("search", "--idc", "chest", "CT", "nodule", "with", "expert", "contours")
    assert "lidc_idri" in {one["collection"] for one in found["collections"][:2]}
    shown = run("search", "--idc", "--collection", "lctsc", "--modality", "CT").stdout
    assert "60 series in 1 collection" in shown
    assert "clerkship cases get --idc" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "none"), "there is no case 'none'"),
        (("get", "none"), "there is no case 'none'"),
        (("get",), "say which case, or --idc SERIES"),
        (("check", "none"), "there is no case 'none'"),
        (("remove", "tibia-nof"), "Clerkship ships, and stays"),
        (("search", "--idc", "lung", "--finding", "x"), "leave out --idc"),
        (("search", "lung", "--with", "SEG"), "belong to --idc"),
        (("deidentify", "nowhere", "out"), "nowhere does not exist"),
        (("add", "nowhere.zip"), "nowhere.zip"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], complaint: str) -> None:
    finished = run(*arguments)
    assert finished.exit_code == 1
    assert finished.stderr.startswith("clerkship: ")
    assert complaint in finished.stderr


def test_a_case_is_got_from_a_mirror_once(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_MIRROR", str(test_data / "dcmqi-ct3-liver-seg" / "ct"))
    (got,) = read("get", "liver-ct-dcmqi")
    assert got == {"case": "liver-ct-dcmqi", "files": 3, "bytes": 1_579_422, "new_files": 3}
    assert "3 files, 1.6 MB, already here" in run("get", "liver-ct-dcmqi").stdout
    (verdict,) = read("check", "liver-ct-dcmqi")
    assert (verdict["state"], verdict["slices"]) == ("in order", 3)
    run("get", "liver-ct-dcmqi", "--to", str(tmp_path / "out"))
    assert len(list((tmp_path / "out" / "liver-ct-dcmqi").glob("*.dcm"))) == 3


@pytest.mark.slow
def test_a_series_of_the_commons_is_got_from_a_mirror(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = "1.3.6.1.4.1.14519.5.2.1.7009.2403.879445243400782656317561081015"
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / uid).symlink_to(test_data / "acrin-nsclc-042" / "pet_ac")
    monkeypatch.setenv("CLERKSHIP_MIRROR", str(mirror))
    (got,) = read("get", "--idc", uid)
    assert (got["files"], got["licence_code"]) == (135, "CC-BY-3.0")
    assert open_case("chest-pet-acrin-042").volume.array.shape == (135, 128, 128)


@pytest.mark.slow  # builds the index of the commons
def test_a_non_commercial_series_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import clerkship_cases.search_idc as module
    from clerkship_cases.search_idc import IdcSeries

    series = IdcSeries(
        "1.2.3", "1.2", "demo", "p", "CT", "", "", 1, 1.0, "CC-BY-NC-4.0", "10.1/x", (),
        "idc-open-data", "542f7440-0b6a-461f-b7dd-e1a1212c26be",
    )  # fmt: skip
    monkeypatch.setattr(module, "find_series", lambda _uid: series)
    finished = run("get", "--idc", "1.2.3")
    assert finished.exit_code == 1
    assert "CC-BY-NC-4.0, which forbids commercial use" in finished.stderr
    assert "--allow-nc" in finished.stderr


def test_the_check_says_which_case_is_wrong_and_fails() -> None:
    good = run("check", "tibia-nof", "shoulder-mr")
    assert good.exit_code == 0
    assert "2 cases: 2 in order, 0 not fetched, 0 wrong" in good.stdout
    folder = added_root() / "cases" / "leg"
    folder.mkdir(parents=True)
    (folder / "case.yml").write_text("id: leg\n")
    bad = run("check", "leg")
    assert bad.exit_code == 1
    assert "title: this field is required" in bad.stdout


# -- a study on its way in -----------------------------------------------------------------------

DESCRIPTION = {
    "title": "CT of a liver of ours",
    "body_part": "Abdomen",
    "view": "Axial, three slices.",
    "history": "None is given.",
    "objectives": ["Outline the liver"],
    "difficulty": "introductory",
    "licence": "For teaching in this house only.",
    "licence_code": "LicenseRef-this-house",
    "attribution": "This house.",
    "said_by": "metadata",
}


@pytest.fixture
def study(test_data: Path) -> Path:
    return test_data / "dcmqi-ct3-liver-seg" / "ct"


@pytest.mark.slow
def test_a_study_is_listed_added_checked_and_removed(study: Path, tmp_path: Path) -> None:
    assert "CT" in run("add", str(study)).stdout
    described = tmp_path / "describe.yml"
    described.write_text(yaml.safe_dump(DESCRIPTION))
    added = read("add", str(study), "--id", "liver-of-ours", "--describe", str(described))
    assert added["images"] == 3
    assert "liver-of-ours" in {record["id"] for record in read("list")}
    (verdict,) = read("check", "liver-of-ours")
    assert (verdict["state"], verdict["slices"]) == ("in order", 3)
    assert run("remove", "liver-of-ours", answer="n\n").exit_code == 1
    assert run("remove", "liver-of-ours", answer="y\n").exit_code == 0
    assert "liver-of-ours" not in {record["id"] for record in read("list")}


def test_a_study_without_a_description_says_what_is_missing(study: Path) -> None:
    finished = run("add", str(study), "--id", "liver-of-ours", "--title", "A liver")
    assert finished.exit_code == 1
    assert "body_part" in finished.stderr
    assert not (added_root() / "cases" / "liver-of-ours").exists()


@pytest.mark.slow
def test_a_study_is_de_identified_with_a_report(study: Path, tmp_path: Path) -> None:
    finished = run(
        "deidentify", str(study), str(tmp_path / "out"), "--report", str(tmp_path / "report.json")
    )
    assert finished.exit_code == 0, finished.output
    assert "3 of 3 files written" in finished.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"]["written"] == 3
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 3


@pytest.mark.slow
def test_a_reference_is_added_from_a_segmentation(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = test_data / "dcmqi-ct3-liver-seg"
    monkeypatch.setenv("CLERKSHIP_MIRROR", str(folder / "ct"))
    monkeypatch.setenv("CLERKSHIP_KEYS", str(tmp_path / "keys"))
    (tmp_path / "keys").mkdir()
    run("get", "liver-ct-dcmqi")
    added = read(
        "reference", "liver-ct-dcmqi", "--from", str(folder / "seg_liver.dcm"), "--name", "liver",
        "--title", "The liver", "--who", "metadata", "--reader", "qiicr",
        "--how", "Semi-automatic segmentation by QIICR, as the file says.",
    )  # fmt: skip
    assert Path(added["path"]).is_relative_to(tmp_path / "keys")
    (verdict,) = read("check", "liver-ct-dcmqi")
    assert (verdict["state"], verdict["findings"]) == ("in order", 1)
