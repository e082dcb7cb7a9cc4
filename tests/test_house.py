"""The house rules that a machine can check: style, types, import order, landing rules."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PACKAGES = ("cases", "widgets", "courses", "grading", "hub")


def run(*command: str, cwd: Path = ROOT) -> None:
    finished = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_ruff_finds_nothing_to_complain_about() -> None:
    run(str(BIN / "ruff"), "check", ".", "clerkship")


def test_ruff_would_format_nothing() -> None:
    run(str(BIN / "ruff"), "format", "--check", ".", "clerkship")


def test_imports_run_one_way() -> None:
    run(str(BIN / "lint-imports"), "--no-cache")


@pytest.mark.slow
def test_types_are_strict() -> None:
    run(str(BIN / "mypy"))


@pytest.mark.slow
def test_typescript_types_are_strict() -> None:
    run(str(BIN / "node"), "node_modules/.bin/tsc", "--noEmit", cwd=ROOT / "widgets" / "js")


@pytest.mark.slow
def test_typescript_units() -> None:
    files = [
        str(p.relative_to(ROOT / "widgets" / "js"))
        for p in tracked_files()
        if p.name.endswith(".test.ts")
    ]
    assert files
    run(str(BIN / "node"), "--test", *files, cwd=ROOT / "widgets" / "js")


@pytest.mark.slow
def test_pre_commit_hooks_pass() -> None:
    run(str(BIN / "pre-commit"), "run", "--all-files")


def test_every_room_says_what_it_is_for() -> None:
    for room in (*PACKAGES, "binder", "tests", "benchmarks"):
        readme = ROOT / room / "README.md"
        assert readme.is_file(), f"{room} has no README.md"
        assert len(readme.read_text().splitlines()) <= 40, f"{readme} should stay short"


def test_no_python_files_directly_in_a_room() -> None:
    """An editable install puts the rooms on the path: a loose file there would be importable by its bare name."""
    for room in PACKAGES:
        assert not list((ROOT / room).glob("*.py"))


def test_no_generated_file_binary_or_data_set_in_git() -> None:
    forbidden = {".ipynb", ".dcm", ".nii", ".gz", ".glb", ".whl", ".db", ".zip", ".npz"}
    assert [p for p in tracked_files() if p.suffix in forbidden] == []


def test_no_registry_host_or_private_path_in_the_repository() -> None:
    pattern = re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|/root/|/work/(main|shared)|anaconda\.org"
    )
    this = Path(__file__)
    found = []
    for path in tracked_files():
        if path == this or path.suffix == ".png":
            continue
        if match := pattern.search(path.read_text(errors="replace")):
            found.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert found == []


def test_lock_files_are_made_from_the_project_file() -> None:
    """Every direct dependency is locked, with hashes, in a version that the project file allows."""
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = dict(
        re.findall(
            r"^([a-z0-9._-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
        )
    )
    for line in project["project"]["dependencies"]:
        wanted = Requirement(line)
        assert wanted.name in lock, f"{wanted.name} is not locked: run .ci/lock"
        assert wanted.specifier.contains(lock[wanted.name]), (
            f"{wanted} does not allow the locked {lock[wanted.name]}: run .ci/lock"
        )
