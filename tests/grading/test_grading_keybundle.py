"""A mistake in a key bundle is named with its place and remedy before anyone is graded."""

import copy
import json

import pytest

from clerkship_grading import GradingError
from clerkship_grading.keybundle import load_key_bundle

BUNDLE = {
    "course": "imaging-foundations",
    "module": "bone-and-joint",
    "tasks": {
        "post-test": {
            "kind": "quiz",
            "points": 3,
            "items": {
                "zone": {"kind": "choice", "points": 1, "answer": ["metaphysis"]},
                "length": {"kind": "number", "points": 2, "answer": 38.6, "tolerance": 2},
            },
        },
        "mark-lesion": {
            "kind": "annotate",
            "points": 6,
            "case": "tibia-nof",
            "finding": "lesion",
            "rubric": {"overlap": {"points": 4}, "placement": {"points": 2}},
        },
        "impression": {
            "kind": "written",
            "points": 4,
            "rubric": [{"points": 4, "text": "names it"}],
        },
        "uptake-ratio": {"kind": "code", "points": 3},
    },
}


def changed(*path, to):
    bundle = copy.deepcopy(BUNDLE)
    place = bundle
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return bundle


def test_the_format_of_the_architecture_page_is_accepted(tmp_path):
    path = tmp_path / "bone-and-joint.json"
    path.write_text(json.dumps(BUNDLE), encoding="utf-8")
    bundle = load_key_bundle(path)
    assert [task.kind for task in bundle.tasks.values()] == ["quiz", "annotate", "written", "code"]


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        (changed("tasks", "mark-lesion", "points", to=7), "add up to 6 points, but the task gives 7"),
        (changed("tasks", "post-test", "points", to=5), "add up to 3 points, but the task gives 5"),
        (
            changed("tasks", "mark-lesion", "rubric", "overlap", to={"points": 4, "full_dise": 0.7}),
            "full_dise",
        ),
        (
            changed(
                "tasks", "mark-lesion", "rubric", "overlap",
                to={"points": 4, "zero_dice": 0.8, "full_dice": 0.5},
            ),
            "zero_dice must be the smaller one",
        ),
        (changed("tasks", "post-test", "items", "zone", "answer", to=[]), "tasks.post-test"),
        (changed("tasks", "post-test", "kind", to="exam"), "tasks.post-test"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(bundle, message):
    with pytest.raises(GradingError, match=message):
        load_key_bundle(bundle)


@pytest.mark.parametrize("content", [None, "not json", "[]"])
def test_a_missing_or_broken_file_says_what_to_do(tmp_path, content):
    path = tmp_path / "bone.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(GradingError, match=r"bone\.json"):
        load_key_bundle(path)
