"""A confined process reaches only what it is given; nor do its children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clerkship_hub.confine import Allowance, handled_rights, landlock_version
from clerkship_hub.supervise import confined

pytestmark = pytest.mark.slow
needs_landlock = pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
PYTHON = (sys.prefix, sys.base_prefix, os.path.realpath(sys.executable).rpartition("/bin/")[0])


def run(code: str, **allowed: tuple[str, ...]) -> str:
    """Run Python code confined and return what it printed."""
    allowance = Allowance(**{**allowed, "read": (*PYTHON, *allowed.get("read", ()))})
    command = confined([sys.executable, "-IS", "-c", code], allowance)
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return (finished.stdout + finished.stderr).strip().rpartition("\n")[2]


@needs_landlock
def test_a_file_outside_can_be_neither_read_nor_listed(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("42")
    assert "PermissionError" in run(f"print(open({str(tmp_path / 'key.json')!r}).read())")
    assert "PermissionError" in run(f"import os; print(os.listdir({str(tmp_path)!r}))")
    assert run(f"print(open({str(tmp_path / 'key.json')!r}).read())", read=(str(tmp_path),)) == "42"


@needs_landlock
def test_reading_is_not_writing(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    write = f"open({str(target)!r}, 'w').write('new')"
    assert "PermissionError" in run(write, read=(str(tmp_path),))
    assert target.read_text() == "old"
    run(write, write=(str(tmp_path),))
    assert target.read_text() == "new"


@needs_landlock
def test_a_link_does_not_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "key").write_text("42")
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "key")
    assert "PermissionError" in run(
        f"print(open({str(tmp_path / 'mine' / 'link')!r}).read())", write=(str(tmp_path / "mine"),)
    )


@needs_landlock
def test_children_are_confined_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("42")
    code = f"import subprocess; subprocess.run(['/bin/cat', {str(tmp_path / 'key')!r}])"
    assert "Permission denied" in run(code)


@needs_landlock
def test_a_letter_box_takes_files_and_shows_none(tmp_path: Path) -> None:
    (tmp_path / "others").write_text("theirs")
    box = str(tmp_path)
    drop = f"import shutil; shutil.copyfile('/etc/hostname', {box + '/mine'!r}); print('dropped')"
    assert run(drop, drop=(box,)) == "dropped"
    assert (tmp_path / "mine").exists()
    assert "PermissionError" in run(f"import os; os.listdir({box!r})", drop=(box,))
    assert "PermissionError" in run(f"open({box + '/others'!r}).read()", drop=(box,))
    assert "PermissionError" in run(f"import os; os.unlink({box + '/others'!r})", drop=(box,))


@needs_landlock
def test_feedback_is_read_by_its_name_and_not_found_by_looking(tmp_path: Path) -> None:
    (tmp_path / "a-long-secret-name").write_text("well done")
    folder = str(tmp_path)
    read = f"print(open({folder + '/a-long-secret-name'!r}).read())"
    assert run(read, peek=(folder,)) == "well done"
    assert "PermissionError" in run(f"import os; os.listdir({folder!r})", peek=(folder,))


@needs_landlock
def test_other_processes_keep_their_secrets() -> None:
    """Also not as root, who could pass by Landlock here with a capability."""
    for secret in ("environ", "mem", "maps"):
        assert "PermissionError" in run(f"open('/proc/{os.getpid()}/{secret}', 'rb').read(1)")
    assert run("print('HOME' in open('/proc/self/environ').read())") == "True"


@pytest.mark.skipif(landlock_version() < 6, reason="signals are scoped from Landlock 6 on")
def test_other_processes_cannot_be_stopped() -> None:
    assert "PermissionError" in run(f"import os; os.kill({os.getpid()}, 0)")


@needs_landlock
def test_the_passwords_of_the_system_stay_closed() -> None:
    assert "PermissionError" in run("open('/etc/shadow').read()")


def test_older_kernels_are_asked_only_for_what_they_know() -> None:
    assert handled_rights(1) < handled_rights(2) < handled_rights(3) < handled_rights(5)
    assert handled_rights(1).bit_length() == 13


def test_the_command_line_says_the_whole_allowance() -> None:
    allowance = Allowance(read=("/a",), write=("/b",), drop=("/c",), peek=("/d",))
    assert allowance.arguments() == ["--read=/a", "--write=/b", "--drop=/c", "--peek=/d"]
