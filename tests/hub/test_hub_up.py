"""`clerkship up`, as a person meets it: sign in, open, hand in, grade; and what is shut."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from clerkship_hub.confine import landlock_version
from clerkship_hub.errors import HubError
from clerkship_hub.marking import Formgrader
from clerkship_hub.session import Kernel, Visitor

if TYPE_CHECKING:
    from conftest import Running

pytestmark = [pytest.mark.hub, pytest.mark.slow]

COURSE, MODULE = "tiny-course", "first-look"
NOTEBOOK = f"{COURSE}/{MODULE}/{MODULE}.ipynb"
WARM_S = 2.0
"""What a second visitor may have to wait for the page of a module."""

LeftBehind = Callable[[str, float], list[str]]


@pytest.fixture(scope="module")
def student(clerkship: Running) -> Visitor:
    visitor = clerkship.visitor("student1")
    visitor.start_server()
    return visitor


@pytest.fixture(scope="module")
def teacher(clerkship: Running) -> Visitor:
    return clerkship.visitor("teacher1")


# -- signing in ---------------------------------------------------------------------------


def test_a_wrong_password_opens_nothing(clerkship: Running) -> None:
    for password in ("", "wrong", "None"):
        stranger = Visitor(clerkship.settings.url, "student1", password)
        with pytest.raises(HubError, match="could not sign in"):
            stranger.sign_in()


def test_one_person_s_password_is_not_another_s(clerkship: Running) -> None:
    passwords = json.loads((clerkship.home / "state" / "passwords.json").read_text())
    impostor = Visitor(clerkship.settings.url, "teacher1", passwords["student1"])
    with pytest.raises(HubError, match="could not sign in"):
        impostor.sign_in()


def test_a_student_lands_on_the_list_of_modules(student: Visitor) -> None:
    page = student.get("hub/")
    assert page.url.endswith("/hub/home")
    assert "First look" in page.text
    assert f"user-redirect/lab/tree/{NOTEBOOK}" in page.text
    assert "formgrader" not in page.text


def test_a_teacher_finds_the_formgrader_there(teacher: Visitor) -> None:
    assert f'href="/services/{COURSE}/formgrader"' in teacher.get("hub/").text


def test_everything_listens_on_this_computer_only(clerkship: Running) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    settings = clerkship.settings.ports
    ours = {settings.public, settings.hub, settings.proxy_api, settings.apps, *settings.graders}
    for line in listening:
        address, port = line.split()[1].split(":")
        if int(port, 16) in ours and line.split()[3] == "0A":  # listening
            assert address == "0100007F"  # 127.0.0.1, as the kernel writes it


def test_the_home_is_private_all_through(clerkship: Running) -> None:
    for folder in (clerkship.home, *(p for p in clerkship.home.iterdir() if p.is_dir())):
        mode = stat.S_IMODE(folder.stat().st_mode)
        assert folder.name == "exchange" or mode & 0o077 == 0, folder


# -- a student's server -------------------------------------------------------------------


def test_the_module_is_there_at_first_sign_in(student: Visitor) -> None:
    assert student.has_file(NOTEBOOK)
    listed = student.assignments(COURSE)
    assert [entry["status"] for entry in listed if entry["assignment_id"] == MODULE][:1] == [
        "fetched"
    ]


def test_what_was_fetched_holds_no_solution(student: Visitor) -> None:
    text = json.dumps(student.read_notebook(NOTEBOOK))
    assert "2 * value" not in text
    assert "minus three" not in text, "hidden test"
    assert "Axial cuts across" not in text, "example answer"


@pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
def test_code_in_a_notebook_reaches_no_key_and_nobody_else(
    clerkship: Running, student: Visitor
) -> None:
    home = clerkship.home
    paths = [
        home / "courses" / COURSE / "keys" / f"{MODULE}.json",
        home / "state" / "passwords.json",
        home / "users" / "student2",
        home / "exchange" / COURSE / "inbound",
        "/etc/shadow",
        f"/proc/{clerkship.process.pid}/environ",
    ]
    assert all(os.path.lexists(path) for path in paths)
    code = f"""
