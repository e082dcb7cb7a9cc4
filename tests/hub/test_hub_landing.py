"""The lists of modules."""

from __future__ import annotations

from pathlib import Path

from clerkship_hub import home
from clerkship_hub.landing import (
    CourseCard,
    ModuleCard,
    Progress,
    load_cards,
    render_page,
    save_cards,
)
from clerkship_hub.settings import Settings


def card(title: str = "Bone & joint") -> CourseCard:
    module = ModuleCard("bone", title, "One leg.", 75, 19.5, ("Find a lesion",))
    return CourseCard("imaging", "Imaging", "An introduction.", (module,))


def test_cards_survive_being_saved(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    home.prepare(settings)
    save_cards(settings, [card()])
    assert load_cards(settings) == [card()]


def test_the_index_leads_to_every_module_and_escapes_titles() -> None:
    page = render_page("apps.html", base_url="/services/apps/", courses=[card("<b>Bone</b>")])
    assert 'href="/services/apps/imaging/bone/"' in page
    assert "&lt;b&gt;Bone&lt;/b&gt;" in page
    assert "75 minutes" in page


def test_a_busy_page_leads_back() -> None:
    page = render_page("busy.html", base_url="/services/apps/")
    assert "All places are taken" in page
    assert 'href="/services/apps/"' in page


def test_points_are_said_without_a_needless_decimal() -> None:
    assert card().modules[0].points_text == "19.5"
    assert ModuleCard("m", "M", "", 1, 6.0, ()).points_text == "6"


def test_progress_goes_from_started_to_handed_in_to_feedback(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    home.prepare(settings)
    progress = Progress(settings)
    folder = settings.user_home("student1") / "c" / "m"
    assert progress.of("student1", "c", "m") == ""
    (folder / "answers").mkdir(parents=True)
    (folder / "answers" / "quiz.json").touch()
    assert progress.of("student1", "c", "m") == "started"
    cache = settings.user_home("student1") / ".local/share/jupyter/nbgrader_cache/student1/c"
    (cache / "student1+m+2026-11-22 10:00:00 UTC").mkdir(parents=True)
    assert progress.of("student1", "c", "m") == "submitted"
    (folder / "feedback" / "2026-11-22").mkdir(parents=True)
    (folder / "feedback" / "2026-11-22" / "m.html").touch()
    assert progress.of("student1", "c", "m") == "feedback"
    assert progress.of("student2", "c", "m") == ""
