"""Quiz and Commit in a real page: what a student sees, by mouse and by keyboard."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

BUNDLE: dict[str, Any] = {
    "tasks": {"post-test": {"kind": "quiz", "points": 3, "items": ["zone", "signs", "width"]}},
    "items": {
        "zone": {
            "kind": "choice",
            "stem": "Which *zone*?",
            "points": 1,
            "options": {"epi": {"text": "Epiphysis"}, "meta": {"text": "Metaphysis"}},
        },
        "signs": {
            "kind": "choices",
            "stem": "Which signs?",
            "points": 1,
            "options": {"rim": {"text": "A rim"}, "moth": {"text": "Moth-eaten"}},
        },
        "width": {"kind": "number", "stem": "How wide?", "points": 1, "unit": "HU"},
        "plate": {
            "kind": "choice",
            "stem": "Where is the growth plate?",
            "explanation": "The physis lies there.",
            "options": {
                "between": {"text": "Between", "correct": True, "feedback": "Yes."},
                "mid": {
                    "text": "Mid-shaft",
                    "correct": False,
                    "feedback": "That is the diaphysis.",
                },
            },
        },
    },
    "practice": {"warm-up": {"items": ["plate"], "withhold": False}},
    "reveals": {
        "read": {
            "prompt": "What do you see?",
            "options": None,
            "confidence": True,
            "markdown": "Tracer in the **bladder**.",
        }
    },
}
CELLS = [
    "from clerkship_widgets import Commit, Quiz",
    "Quiz('post-test')",
    "Quiz('warm-up')",
    "Commit('read')",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real Voila over a module folder, and that folder."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    folder = tmp_path_factory.mktemp("module")
    (folder / "module.json").write_text(json.dumps(BUNDLE))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(
        new_notebook(cells=[new_code_cell(code) for code in CELLS], metadata=kernel),
        folder / "page.ipynb",
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        name: value for name, value in os.environ.items() if name != "CLERKSHIP_SELF_STUDY"
    }
    with (folder / "voila.log").open("w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "voila",
                "page.ipynb",
                "--no-browser",
                f"--port={port}",
                "--Voila.ip=127.0.0.1",
                "--show_tracebacks=True",
            ],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}static/", timeout=2)
            except urllib.error.HTTPError:
                break
            except OSError:
                assert server.poll() is None, (folder / "voila.log").read_text()
                assert time.monotonic() < deadline, (folder / "voila.log").read_text()
                time.sleep(0.3)
        yield address, folder
    finally:
        server.terminate()
        server.wait(20)


def open_page(page: Page, address: str) -> tuple[Locator, Locator, Locator]:
    page.goto(address)
    page.locator(".ck-commit").wait_for(timeout=60_000)
    return (
        page.get_by_role("region", name="Post-test"),
        page.get_by_role("region", name="Warm-up"),
        page.locator(".ck-commit"),
    )


def on_disk(folder: Path, name: str) -> Any:
    return json.loads((folder / "answers" / name).read_text())


def test_a_student_answers_checks_commits_and_finds_all_of_it_again(
    page: Page, site: tuple[str, Path]
) -> None:
    from playwright.sync_api import expect

    address, folder = site
    post, warm, read = open_page(page, address)

    # Graded, by keyboard alone: "Saved" is said when it is on disk, and nothing else.
    post.get_by_role("radio", name="Epiphysis").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("0,85")
    expect(post.get_by_text("read as 0.85 HU")).to_be_visible()
    expect(post.get_by_text("3 of 3 answered")).to_be_visible()
    expect(post.locator(".ck-standing")).to_have_text("Saved")
    assert on_disk(folder, "post-test.json") == {
        "task": "post-test",
        "items": {"zone": ["meta"], "signs": ["rim"], "width": 0.85},
    }
    expect(post.get_by_role("button")).to_have_count(0)

    # A number that is none is said at once, and leaves the item blank.
    post.get_by_role("textbox").fill("wide")
    expect(post.get_by_text("Please write a number")).to_be_visible()
    expect(post.get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
    expect(post.get_by_text("2 of 3 answered")).to_be_visible()

    # Practice: the check waits for the answer, then answers back; a changed answer is a fresh try.
    warm.get_by_role("button", name="Check").click()
    expect(warm.get_by_text("Question 1 is still open")).to_be_visible()
    expect(warm.get_by_role("radio", name="Between")).to_be_focused()
    warm.get_by_role("radio", name="Mid-shaft").check()
    warm.get_by_role("button", name="Check").click()
    expect(warm.get_by_text("That is the diaphysis.")).to_be_visible()
    expect(warm.get_by_text("The physis lies there.")).to_be_hidden()
    warm.get_by_role("radio", name="Between").check()
    expect(warm.get_by_text("That is the diaphysis.")).to_be_hidden()
    warm.get_by_role("button", name="Check").click()
    expect(warm.get_by_text("1 of 1 right.")).to_be_visible()
    expect(warm.get_by_text("The physis lies there.")).to_be_visible()

    # Commit: nothing of the reveal is in the page before, and what is missing is said.
    read.get_by_label("What do you see?").fill("Uptake in the bladder region")
    read.get_by_role("button", name="Commit").click()
    expect(read.get_by_text("Say how sure you are first")).to_be_visible()
    assert "Tracer in the" not in page.content()
    page.keyboard.press("ArrowRight")
    read.get_by_role("button", name="Commit").click()
    expect(read.get_by_role("region", name="Reveal")).to_contain_text("Tracer in the bladder.")
    expect(read.get_by_role("region", name="Reveal")).to_be_focused()
    expect(read.get_by_role("button", name="Commit")).to_have_count(0)

    # Closed and opened again: another kernel, the same state.
    post, warm, read = open_page(page, address)
    expect(post.get_by_role("radio", name="Metaphysis")).to_be_checked()
    expect(post.get_by_role("textbox")).to_have_value("")
    expect(post.locator(".ck-standing")).to_have_text("Saved")
    expect(warm.get_by_text("1 of 1 right.")).to_be_visible()
    expect(read.get_by_text("Uptake in the bladder region")).to_be_visible()
    expect(read.get_by_role("region", name="Reveal")).to_contain_text("Tracer in the bladder.")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read(page: Page, site: tuple[str, Path], theme: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 between text and what lies behind it."""
    open_page(page, f"{site[0]}?theme={theme}")
    faint = page.evaluate(CONTRAST)
    assert faint["looked_at"] > 20
    assert faint["below"] == []


CONTRAST = """() => {
  const painted = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { painted.clearRect(0, 0, 1, 1); painted.fillStyle = colour; painted.fillRect(0, 0, 1, 1); return [...painted.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const f = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (node) => { for (let n = node; n; n = n.parentElement) { const c = rgb(getComputedStyle(n).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255]; };
  const below = [];
  let looked_at = 0;
  for (const node of document.querySelectorAll(".ck-quiz *")) {
    const text = [...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data.trim()).join("");
    if (!text || !node.checkVisibility()) continue;
    looked_at++;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) below.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return { looked_at, below };
}"""
