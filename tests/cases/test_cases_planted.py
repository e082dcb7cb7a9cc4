"""The proof: known identifiers in every place we could think of, and none of them comes out."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
from pydicom import dcmread

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from deidentify.answers import ACTIONS, AnswerKey  # noqa: E402
from deidentify.planted import plant  # noqa: E402
from deidentify.scoring import Score, score  # noqa: E402
from deidentify.tools import ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # values that no writer should write


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AnswerKey]:
    folder = tmp_path_factory.mktemp("planted")
    return folder, plant(folder)


@pytest.fixture(scope="module")
def cleaned(
    planted: tuple[Path, AnswerKey], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Score, dict[str, Path]]:
    folder, key = planted
    outputs = ours(sorted(folder.iterdir()), tmp_path_factory.mktemp("cleaned"))
    return score(key, folder, outputs), outputs


@pytest.mark.slow
def test_the_set_is_large_and_varied(planted: tuple[Path, AnswerKey]) -> None:
    folder, key = planted
    modalities = {dcmread(path, stop_before_pixels=True).Modality for path in folder.iterdir()}
    kinds = Counter(token.kind for token in key.tokens)

    assert len(key.files) >= 30
    assert len(modalities) >= 8
    assert len(key.tokens) >= 150
    assert {"private", "nested", "uid", "date", "pixels", "overlay", "icon", "curve"} <= set(kinds)
    assert {"meta", "padding", "script", "copy", "document", "report", "filename"} <= set(kinds)
    assert {kept.action for kept in key.kept} <= set(ACTIONS)


@pytest.mark.slow
def test_the_scorer_finds_everything_in_files_that_nobody_cleaned(
    planted: tuple[Path, AnswerKey], tmp_path: Path
) -> None:
    folder, key = planted
    outputs = {path.name: Path(shutil.copy(path, tmp_path)) for path in folder.iterdir()}

    result = score(key, folder, outputs)

    missed = [token for token in key.tokens if token not in result.survivors]
    assert missed == []


@pytest.mark.slow
def test_no_planted_identifier_survives(cleaned: tuple[Score, dict[str, Path]]) -> None:
    result, _ = cleaned

    assert [(token.file, token.place, token.value) for token in result.survivors] == []


@pytest.mark.slow
def test_what_teaching_needs_is_kept(cleaned: tuple[Score, dict[str, Path]]) -> None:
    result, _ = cleaned

    assert result.kept_part >= 0.95, Counter((kept.file, kept.path) for kept in result.lost)


@pytest.mark.slow
def test_two_studies_of_a_patient_stay_together(
    planted: tuple[Path, AnswerKey], cleaned: tuple[Score, dict[str, Path]]
) -> None:
    """What belonged together still does: patient, study, a reference, the days between."""
    folder, _ = planted
    _, outputs = cleaned
    before = [dcmread(folder / name) for name in ("ct-standard.dcm", "ct-follow-up.dcm")]
    after = [dcmread(outputs[name]) for name in ("ct-standard.dcm", "ct-follow-up.dcm")]

    assert after[0].PatientID == after[1].PatientID != before[0].PatientID
    assert after[0].StudyInstanceUID == after[1].StudyInstanceUID
    referenced = after[1].ReferencedImageSequence[0].ReferencedSOPInstanceUID
    assert referenced == after[0].SOPInstanceUID
    assert _days_between(*after) == _days_between(*before)


def _days_between(first: object, second: object) -> int:
    from datetime import datetime

    days = [datetime.strptime(str(each.StudyDate), "%Y%m%d") for each in (first, second)]  # type: ignore[attr-defined]  # noqa: DTZ007
    return (days[1] - days[0]).days
