"""The command line: thin, and plain about what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from clerkship_hub.cli import app

TINY = Path(__file__).parent
"""Holds `tiny-course`."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_cases_are_listed_as_json() -> None:
    finished = run("cases", "list", "--json")
    assert finished.exit_code == 0
    assert "tibia-nof" in {record["id"] for record in json.loads(finished.stdout)}


def test_cases_are_listed_for_people() -> None:
    lines = run("cases", "list").stdout.splitlines()
    assert any(line.startswith("tibia-nof") for line in lines)


def test_a_case_is_shown_with_its_licence_and_who_says_so() -> None:
    shown = json.loads(run("cases", "show", "tibia-nof", "--json").stdout)
    assert shown["licence"]
    assert shown["said_by"] in {"metadata", "author", "clinician", "pathology"}


def test_an_unknown_case_is_one_sentence() -> None:
    finished = run("cases", "show", "no-such-case")
    assert finished.exit_code == 1
    assert finished.stderr.startswith("clerkship: there is no case 'no-such-case'")
    assert "Traceback" not in finished.output


@pytest.mark.slow
def test_a_course_is_built_where_asked(tmp_path: Path) -> None:
    finished = run("build", "tiny-course", "--courses", str(TINY), "--out", str(tmp_path))
    assert finished.exit_code == 0, finished.output
    assert (tmp_path / "tiny-course/source/first-look/first-look.ipynb").is_file()
    assert "10 points" in finished.stdout


def test_an_unknown_course_is_one_sentence(tmp_path: Path) -> None:
    finished = run("build", "nowhere", "--courses", str(tmp_path), "--out", str(tmp_path / "out"))
    assert finished.exit_code == 1
    assert finished.stderr.startswith("clerkship: ")


@pytest.mark.slow
def test_a_new_module_builds_at_once(tmp_path: Path) -> None:
    courses = tmp_path / "courses"
    made = run("new", "module", "a-course", "chest-radiograph", "--courses", str(courses))
    assert made.exit_code == 0, made.output
    built = run("build", "a-course", "--courses", str(courses), "--out", str(tmp_path / "out"))
    assert built.exit_code == 0, built.output
    assert list((tmp_path / "out").rglob("chest-radiograph.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--port", "70000"), "not a port"),
        (("--courses", "/proc/self/task"), "no course there"),
        (("--home", "/proc/nowhere"), "/proc/nowhere"),
    ],
)
def test_up_says_in_one_sentence_what_is_in_the_way(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    command = [sys.executable, "-m", "clerkship_hub", "up", "--courses", str(TINY)]
    home = () if "--home" in arguments else ("--home", str(tmp_path / "home"))
    finished = subprocess.run(
        [*command, *home, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == 1
    said = finished.stderr.strip().splitlines()[-1]
    assert said.startswith("clerkship: ")
    assert sentence in said
    assert "Traceback" not in finished.stderr
