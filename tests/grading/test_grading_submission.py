"""Answer files to scores: the good, the wrong, the missing and the hostile."""

import io
import json
import os

import numpy as np
import phantom_course as course
import pytest
from PIL import Image

from clerkship_cases import open_case
from clerkship_grading import GradingError, score_submission
from clerkship_grading.submission import load_reference


@pytest.fixture(autouse=True, scope="module")
def keys(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLERKSHIP_KEYS", str(course.write_keys(tmp_path_factory.mktemp("keys"))))
        load_reference.cache_clear()
        yield
    load_reference.cache_clear()


def scores(folder, key=course.KEY, **options):
    return {score.task: score for score in score_submission(folder, key, **options)}


def quiz_file(folder, content):
    (folder / "answers").mkdir(exist_ok=True)
    path = folder / "answers" / "post-test.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


# -- the class ----------------------------------------------------------------------------


def test_the_perfect_student_has_every_point(tmp_path):
    course.write_answers(tmp_path, course.PERFECT_QUIZ, course.square())
    found = scores(tmp_path)
    assert {task: (score.points, score.error_class.value) for task, score in found.items()} == {
        "post-test": (5, "good"),
        "mark-square": (6, "good"),
    }
    assert "You found the square." in found["mark-square"].feedback_markdown


def test_an_empty_folder_is_a_blank_submission(tmp_path):
    found = scores(tmp_path)
    assert {task: (score.points, score.error_class.value) for task, score in found.items()} == {
        "post-test": (0, "blank"),
        "mark-square": (0, "missed"),
    }
    assert "There was a square to find." in found["mark-square"].feedback_markdown
    assert "row 600" not in found["post-test"].feedback_markdown  # no answer for nothing


def test_wrong_answers_score_as_stated_and_say_why(tmp_path):
    course.write_answers(tmp_path, course.WRONG_QUIZ, course.square(left_px=200))
    found = scores(tmp_path)
    assert found["post-test"].points == 1  # two right ticks, one wrong: half of 2
    assert found["mark-square"].points == 0
    assert found["mark-square"].error_class == "wrong_place"
    for sentence in ("Look again from the top.", "It begins at row 600", "not answered"):
        assert sentence in found["post-test"].feedback_markdown


def test_an_outline_that_is_far_too_large_is_over_called(tmp_path):
    course.write_answers(tmp_path, None, course.square(left_px=700, top_px=500, side_px=320))
    score = scores(tmp_path)["mark-square"]
    assert (score.error_class, score.points) == ("over_called", 2)


def test_a_mark_under_another_label_does_not_count_when_the_task_names_one(tmp_path):
    key = json.loads(json.dumps(course.KEY))
    key["tasks"]["mark-square"]["label"] = "circle"
    course.write_answers(tmp_path, None, course.square())
    assert scores(tmp_path, key)["mark-square"].error_class == "missed"


# -- the picture -----------------------------------------------------------------------------


def test_the_picture_shows_the_outline_and_no_reference(tmp_path):
    course.write_answers(tmp_path, None, course.square(left_px=900))
    picture = scores(tmp_path)["mark-square"].picture_png
    pixels = np.asarray(Image.open(io.BytesIO(picture)))
    assert (pixels == (255, 196, 0)).all(axis=-1).sum() > 200
    assert not (pixels == (64, 224, 160)).all(axis=-1).any()
    assert pixels[..., 0].std() > 5  # an image lies behind it
    assert len(picture) < 300_000


def test_the_reference_is_drawn_only_where_the_task_allows_it(tmp_path):
    key = json.loads(json.dumps(course.KEY))
    key["tasks"]["mark-square"]["show_reference"] = True
    course.write_answers(tmp_path, None, course.square(left_px=860))
    pixels = np.asarray(Image.open(io.BytesIO(scores(tmp_path, key)["mark-square"].picture_png)))
    assert (pixels == (64, 224, 160)).all(axis=-1).any()


# -- hostile files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe not text",
        b"[" * 50_000,
        b'{"items": {"side": NaN}}',
        b'{"items": [1, 2]}',
        b"[]",
        b" " * 200_000,
    ],
)
def test_a_quiz_file_that_cannot_be_read_scores_0_with_a_plain_message(tmp_path, content):
    quiz_file(tmp_path, content)
    score = scores(tmp_path)["post-test"]
    assert (score.points, score.error_class) == (0, "unreadable")
    assert "Could not be read" in score.feedback_markdown
    assert str(tmp_path) not in score.feedback_markdown


