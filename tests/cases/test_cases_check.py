"""The check finds what is wrong with a case, and says what is merely not here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from clerkship_cases import CaseError
from clerkship_cases.check import Verdict, check_cases
from clerkship_cases.library import added_root, library_root

KEYS = Path(__file__).resolve().parents[2] / "cases" / "keys"


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of our own: nothing fetched, nothing added, keys that may be changed."""
    shutil.copytree(KEYS, tmp_path / "keys")
    monkeypatch.setenv("CLERKSHIP_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("CLERKSHIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(tmp_path / "library"))


def check(name: str) -> Verdict:
    (verdict,) = check_cases([name])
    return verdict


@pytest.mark.slow
def test_the_whole_library_is_in_order() -> None:
    verdicts = list(check_cases())
    assert [v for v in verdicts if v.state == "wrong"] == []
    assert sum(v.state == "in order" for v in verdicts) >= 12
    assert sum(v.findings for v in verdicts) >= 3


def test_a_good_case_is_in_order_and_its_reference_was_looked_at() -> None:
    assert check("tibia-nof") == Verdict("tibia-nof", "in order", findings=1, slices=1)


def test_a_case_that_was_not_fetched_is_no_failure() -> None:
    verdict = check("liver-ct-dcmqi")
    assert verdict.state == "not fetched"
    assert "clerkship cases get liver-ct-dcmqi" in verdict.notes[0]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("licence_code: LicenseRef-pydicom-data\n", "", ""),
        ("sha256: 6babfc", "sha256: 7babfc", "is not the file this case was made from"),
        ("modality: CR", "modality: MR", "case.yml says modality MR, the file says CR"),
        ("title:", "titel:", "case.yml:2: titel: no such field"),
        ("RG3_UNCR", "RG9_UNCR", "is not in the installed package"),
    ],
)
def test_what_is_wrong_with_a_record_is_said(old: str, new: str, complaint: str) -> None:
    text = (library_root() / "tibia-nof" / "case.yml").read_text(encoding="utf-8")
    assert old in text
    path = added_root() / "cases" / "leg-of-ours" / "case.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("id: tibia-nof", "id: leg-of-ours").replace(old, new))
    verdict = check("leg-of-ours")
    if complaint:
        assert verdict.state == "wrong"
        assert complaint in verdict.problems[0]
    else:  # an added case may say its licence in words only
        assert (verdict.state, verdict.problems) == ("in order", ())
        assert "licence_code" in verdict.notes[0]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda key: key["findings"][0]["shape"]["points_lps_mm"].append([5000, 10, 0]), "reaches beyond the images"),
        (lambda key: key["findings"][0]["shape"].update(slice_uid="1.2.3"), "does not belong to the case"),
        (lambda key: key.update(case="other"), "they must be equal"),
        (lambda key: key["findings"][0].pop("who"), "this field is required"),
    ],
)  # fmt: skip
def test_a_reference_that_lies_outside_or_says_too_little_is_wrong(
    tmp_path: Path, change, complaint: str
) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "keys" / "tibia-nof" / "key.yml"
    key = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(key)
    path.write_text(yaml.safe_dump(key), encoding="utf-8")
    verdict = check("tibia-nof")
    assert verdict.state == "wrong"
    assert complaint in verdict.problems[0]


def test_a_key_without_a_case_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "keys" / "tibia-nof").rename(tmp_path / "keys" / "tibia-nof-2")
    assert "no case.yml" in check("tibia-nof-2").problems[0]


def test_an_unknown_case_is_a_sentence() -> None:
    with pytest.raises(CaseError, match="there is no case 'none'"):
        check("none")
