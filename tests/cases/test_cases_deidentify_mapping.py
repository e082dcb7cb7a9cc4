"""The way back to the patient: encrypted, apart from the images, or not there at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from clerkship_cases import CaseError
from clerkship_cases.deidentify import deidentify_files, read_mapping

WORDS = "four words are enough"
SOURCE = Path(str(get_testdata_file("CT_small.dcm")))


def test_a_mapping_leads_back_and_is_unreadable_without_its_passphrase(tmp_path: Path) -> None:
    kept = tmp_path / "safe" / "mapping.json"
    report = deidentify_files([SOURCE], tmp_path / "out", mapping=kept, passphrase=WORDS)
    before, after = dcmread(SOURCE), dcmread(report.files[0].path)
    mapping = read_mapping(kept, WORDS)
    assert mapping.uids[before.SOPInstanceUID] == after.SOPInstanceUID
    ((patient, new),) = mapping.patients.items()
    assert before.PatientID.casefold() in patient
    assert new["pseudonym"] == after.PatientID
    data = kept.read_bytes()
    assert before.PatientID.encode() not in data
    assert before.SOPInstanceUID.encode() not in data
    assert kept.stat().st_mode & 0o077 == 0
    with pytest.raises(CaseError, match="passphrase is not the right one"):
        read_mapping(kept, "four other words here")


@pytest.mark.slow
def test_a_mapping_that_was_changed_is_noticed(tmp_path: Path) -> None:
    kept = tmp_path / "mapping.json"
    deidentify_files([SOURCE], tmp_path / "out", mapping=kept, passphrase=WORDS)
    text = kept.read_text()
    place = text.index('"content": "') + 20
    kept.write_text(text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :])
    with pytest.raises(CaseError, match="was changed"):
        read_mapping(kept, WORDS)
    kept.write_text("no mapping")
    with pytest.raises(CaseError, match="is no mapping"):
        read_mapping(kept, WORDS)


@pytest.mark.slow
def test_a_follow_up_continues_a_mapping(tmp_path: Path) -> None:
    kept = tmp_path / "mapping.json"
    first = deidentify_files([SOURCE], tmp_path / "one", mapping=kept, passphrase=WORDS)
    second = deidentify_files([SOURCE], tmp_path / "two", mapping=kept, passphrase=WORDS)
    assert second.files[0].sop_instance_uid == first.files[0].sop_instance_uid


@pytest.mark.parametrize("passphrase", [None, "", "short"])
def test_without_a_good_passphrase_no_mapping_is_kept(
    tmp_path: Path, passphrase: str | None
) -> None:
    with pytest.raises(CaseError, match="encrypted or not at all"):
        deidentify_files([SOURCE], tmp_path / "out", mapping=tmp_path / "m", passphrase=passphrase)
    assert not (tmp_path / "m").exists()


def test_a_mapping_never_lies_among_the_images(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="among the de-identified files"):
        deidentify_files(
            [SOURCE], tmp_path / "out", mapping=tmp_path / "out" / "in" / "m", passphrase=WORDS
        )
