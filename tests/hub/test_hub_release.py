"""From sources to what students fetch: again only when something has changed."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from clerkship_hub import home, release
from clerkship_hub.errors import HubError
from clerkship_hub.roles import page_config, server_config
from clerkship_hub.settings import Settings
from clerkship_hub.voice import Voice

COURSE, MODULE = "tiny-course", "first-look"


def quiet() -> Voice:
    return Voice(Console(file=io.StringIO()))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the tiny course that a test may edit."""
    return Path(shutil.copytree(Path(__file__).parent / COURSE, tmp_path / "courses" / COURSE))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", courses=(COURSE,))
    home.prepare(made)
    return made


def released(settings: Settings) -> Path:
    return settings.exchange / COURSE / "outbound" / MODULE / f"{MODULE}.ipynb"


@pytest.mark.slow
def test_a_course_is_released_once_and_again_only_when_it_changes(
    settings: Settings, source: Path
) -> None:
    card = release.publish(settings, source, quiet())
    assert [module.id for module in card.modules] == [MODULE]
    assert card.modules[0].points == 10
    first = released(settings).stat().st_mtime_ns
    assert (settings.apps / COURSE / MODULE / f"{MODULE}.ipynb").is_file()

    submission = settings.exchange / COURSE / "inbound" / "student1+first-look+now+random"
    submission.mkdir()
    (submission / "answer").write_text("mine")
    release.publish(settings, source, quiet())
    assert released(settings).stat().st_mtime_ns == first

    text = (source / "01-first-look" / "module.md").read_text()
    (source / "01-first-look" / "module.md").write_text(text.replace("## Look", "## Look closely"))
    release.publish(settings, source, quiet())
    assert "Look closely" in released(settings).read_text()
    assert (submission / "answer").read_text() == "mine"


@pytest.mark.slow
def test_neither_release_nor_app_holds_an_answer(settings: Settings, source: Path) -> None:
    release.publish(settings, source, quiet())
    public = [*released(settings).parent.rglob("*"), *settings.apps.rglob("*")]
    for file in (path for path in public if path.is_file()):
        text = file.read_text()
        for secret in ("return 2 * value", "minus three", "Axial cuts across", "one too many"):
            assert secret not in text, file
    assert not list(settings.apps.rglob("answers.yml"))
    assert not list(settings.apps.rglob("keys"))


def test_a_mistake_in_a_course_is_said_with_file_and_line(settings: Settings, source: Path) -> None:
    items = source / "01-first-look" / "items.yml"
    items.write_text(items.read_text().replace("kind: choice", "kind: chioce"))
    with pytest.raises(HubError, match=r"items\.yml:\d+"):
        release.publish(settings, source, quiet())


def test_a_folder_without_courses_is_said(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="no course there"):
        release.find_courses(tmp_path)


def test_the_same_content_has_the_same_digest_and_another_has_not(tmp_path: Path) -> None:
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text(text)
    a, b, c = (release.digest(tmp_path / name) for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_only_the_grader_has_a_formgrader_and_nobody_asks_the_internet(role: str) -> None:
    config = server_config(role)
    assert (
        config["ServerApp"]["jpserver_extensions"]["nbgrader.server_extensions.formgrader"] is False
    )
    assert page_config(role)["disabledExtensions"]["@jupyter/nbgrader:formgrader"] is True
    assert config["LabApp"]["news_url"] is None
    grader = server_config("grader")["ServerApp"]["jpserver_extensions"]
    assert grader["nbgrader.server_extensions.formgrader"] is True
    json.dumps(config)
