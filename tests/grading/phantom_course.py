"""A tiny real course: one module with a task of each kind, on a real radiograph.

The reference is a square that these tests chose on the image, not a clinical finding.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import nbformat
import yaml

from clerkship_cases import Annotation, Case, open_case, write_sr

COURSE, MODULE, CASE = "demo-course", "bone-week", "tibia-nof"
LEFT_PX, TOP_PX, SIDE_PX = 800, 600, 120

HIDDEN = "assert to_ratio(4711, 3) == 4711 / 3, 'hidden words'"
TESTS = f"""\
assert to_ratio(6, 3) == 2, "six over three is two"
### BEGIN HIDDEN TESTS
{HIDDEN}
### END HIDDEN TESTS"""

KEY = {
    "course": COURSE,
    "module": MODULE,
    "tasks": {
        "post-test": {
            "kind": "quiz",
            "points": 5,
            "items": {
                "zone": {
                    "kind": "choice",
                    "points": 1,
                    "stem": "Where does the square lie?",
                    "answer": ["upper"],
                    "options": {"upper": "Upper half", "lower": "Lower half"},
                    "feedback": {"lower": "Look again from the top."},
                    "explanation": "It begins at row 600 of 1760.",
                },
                "signs": {
                    "kind": "choices",
                    "points": 2,
                    "answer": ["edge", "corner"],
                    "options": {"edge": "Edge", "corner": "Corner", "arc": "Arc", "hole": "Hole"},
                },
                "side": {
                    "kind": "number",
                    "points": 2,
                    "answer": 120,
                    "tolerance": 5,
                    "unit": "px",
                },
            },
        },
        "mark-square": {
            "kind": "annotate",
            "points": 6,
            "case": CASE,
            "finding": "square",
            "rubric": {
                "overlap": {"points": 4, "full_dice": 0.7, "zero_dice": 0.3},
                "placement": {"points": 2, "radius": 1.0},
            },
            "feedback": {"good": "You found the square.", "missed": "There was a square to find."},
        },
        "impression": {
            "kind": "written",
            "points": 4,
            "rubric": [{"points": 4, "text": "the-mark-scheme-says-so"}],
        },
        "ratio": {"kind": "code", "points": 3},
    },
}


@cache
def radiograph() -> Case:
    """Open the case once: it is a large image."""
    return open_case(CASE)


def square(
    left_px: float = LEFT_PX, top_px: float = TOP_PX, side_px: float = SIDE_PX
) -> Annotation:
    """Outline a square on the radiograph; pixel centres are whole numbers."""
    case = radiograph()
    corners_ijk = [
        (left_px, top_px, 0),
        (left_px + side_px, top_px, 0),
        (left_px + side_px, top_px + side_px, 0),
        (left_px, top_px + side_px, 0),
    ]
    points = case.volume.patient_from_voxel(corners_ijk)
    slice_uid = str(case.images[0].SOPInstanceUID)
    return Annotation.new("region", points, label="square", slice_uid=slice_uid)


def write_keys(root: Path) -> Path:
    """Write the key of the case, as ``CLERKSHIP_KEYS`` wants it."""
    mark = square()
    key = {
        "case": CASE,
        "findings": [
            {
                "name": "square",
                "title": "A square",
                "who": "author",
                "how": "Chosen by a test.",
                "reviewed": "none",
                "shape": {
                    "kind": "region",
                    "points_lps_mm": [list(point) for point in mark.points_lps_mm],
                    "slice_uid": mark.slice_uid,
                },
            }
        ],
    }
    path = root / CASE / "key.yml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(key), encoding="utf-8")
    return root


def write_source(course_root: Path) -> None:
    """Write the source notebook, the module bundle and the key bundle of the module."""
    folder = course_root / "source" / MODULE
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=_source_cells())
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["title"] = "A week of bones"
    nbformat.write(notebook, folder / f"{MODULE}.ipynb")
    public = {
        "course": COURSE,
        "module": MODULE,
        "title": "A week of bones",
        "tasks": {},
        "items": {},
    }
    (folder / "module.json").write_text(json.dumps(public), encoding="utf-8")
    (course_root / "keys" / f"{MODULE}.json").write_text(json.dumps(KEY), encoding="utf-8")


def _source_cells() -> list[nbformat.NotebookNode]:
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    return [
        text("# A week of bones", id="title"),
        code("raise SystemExit('a widget cell was run')", id="show", metadata=_ours(None, "show")),
        code("import math", id="imports"),
        text(
            "## Find the square\n\nOutline it.", id="p1", metadata=_ours("mark-square", "annotate")
        ),
        code(
            'ReadingRoom(task="mark-square")',
            id="t1",
            metadata=_ours("mark-square", "annotate") | _nb("mark-square", "code", 6),
        ),
        code(
            'Quiz("post-test")',
            id="t2",
            metadata=_ours("post-test", "quiz") | _nb("post-test", "code", 5),
        ),
        text("## A ratio", id="p3", metadata=_ours("ratio", "code")),
        code(
            "def to_ratio(lesion, background):\n"
            "    ### BEGIN SOLUTION\n    return lesion / background\n    ### END SOLUTION",
            id="t3",
            metadata=_ours("ratio", "code") | _nb("ratio-answer", "code", solution=True),
        ),
        code(TESTS, id="t4", metadata=_ours("ratio", "code") | _nb("ratio", "code", 3)),
        text(
            "*Write your impression here.*",
            id="t5",
            metadata=_ours("impression", "written")
            | _nb("impression", "markdown", 4, solution=True),
        ),
    ]


def _ours(task: str | None, kind: str) -> dict[str, object]:
    return {"clerkship": {"kind": kind} | ({"task": task} if task else {})}


def _nb(
    grade_id: str, cell_type: str, points: float | None = None, *, solution: bool = False
) -> dict[str, object]:
    entries: dict[str, object] = {
        "schema_version": 3,
        "grade_id": grade_id,
        "cell_type": cell_type,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
    }
    return {"nbgrader": entries | ({"points": points} if points is not None else {})}


PERFECT_QUIZ = {"zone": ["upper"], "signs": ["edge", "corner"], "side": 121}
WRONG_QUIZ = {"zone": ["lower"], "signs": ["edge", "arc", "corner"]}


def write_answers(folder: Path, quiz: dict[str, object] | None, *marks: Annotation) -> None:
    """Write answer files as the widgets do."""
    answers = folder / "answers"
    answers.mkdir(exist_ok=True)
    if quiz is not None:
        content = {"task": "post-test", "items": quiz}
        (answers / "post-test.json").write_text(json.dumps(content), encoding="utf-8")
    if marks:
        write_sr(answers / "mark-square.sr.dcm", radiograph(), marks, observer="student")


def write_in(folder: Path, answers: dict[str, str]) -> None:
    """Put a student's text into answer cells of the fetched notebook."""
    path = folder / f"{MODULE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    nbformat.write(notebook, path)
