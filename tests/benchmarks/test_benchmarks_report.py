"""Benchmarks: the figures are medians, the ratio has one direction, and a tiny run really measures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "benchmarks" / "run.py"


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`benchmarks/` is a folder of scripts, no package: importable only while it is asked for."""
    monkeypatch.syspath_prepend(str(RUN.parent))
    import report as module

    yield module
    sys.modules.pop("report")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RUN), *arguments], capture_output=True, text=True, check=False
    )


def test_the_ratio_is_peer_over_ours_of_the_medians(report: ModuleType) -> None:
    row = report.Row("time", "s", (2.0, 1.0, 90.0), "peer 1.0", (8.0, 6.0, 0.1))
    assert row.ratio == 3.0
    assert row.as_json() == {
        "what": "time",
        "unit": "s",
        "ours": 2.0,
        "peer": "peer 1.0",
        "peer_value": 6.0,
        "ratio": 3.0,
        "runs": 3,
        "ours_range": [1.0, 90.0],
        "peer_range": [0.1, 8.0],
    }


def test_the_table_names_both_sides_and_their_spread(report: ModuleType) -> None:
    lines = report.table(
        [report.Row("time", "s", (1.0, 2.0, 4.0), "peer 1.0", (3.0, 3.0, 3.0))]
    ).splitlines()
    assert lines[0].split() == ["what", "unit", "ours", "peer's", "ratio", "peer"]
    assert "2.00 (1.00–4.00)" in lines[2]
    assert "1.50" in lines[2]


def test_the_machine_line_names_cores_memory_and_versions(report: ModuleType) -> None:
    assert re.search(
        r"\d+ cores, \d+ GiB, \w+ \w+, Python 3\.\d+\.\d+; nbgrader 0\.9\.6",
        report.machine(["nbgrader"]),
    )


@pytest.mark.parametrize("arguments", [["no-such-benchmark"], ["viewer", "--runs", "0"]])
def test_a_wrong_call_is_told_the_right_one(arguments: list[str]) -> None:
    finished = bench(*arguments)
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr
    assert re.search("viewer|start at 1", finished.stderr)


def tiny_run(name: str, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    path = folder / "figures.json"
    finished = bench(name, "--runs", "1", "--json", str(path), *arguments)
    assert finished.returncode == 0, finished.stderr
    assert "not a figure to publish" in finished.stdout
    figures = json.loads(path.read_text())
    assert figures["name"] == name
    rows: list[dict[str, Any]] = figures["rows"]
    for row in rows:
        assert {"what", "unit", "ours", "peer", "peer_value", "ratio"} <= row.keys()
        assert row["ours"] > 0
        assert row["peer_value"] > 0
    return rows


@pytest.mark.slow
def test_a_tiny_class_is_graded_by_both_with_the_same_points(tmp_path: Path) -> None:
    rows = tiny_run("autograde", tmp_path, "--submissions", "2")
    assert [row["what"] for row in rows] == [
        "autograde of 2 submissions",
        "autograde of 2 submissions, processor",
    ]


@pytest.mark.browser
def test_both_viewers_show_the_volume_and_ours_sends_one_slice(
    tmp_path: Path, chromium_path: str
) -> None:
    rows = tiny_run("viewer", tmp_path)
    assert [row["what"] for row in rows][:2] == ["first image delay", "bytes to first image"]
    assert rows[1]["ours"] < 1.0, "the first slice should take less than 1 MB of traffic"
