"""A case whose images are on a DICOMweb server: got once, kept in the store, opened without the server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from clerkship_cases import Case, CaseError, open_case
from clerkship_cases.fetching import fetch_case
from clerkship_cases.record import CaseRecord

sys.path.insert(0, str(Path(__file__).parents[1]))

from orthanc import PASSWORD, USER, Orthanc, orthanc

__all__ = ["orthanc"]  # a fixture

pytestmark = pytest.mark.slow


@pytest.fixture
def case(
    orthanc: Orthanc, test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Case:
    """A record that names a series of the server, on a machine that has fetched nothing."""
    monkeypatch.setenv("CLERKSHIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CLERKSHIP_PACS_USER", USER)
    monkeypatch.setenv("CLERKSHIP_PACS_PASSWORD", PASSWORD)
    monkeypatch.setenv("CLERKSHIP_PACS_SERVER", orthanc.dicomweb)
    paths = sorted((test_data / "dcmqi-ct3-liver-seg" / "ct").glob("*.dcm"))
    orthanc.store(paths)
    header = dcmread(paths[0], stop_before_pixels=True)
    source = {
        "kind": "dicomweb",
        "server": orthanc.dicomweb,
        "study_uid": header.StudyInstanceUID,
        "series_uid": header.SeriesInstanceUID,
        "instances": 3,
    }
    record = open_case("liver-ct-dcmqi").record.model_dump() | {"source": source}
    return Case(CaseRecord.model_validate(record), tmp_path)


def again(case: Case) -> Case:
    """The same case, with nothing remembered."""
    return Case(case.record, case.folder)


def test_the_series_is_fetched_once_and_opens_without_the_server(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CaseError, match="clerkship cases get"):
        case.files  # noqa: B018
    assert fetch_case(case).new_files == 3
    assert again(case).volume.array.shape == (3, 512, 512)
    monkeypatch.setenv("CLERKSHIP_PACS_PASSWORD", "wrong")  # nobody is asked any more
    assert fetch_case(again(case)).new_files == 0


def test_a_series_with_another_number_of_images_is_refused(case: Case) -> None:
    source = case.record.source.model_copy(update={"instances": 4})
    other = Case(case.record.model_copy(update={"source": source}), case.folder)
    with pytest.raises(CaseError, match=r"gave 3 images.*4 were expected"):
        fetch_case(other)


def test_the_password_goes_to_the_server_that_it_is_meant_for(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_PACS_SERVER", "https://pacs.example.org/dicom-web")
    with pytest.raises(CaseError):
        fetch_case(case)
    assert not (Path(case.folder) / "cache" / "fetched").exists()
