"""conda and Binder install what pyproject.toml says, and Binder's own rules are kept."""

from __future__ import annotations

import importlib.util
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_environment", BINDER / "make_environment.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def environment() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "environment.yml").read_text())
    return read


def pip_lines(environment: dict[str, Any]) -> list[str]:
    (lines,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return list(lines)


def test_both_files_are_up_to_date(generator: ModuleType) -> None:
    text = generator.environment_yaml(project())
    for path in generator.TARGETS:
        assert path.read_text() == text, (
            f"{path.relative_to(ROOT)} is stale: run binder/make_environment.py"
        )


def test_names_and_version_ranges_are_those_of_the_project(environment: dict[str, Any]) -> None:
    """Read independently of the generator, as pip reads them."""

    def parsed(lines: list[str]) -> set[tuple[str, frozenset[str], SpecifierSet]]:
        requirements = [Requirement(line) for line in lines]
        return {(one.name, frozenset(one.extras), one.specifier) for one in requirements}

    assert parsed(pip_lines(environment)) == parsed(project()["dependencies"])


def test_a_new_dependency_reaches_the_file(generator: ModuleType) -> None:
    changed = project()
    changed["dependencies"] = [*changed["dependencies"], "simpleitk>=2.5,<3"]
    text = generator.environment_yaml(changed)
    assert "simpleitk>=2.5,<3" in pip_lines(yaml.safe_load(text))
    assert text != (ROOT / "environment.yml").read_text()


def test_python_is_written_so_that_binder_reads_it_and_the_project_allows_it(
    environment: dict[str, Any],
) -> None:
    """repo2docker takes the version from `python=X.Y` only; any other form gives its own default."""
    (line,) = [entry for entry in environment["dependencies"] if str(entry).startswith("python")]
    match = re.fullmatch(r"python=(3\.\d+)", line)
    assert match
    assert SpecifierSet(project()["requires-python"]).contains(f"{match[1]}.0")


@pytest.mark.parametrize("requires", ["", "<4", "==3.12.*"])
def test_a_python_without_a_lower_bound_is_refused(generator: ModuleType, requires: str) -> None:
    with pytest.raises(generator.EnvironmentFileError, match=r">=3\.11"):
        generator.oldest_python(requires)


def test_conda_lines_are_names_that_conda_reads(environment: dict[str, Any]) -> None:
    assert environment["channels"] == ["conda-forge"]
    names = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    for line in names:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*(=[0-9.]+)?", line), line
    assert "pip" in names, "conda warns, and may fail, when a pip: section has no pip"


def test_no_pip_line_names_a_path() -> None:
    """It would be read from the file's own folder: the root's copy and Binder's would differ in meaning."""
    for line in pip_lines(yaml.safe_load((BINDER / "environment.yml").read_text())):
        assert not line.startswith(("-e", ".", "/"))


def test_nothing_in_the_root_is_meant_for_binder() -> None:
    """Once there is a binder/ folder, repo2docker reads nothing of the kind from the root."""
    for name in (
        "postBuild",
        "start",
        "apt.txt",
        "requirements.txt",
        "runtime.txt",
        "Dockerfile",
        "setup.py",
    ):
        assert not (ROOT / name).exists(), (
            f"{name} in the root is ignored by Binder: put it into binder/"
        )
    assert (BINDER / "environment.yml").is_file(), (
        "without it conda users' file in the root would be ignored"
    )


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_can_be_run(name: str) -> None:
    script = BINDER / name
    assert script.stat().st_mode & stat.S_IXUSR
    assert script.read_text().startswith("#!/bin/bash\n")
    checked = subprocess.run(
        ["bash", "-n", str(script)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_what_the_scripts_name_exists() -> None:
    text = "".join((BINDER / name).read_text() for name in ("postBuild", "start"))
    named = re.findall(r"\b(?:widgets|courses|binder)/[\w./-]+", text)
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


def test_start_hands_over_to_the_server() -> None:
    """Binder passes the server's command line to `start`; a script that does not exec it never serves."""
    said = subprocess.run(
        [str(BINDER / "start"), "sh", "-c", "echo $CLERKSHIP_SELF_STUDY"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "1"


@pytest.mark.slow
def test_the_visitors_folder_holds_self_study_notebooks_and_no_key(tmp_path: Path) -> None:
    import json
    import sys

    subprocess.run([sys.executable, str(BINDER / "make_visit.py"), str(tmp_path)], check=True)
    notebooks = sorted(tmp_path.rglob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        assert (notebook.parent / "module.json").is_file()
        assert "BEGIN SOLUTION" not in notebook.read_text()
        assert "nbgrader" not in json.loads(notebook.read_text())["cells"][0]["metadata"]
    assert not [
        path for path in tmp_path.rglob("*") if path.parent.name in {"keys", "source", "instructor"}
    ]
