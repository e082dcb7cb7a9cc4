"""Adding a study: what it takes, what comes out, and that it is all or nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from clerkship_cases import CaseError
from clerkship_cases.case import Case
from clerkship_cases.dicom import read_series
from clerkship_cases.importing import AddedCase, CaseDraft, add_study
from clerkship_cases.importing.companions import finding_name
from clerkship_cases.importing.staging import open_staging, publish
from clerkship_cases.key import open_key
from clerkship_cases.record import CaseRecord, read_case_record

sys.path.insert(0, str(Path(__file__).parents[1]))
from orthanc import AE_TITLE, PASSWORD, USER, Orthanc, lowest, orthanc

__all__ = ["orthanc"]  # a fixture


def draft(**more: object) -> CaseDraft:
    said: dict[str, object] = {
        "title": "Three slices of an abdomen",
        "body_part": "Abdomen",
        "view": "Axial",
        "history": "None comes with this file.",
        "objectives": ["Find the liver"],
        "difficulty": "introductory",
        "licence": "BSD-3-Clause",
        "licence_code": "BSD-3-Clause",
        "attribution": "QIICR, dcmqi project",
        "said_by": "metadata",
        "reviewed": {"level": "none"},
        **more,
    }
    return CaseDraft(**{name: said[name] for name in said if name in CaseRecord.model_fields})


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture(scope="module")
def liver(test_data: Path) -> Path:
    return test_data / "dcmqi-ct3-liver-seg"


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_becomes_a_case_that_opens(liver: Path, library: Path) -> None:
    steps: list[str] = []
    added = add_study(liver, "abdomen-ct", draft=draft(), root=library, tell=steps.append)
    assert added.path == library / "cases" / "abdomen-ct" / "case.yml"
    assert steps[0] == "Looking into the source"
    case = Case(read_case_record(added.path), added.path.parent)
    original = read_series(sorted((liver / "ct").iterdir()))
    assert (case.volume.array == original.volume.array).all()
    np.testing.assert_allclose(case.volume.affine_lps_mm, original.volume.affine_lps_mm, atol=1e-6)
    assert case.record.modality == "CT"
    assert added.images == 3
    assert list((library / "staging").iterdir()) == []


@pytest.fixture(scope="module")
def whole(liver: Path, tmp_path_factory: pytest.TempPathFactory) -> AddedCase:
    """A CT with the segmentations that were made on it, added to a library of its own."""
    root = tmp_path_factory.mktemp("whole")
    return add_study(liver, "abdomen-ct", draft=draft(), root=root, references=True)


def test_nothing_of_the_patient_is_in_the_library(liver: Path, whole: AddedCase) -> None:
    header = dcmread(next((liver / "ct").iterdir()), stop_before_pixels=True)
    said = [header.PatientID, str(header.PatientName), header.AccessionNumber]
    said += [header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID]
    content = b"".join(everything(whole.path.parents[2]).values())
    for value in said:
        # Standing by itself: its digits may well occur within a coordinate or a checksum.
        alone = rb"(?<![0-9a-f.])" + re.escape(str(value).encode()) + rb"(?![0-9a-f])"
        assert not re.search(alone, content), value


def test_what_students_read_is_readable_and_what_they_must_not_is_not(whole: AddedCase) -> None:
    folder, library = whole.path.parent, whole.path.parents[2]
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "images")} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in (folder / "images").iterdir()} == {0o444}
    assert (library / "staging").stat().st_mode & 0o777 == 0o700
    assert (library / "keys" / "abdomen-ct").stat().st_mode & 0o777 == 0o700


def test_segmentations_of_the_study_become_references(whole: AddedCase) -> None:
    case = Case(whole.record, whole.path.parent)
    assert whole.references, whole.notes
    key = open_key("abdomen-ct", whole.path.parents[2] / "keys")
    sizes = {
        tuple(int(n) for n in finding.voxels(case).sum(axis=(1, 2))) for finding in key.findings
    }
    assert (36_233, 35_645, 35_220) in sizes  # as its own collection counts the liver
    assert {finding.who for finding in key.findings} == {"metadata"}


def test_a_zip_becomes_a_case(liver: Path, library: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cd.zip", "w") as archive:
        for path in (liver / "ct").iterdir():
            archive.write(path, f"CD/{path.name}")
    add_study(tmp_path / "cd.zip", "abdomen-ct", draft=draft(), root=library)
    assert list((library / "staging").iterdir()) == []


@pytest.mark.slow
def test_a_study_comes_from_a_pacs_by_both_routes(
    orthanc: Orthanc, test_data: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_PACS_USER", USER)
    monkeypatch.setenv("CLERKSHIP_PACS_PASSWORD", PASSWORD)
    pet = lowest(test_data / "acrin-nsclc-042" / "pet_ac", 20)
    orthanc.store(pet)
    study = dcmread(pet[0], stop_before_pixels=True).StudyInstanceUID
    original = read_series(pet).volume
    for case_id, address in (("web", orthanc.dicomweb), ("classic", orthanc.dicom)):
        added = add_study(f"{address}/studies/{study}", case_id, draft=draft(), root=library)
        volume = Case(added.record, added.path.parent).volume
        assert (volume.array == original.array).all()
        np.testing.assert_allclose(volume.affine_lps_mm, original.affine_lps_mm, atol=1e-6)
    assert AE_TITLE.encode() not in b"".join(everything(library).values())


def test_a_draft_that_is_not_complete_lists_what_is_missing(liver: Path, library: Path) -> None:
    with pytest.raises(CaseError, match=r"must also say: .*history.*Nothing of this is invented"):
        add_study(liver, "abdomen-ct", draft=CaseDraft(title="x"), root=library)
    assert not library.exists()
    with pytest.raises(CaseError, match="a case has no field 'colour'; it has: title"):
        CaseDraft(colour="red")
    with pytest.raises(CaseError, match="difficulty"):
        draft(difficulty="fiendish").check()


@pytest.mark.parametrize("wrong", ["../x", "Case", "a b", "", "x" * 65, "a--b"])
def test_an_id_that_can_not_be_one(liver: Path, library: Path, wrong: str) -> None:
    with pytest.raises(CaseError, match="can't be the id of a case"):
        add_study(liver, wrong, draft=draft(), root=library)


def test_an_id_that_is_taken(liver: Path, library: Path) -> None:
    add_study(liver, "abdomen-ct", draft=draft(), root=library)
    before = everything(library)
    with pytest.raises(CaseError, match="there is a case 'abdomen-ct' already"):
        add_study(liver, "abdomen-ct", draft=draft(), root=library)
    with pytest.raises(CaseError, match="there is a case 'tibia-nof' already"):
        add_study(liver, "tibia-nof", draft=draft(), root=library)
    assert everything(library) == before


def test_an_image_that_is_refused_stops_everything(
    liver: Path, library: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    study.mkdir()
    for number, path in enumerate(sorted((liver / "ct").iterdir())):
        dataset = dcmread(path)
        if number == 1:
            del dataset.SOPInstanceUID
            dataset.PixelData = dataset.PixelData[:1000]
        dataset.save_as(study / f"{number}.dcm")
    with pytest.raises(CaseError, match=r"1\.dcm|read|pixel|cut|image"):
        add_study(study, "abdomen-ct", draft=draft(), root=library)
    assert everything(library) == {}


def test_a_missing_slice_is_refused_and_named(
    test_data: Path, library: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    study.mkdir()
    for path in lowest(test_data / "acrin-nsclc-042" / "pet_ac", 6):
        (study / path.name).write_bytes(path.read_bytes())
    lowest(study, 4)[3].unlink()
    with pytest.raises(CaseError, match="a slice is missing"):
        add_study(study, "pet", draft=draft(), root=library)
    assert everything(library) == {}


def test_names_of_findings() -> None:
    assert finding_name("Liver", []) == "liver"
    assert finding_name("Liver", ["liver", "liver-2"]) == "liver-3"
    assert finding_name("肝", []) == "finding"
    assert len(finding_name("x" * 200, [])) <= 48


# -- all or nothing -----------------------------------------------------------------

_CHILD = """
import os, signal, sys
from pathlib import Path
from clerkship_cases.importing import CaseDraft, add_study, staging
kind, at, source, library = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
seen = 0
def count(*_):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)
def before(function):
    def counted(*given, **named):
        count()
        return function(*given, **named)
    return counted