import os
for path in {[str(path) for path in paths]!r}:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        print("OPENED", path)
    except PermissionError:
        pass
print(sorted(name for name in os.environ if "KEY" in name or "PASSWORD" in name))
"""
    with student.kernel(NOTEBOOK) as kernel:
        assert kernel.run(code).strip() == "[]"


def test_students_have_no_formgrader_of_their_own(student: Visitor) -> None:
    assert student.call("GET", "formgrader").status_code == 404
    assert student.call("GET", "formgrader/api/status").status_code == 404


def test_students_have_no_terminal(student: Visitor) -> None:
    assert student.call("POST", "api/terminals").status_code == 404


def test_students_are_refused_at_the_formgrader(student: Visitor) -> None:
    assert student.get(f"services/{COURSE}/formgrader").status_code == 403


def test_students_cannot_open_each_other_s_servers(clerkship: Running, student: Visitor) -> None:
    other = clerkship.visitor("student2")
    assert other.get(f"user/student1/api/contents/{NOTEBOOK}").status_code in {403, 404}
    assert student.get("user/student1/lab").ok


# -- the way from hand-in to feedback -------------------------------------------------------


def test_from_answer_to_feedback(student: Visitor, teacher: Visitor) -> None:
    with student.kernel(NOTEBOOK) as kernel:
        kernel.run("from clerkship_widgets import Quiz")
        kernel.run("Quiz('planes').answer('how-many', 'three')")
    student.assignment("submit", COURSE, MODULE)
    formgrader = Formgrader(teacher, COURSE)
    formgrader.open()
    formgrader.collect(MODULE)
    formgrader.autograde(MODULE, "student1")
    assert formgrader.score(MODULE, "student1") == (2.0, 10.0)
    formgrader.give_feedback(MODULE)
    student.assignment("fetch_feedback", COURSE, MODULE)
    assert "Feedback has come back" in student.get("hub/home").text


# -- the module apps -----------------------------------------------------------------------


def apps(clerkship: Running, path: str = "", method: str = "GET", **more: Any) -> requests.Response:
    url = f"{clerkship.settings.url}services/apps/{path}"
    return requests.request(method, url, timeout=120, **more)


def kernel_of(page: requests.Response) -> str:
    """Return the kernel behind a page."""
    found = re.search(r'"kernelId": "([0-9a-f-]+)"', page.text)
    assert found
    return found[1]


def test_the_index_needs_no_sign_in(clerkship: Running) -> None:
    page = apps(clerkship)
    assert page.ok
    assert f"/services/apps/{COURSE}/{MODULE}/" in page.text


def test_a_second_visitor_hardly_waits(clerkship: Running) -> None:
    first = apps(clerkship, f"{COURSE}/{MODULE}/")
    assert "planes: 3" in first.text
    started = time.monotonic()
    second = apps(clerkship, f"{COURSE}/{MODULE}/")
    took_s = time.monotonic() - started
    assert kernel_of(first) != kernel_of(second)
    assert took_s < WARM_S


def test_an_app_can_start_no_kernel_and_shows_no_files(clerkship: Running) -> None:
    for method, path in [
        ("POST", "api/kernels"),
        ("GET", "api/kernels"),
        ("POST", "api/sessions"),
        ("GET", "api/contents"),
        ("GET", "voila/api/contents/"),
        ("GET", "voila/tree"),
        ("GET", f"voila/files/{COURSE}/{MODULE}/module.json"),
        ("GET", f"{COURSE}/{MODULE}/module.json"),
        ("GET", "catalogue.json"),
        ("GET", "api/terminals"),
        ("GET", f"{COURSE}/../../state/passwords.json"),
        ("GET", f"{COURSE}/no-such-module/"),
    ]:
        answer = apps(clerkship, path, method)
        assert answer.status_code in {403, 404, 405}, (method, path, answer.status_code)


def test_the_kernel_of_a_page_runs_nothing_for_a_visitor(clerkship: Running) -> None:
    import websocket

    page = apps(clerkship, f"{COURSE}/{MODULE}/")
    url = f"ws://127.0.0.1:{clerkship.port}/services/apps/api/kernels/{kernel_of(page)}/channels"
    channel = websocket.create_connection(
        url, origin=clerkship.settings.url.rstrip("/"), timeout=30
    )
    try:
        kernel = Kernel(channel)
        marker = clerkship.home / "scratch" / "ran"
        kernel.send("execute_request", {"code": f"open({str(marker)!r}, 'w')", "silent": False})
        asked = kernel.send("kernel_info_request", {})
        replies = []
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            message = kernel.receive(5)
            if message:
                replies.append(message["header"]["msg_type"])
                if message["parent_header"].get("msg_id") == asked:
                    break
        assert "kernel_info_reply" in replies or "status" in replies, "the kernel does answer"
        assert "execute_reply" not in replies
        assert not marker.exists()
    finally:
        channel.close()


def test_the_apps_know_no_token_of_the_hub(clerkship: Running, left_behind: LeftBehind) -> None:
    running = [line for line in left_behind(str(clerkship.home), 0) if "clerkship_hub.apps" in line]
    assert len(running) == 1
    pid = running[0].partition(":")[0]
    environment = Path(f"/proc/{pid}/environ").read_text()
    assert "CLERKSHIP_SELF_STUDY=1" in environment
    assert "JUPYTERHUB" not in environment
    assert "CLERKSHIP_KEYS" not in environment


# -- starting twice, stopping ----------------------------------------------------------------


def try_up(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clerkship_hub", "up", "--courses", str(Path(__file__).parent)]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_a_second_instance_on_the_same_home_is_refused(clerkship: Running) -> None:
    finished = try_up("--home", str(clerkship.home), "--port", "1")
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"clerkship: {clerkship.home} is already in use")
    assert len(finished.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_one_sentence(clerkship: Running, tmp_path: Path) -> None:
    finished = try_up("--home", str(tmp_path / "home"), "--port", str(clerkship.port))
    assert finished.returncode == 1
    assert f"Port {clerkship.port} is already taken" in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1


def test_stop_resume_and_kill(
    start_clerkship: Callable[[Path], Running], left_behind: LeftBehind, tmp_path: Path
) -> None:
    """Ctrl-C leaves nothing running, a restart finds everything, and so does one after kill -9."""
    home = tmp_path / "home"
    first = start_clerkship(home)
    student = first.visitor("student1")
    student.start_server()
    with student.kernel(NOTEBOOK) as kernel:
        kernel.run("from clerkship_widgets import Quiz")
        kernel.run("Quiz('planes').answer('how-many', 'four')")
        student.assignment("submit", COURSE, MODULE)
        passwords = (home / "state" / "passwords.json").read_text()
        assert first.stop(signal.SIGINT) == 0
    assert left_behind(str(home), 1) == []

    second = start_clerkship(home)
    assert (home / "state" / "passwords.json").read_text() == passwords
    again = second.visitor("student1")
    again.start_server()
    answers = json.loads(
        (home / "users/student1" / COURSE / MODULE / "answers/planes.json").read_text()
    )
    assert answers["items"] == {"how-many": ["four"]}
    assert [e["status"] for e in again.assignments(COURSE)].count("submitted") == 1
    os.kill(second.process.pid, signal.SIGKILL)
    second.wait()
    assert left_behind(str(home), 25) == []

    third = start_clerkship(home)
    formgrader = Formgrader(third.visitor("teacher1"), COURSE)
    formgrader.open()
    formgrader.collect(MODULE)
    formgrader.autograde(MODULE, "student1")
    assert formgrader.score(MODULE, "student1") == (0.0, 10.0)
    assert third.stop(signal.SIGTERM) == 0
    assert left_behind(str(home), 1) == []