@pytest.mark.parametrize(
    "items",
    [
        {"zone": [["upper"]], "signs": [None], "side": "120"},
        {"zone": {"value": "upper"}, "side": True, "unknown": ["x"]},
        {"zone": 1, "signs": 2, "side": ["120"]},
        {"zone": ["upper"] * 2 + ["lower"], "side": {"value": 120, "unit": "mm"}},
    ],
)
def test_answers_of_the_wrong_sort_earn_nothing(tmp_path, items):
    quiz_file(tmp_path, {"items": items})
    assert scores(tmp_path)["post-test"].points == 0


def test_a_number_of_a_thousand_digits_is_just_wrong(tmp_path):
    quiz_file(tmp_path, b'{"items": {"side": ' + b"9" * 1000 + b"}}")
    assert scores(tmp_path)["post-test"].points == 0


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 900])
def test_a_mark_file_that_is_no_dicom_scores_0_with_a_plain_message(tmp_path, content):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "mark-square.sr.dcm").write_bytes(content)
    score = scores(tmp_path)["mark-square"]
    assert (score.points, score.error_class) == (0, "unreadable")


def test_a_truncated_mark_file_costs_its_task_only(tmp_path):
    course.write_answers(tmp_path, course.PERFECT_QUIZ, course.square())
    path = tmp_path / "answers" / "mark-square.sr.dcm"
    path.write_bytes(path.read_bytes()[:700])
    found = scores(tmp_path)
    assert found["mark-square"].error_class == "unreadable"
    assert found["post-test"].points == 5


def test_a_file_that_would_unpack_to_gigabytes_is_not_unpacked(tmp_path):
    import pydicom

    course.write_answers(tmp_path, None, course.square())
    path = tmp_path / "answers" / "mark-square.sr.dcm"
    report = pydicom.dcmread(path)
    report.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    report.save_as(path)
    assert "compressed" in scores(tmp_path)["mark-square"].feedback_markdown


def test_links_and_pipes_are_not_followed(tmp_path):
    outside = tmp_path / "keys.json"
    outside.write_text(json.dumps({"items": course.PERFECT_QUIZ}))
    folder = tmp_path / "submission"
    (folder / "answers").mkdir(parents=True)
    (folder / "answers" / "post-test.json").symlink_to(outside)
    os.mkfifo(folder / "answers" / "mark-square.sr.dcm")
    found = scores(folder)
    assert {score.error_class.value for score in found.values()} == {"unreadable"}


def test_a_folder_in_place_of_a_file_is_unreadable(tmp_path):
    (tmp_path / "answers" / "post-test.json").mkdir(parents=True)
    assert scores(tmp_path)["post-test"].error_class == "unreadable"


def test_marks_that_were_drawn_on_another_case_do_not_count(tmp_path):
    from clerkship_cases import Annotation, write_sr

    other = open_case("chest-pa")
    mark = Annotation.new(
        "region", course.square().points_lps_mm, slice_uid=str(other.images[0].SOPInstanceUID)
    )
    (tmp_path / "answers").mkdir()
    write_sr(tmp_path / "answers" / "mark-square.sr.dcm", other, [mark], observer="student")
    score = scores(tmp_path)["mark-square"]
    assert (score.points, score.error_class) == (0, "unreadable")
    assert "another case" in score.feedback_markdown


