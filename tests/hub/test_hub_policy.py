"""Who may reach which file, tried from inside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clerkship_hub import home, policy
from clerkship_hub.confine import Allowance, landlock_version
from clerkship_hub.settings import CHECKOUT, Settings
from clerkship_hub.supervise import confined

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock"),
]
COURSE = "a-course"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home as `up` makes it, with something in every corner that somebody must not see."""
    made = Settings(home=tmp_path / "home", courses=(COURSE,))
    home.prepare(made)
    home.passwords(made)
    made.save()
    policy.link_code(made)
    for folder in ("outbound/m", "inbound/student2+m+now+random", "feedback"):
        (made.exchange / COURSE / folder).mkdir(parents=True)
    (made.exchange / COURSE / "inbound/student2+m+now+random/answer").write_text("theirs")
    (made.course_root(COURSE) / "keys").mkdir(parents=True)
    (made.course_root(COURSE) / "keys" / "m.json").write_text("{}")
    (made.user_home("student2") / "mine").write_text("theirs")
    (made.config / "student").mkdir()
    (made.config / "grader").mkdir()
    policy.make_private_folders(made.user_home("student1"))
    policy.make_private_folders(made.scratch)
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(tmp_path / "added"))
    policy.make_added_folders()
    (tmp_path / "added/cases/ours").mkdir()
    (tmp_path / "added/cases/ours/note").write_text("public")
    (tmp_path / "added/keys/ours").mkdir()
    (tmp_path / "added/keys/ours/key.yml").write_text("the answer")
    return made


def forbidden(settings: Settings) -> list[Path]:
    """Return everything that neither a student nor an app may open."""
    return [
        settings.course_root(COURSE) / "keys" / "m.json",
        settings.state / "passwords.json",
        settings.exchange / COURSE / "inbound/student2+m+now+random/answer",
        settings.user_home("student2") / "mine",
        settings.config / "grader",
        CHECKOUT / "cases" / "keys" / "tibia-nof" / "key.yml",
        CHECKOUT / "courses" / "imaging-foundations" / "02-bone-and-joint" / "answers.yml",
        CHECKOUT / "pyproject.toml",
        Path.home() / ".bashrc",
    ]


def run(settings: Settings, allowance: Allowance, folder: Path, code: str) -> str:
    finished = subprocess.run(
        confined([sys.executable, "-c", code], allowance),
        env=policy.confined_environment(settings, folder),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


OPEN_ALL = """
import os, sys
for path in {paths!r}:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).read(1)
    except PermissionError:
        continue
    except FileNotFoundError:
        print("missing", path)
        continue
    print("OPENED", path)
"""


@pytest.mark.parametrize("who", ["student", "teacher's own server", "apps"])
def test_keys_passwords_and_the_work_of_others_stay_closed(settings: Settings, who: str) -> None:
    allowance, folder = {
        "student": (
            policy.person_allowance(settings, "student1"),
            settings.user_home("student1"),
        ),
        "teacher's own server": (
            policy.person_allowance(settings, "teacher1"),
            settings.user_home("teacher1"),
        ),
        "apps": (policy.apps_allowance(settings), settings.scratch),
    }[who]
    policy.make_private_folders(folder)
    paths = [str(path) for path in forbidden(settings) if path.exists()]
    assert len(paths) >= 6, "too little left to prove anything"
    assert run(settings, allowance, folder, OPEN_ALL.format(paths=paths)) == ""


def test_a_student_can_import_what_a_module_needs_and_open_a_case(settings: Settings) -> None:
    code = """
import clerkship_widgets
from clerkship_cases import list_cases, open_case
print(len(list_cases()), open_case("tibia-nof").volume.array.ndim)
"""
    allowance = policy.person_allowance(settings, "student1")
    said = run(settings, allowance, settings.user_home("student1"), code)
    count, axes = said.split()
    assert int(count) >= 6
    assert axes == "3"


def test_the_reader_of_keys_finds_none(settings: Settings) -> None:
    code = """
from clerkship_cases import CaseError
from clerkship_cases.key import open_key
try:
    open_key("tibia-nof")
    print("OPENED")
except (CaseError, OSError):
    print("closed")
"""
    allowance = policy.person_allowance(settings, "student1")
    assert run(settings, allowance, settings.user_home("student1"), code) == "closed\n"


def test_a_student_writes_at_home_and_nowhere_else(settings: Settings) -> None:
    places = [settings.apps, settings.code, settings.state, CHECKOUT, Path(sys.prefix)]
    code = f"""
import pathlib
pathlib.Path("here").write_text("x")
for place in {[str(place) for place in places]!r}:
    try:
        pathlib.Path(place, "there").write_text("x")
        print("WROTE", place)
    except PermissionError:
        pass
"""
    mine = settings.user_home("student1")
    assert run(settings, policy.person_allowance(settings, "student1"), mine, code) == ""
    assert (mine / "here").read_text() == "x"


@pytest.mark.parametrize("name", ["student1", "teacher1"])
def test_the_key_of_an_added_case_is_the_teachers_its_images_are_everybodys(
    settings: Settings, name: str
) -> None:
    code = """
import pathlib
from clerkship_cases.key import key_roots
from clerkship_cases.library import added_root
print((added_root() / "cases/ours/note").read_text(), end=" ")
try:
    key = key_roots()[-1] / "ours" / "key.yml"
    print(key.read_text(), end=" ")
    key.write_text("a better answer")
    print("wrote")
except PermissionError:
    print("closed")
"""
    policy.make_private_folders(settings.user_home(name))
    said = run(settings, policy.person_allowance(settings, name), settings.user_home(name), code)
    assert (
        said
        == {
            "student1": "public closed\n",
            "teacher1": "public the answer wrote\n",
        }[name]
    )


def test_a_course_s_sources_cannot_be_imported(settings: Settings) -> None:
    code = """
try:
    import clerkship_courses.answers
    print("IMPORTED")
except ImportError:
    print("not there")
"""
    allowance = policy.person_allowance(settings, "student1")
    assert run(settings, allowance, settings.user_home("student1"), code) == "not there\n"