if kind == "flush":
    staging._flush = before(staging._flush)
if kind == "rename":
    Path.rename = before(Path.rename)
draft = eval(sys.argv[5])
add_study(source, "abdomen-ct", draft=CaseDraft(**draft), root=library, references=True,
          tell=count if kind == "step" else print)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "at"),
    [("step", n) for n in range(1, 6)]
    + [("flush", 1), ("flush", 6), ("rename", 1), ("rename", 3), ("rename", 4), ("rename", 5)],
)
def test_an_import_that_is_killed_leaves_the_library_as_it_was(
    kind: str, at: int, liver: Path, library: Path
) -> None:
    add_study(liver, "other-case", draft=draft(), root=library)
    before = everything(library)
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, kind, str(at), str(liver), str(library), repr(draft().said)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    visible = everything(library / "cases")
    assert visible == {name.removeprefix("cases/"): content for name, content in before.items()}
    # The next import sweeps what was left, the same id is free, and it succeeds.
    with open_staging(library) as mine:
        assert {path.stem for path in (library / "staging").iterdir()} == {mine.name}
    assert everything(library) == before
    add_study(liver, "abdomen-ct", draft=draft(), root=library, references=True)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_leaves_the_library_as_it_was(liver: Path, tmp_path: Path) -> None:
    script = (
        "mount -t tmpfs -o size=1m none {0} && exec {1} -c '"
        "from clerkship_cases import CaseError\n"
        "from clerkship_cases.importing import CaseDraft, add_study\n"
        "from pathlib import Path\n"
        'try: add_study({2!r}, "abdomen-ct", draft=CaseDraft(**{3}), root=Path({0!r}))\n'
        'except CaseError as problem: print("SAID", problem)\n'
        'print("LEFT", [str(p) for p in Path({0!r}).rglob("*") if p.is_file()])\''
    )
    place = tmp_path / "small"
    place.mkdir()
    said = repr(draft().said).replace("'", '"')
    command = script.format(str(place), sys.executable, str(liver), said).replace(
        f"'{liver}'", f'"{liver}"'
    )
    command = command.replace(f"'{place}'", f'"{place}"')
    finished = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "mount:" in finished.stderr:
        pytest.skip("this container may not mount a small disk")
    assert "SAID" in finished.stdout, finished.stdout + finished.stderr
    assert "LEFT []" in finished.stdout


def test_an_import_that_runs_is_not_swept_by_another(library: Path) -> None:
    with open_staging(library) as first:
        (first / "file").touch()
        with open_staging(library) as second:
            assert second != first
            assert (first / "file").exists()
        assert not second.exists()
    assert list((library / "staging").iterdir()) == []


def test_what_was_published_before_the_last_step_failed_is_taken_back(library: Path) -> None:
    with open_staging(library) as staging:
        for name in ("key", "case"):
            (staging / name).mkdir()
            (staging / name / "file").write_text(generate_uid())
        taken = library / "cases" / "x"
        taken.mkdir(parents=True)
        (taken / "file").write_text("somebody's")
        with pytest.raises(CaseError, match="can't be put in place"):
            publish(
                staging,
                [(staging / "key", library / "keys" / "x"), (staging / "case", taken)],
            )
    assert everything(library) == {"cases/x/file": b"somebody's"}