def test_markup_in_a_students_file_is_not_carried_into_feedback(tmp_path):
    (tmp_path / "module.json").write_text(
        json.dumps({"items": {"signs": {"stem": "<script>alert(1)</script> [x](javascript:y)"}}})
    )
    feedback = scores(tmp_path)["post-test"].feedback_markdown
    assert "<script" not in feedback
    assert "[x](" not in feedback


# -- mistakes of the teacher's -------------------------------------------------------------------


def test_a_finding_that_the_key_does_not_have_is_named(tmp_path):
    key = json.loads(json.dumps(course.KEY))
    key["tasks"]["mark-square"]["finding"] = "triangle"
    with pytest.raises(GradingError, match=r"triangle.*square"):
        score_submission(tmp_path, key)


def test_a_case_without_a_key_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CLERKSHIP_KEYS", str(tmp_path))
    monkeypatch.setattr("clerkship_grading.submission.load_reference", load_reference.__wrapped__)
    with pytest.raises(GradingError, match=course.CASE):
        score_submission(tmp_path, course.KEY)


# -- several readers ---------------------------------------------------------------------------------


def test_readers_are_not_pooled_the_first_counts_until_they_are_fused(tmp_path, monkeypatch):
    from clerkship_cases.reference import add_consensus, add_reference

    monkeypatch.setenv("CLERKSHIP_KEYS", str(course.write_keys(tmp_path / "keys")))
    other = course.square(left_px=course.LEFT_PX + course.SIDE_PX / 2)
    said = {"title": "A square", "who": "author", "how": "Chosen by a test.", "reviewed": "none"}
    add_reference(course.CASE, other, name="square", reader="second", **said)
    first = load_reference.__wrapped__(course.CASE, "square")
    assert first.annotations[0].points_lps_mm == course.square().points_lps_mm

    add_consensus(course.CASE, "square", method="majority")
    fused = load_reference.__wrapped__(course.CASE, "square")
    assert fused.scene.reference.sum() != first.scene.reference.sum()


# -- the library's own keys --------------------------------------------------------------------------


@pytest.fixture
def library_keys(monkeypatch):
    monkeypatch.delenv("CLERKSHIP_KEYS")
    load_reference.cache_clear()
    yield
    load_reference.cache_clear()


def library_task(case, finding):
    rubric = {"overlap": {"points": 3}, "placement": {"points": 2}, "laterality": {"points": 1}}
    task = {"kind": "annotate", "points": 6, "case": case, "finding": finding, "rubric": rubric}
    return {"course": "c", "module": "m", "tasks": {"mark": task}}


def submit(folder, case_id, *marks):
    from clerkship_cases import write_sr

    (folder / "answers").mkdir(exist_ok=True)
    write_sr(folder / "answers" / "mark.sr.dcm", open_case(case_id), marks, observer="student")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case_id", "finding"),
    [
        ("tibia-nof", "lesion"),
        ("brain-mni152", "left-lateral-ventricle"),
        ("liver-mr", "marked-lesion"),
    ],
)
@pytest.mark.usefixtures("library_keys")
def test_every_outline_of_the_library_scores_full_points_against_itself(tmp_path, case_id, finding):
    from clerkship_cases.key import open_key

    submit(tmp_path, case_id, open_key(case_id).finding(finding).annotation)
    score = scores(tmp_path, library_task(case_id, finding))["mark"]
    assert (score.points, score.error_class) == (6, "good")


@pytest.mark.slow
@pytest.mark.usefixtures("library_keys")
def test_the_right_ventricle_is_the_wrong_side_when_the_left_one_is_asked_for(tmp_path):
    from clerkship_cases import Annotation
    from clerkship_cases.key import open_key

    left = open_key("brain-mni152").finding("left-lateral-ventricle").annotation
    mirrored = [(-x, y, z) for x, y, z in left.points_lps_mm]
    submit(tmp_path, "brain-mni152", Annotation.new("region", mirrored, slice_uid=left.slice_uid))
    score = scores(tmp_path, library_task("brain-mni152", "left-lateral-ventricle"))["mark"]
    assert (score.points, score.error_class) == (0, "wrong_side")
    assert "other side of the patient" in score.feedback_markdown
