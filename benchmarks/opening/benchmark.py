"""How long a series takes from files to a volume, and how much memory: ours and three others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from report import BenchmarkError, Options, Row

WHAT = "opening a series of DICOM files to a volume of real-world values"
PACKAGES = ("clerkship", "pydicom", "SimpleITK", "dicom2nifti", "imagecodecs")

HERE = Path(__file__).resolve().parent
PEERS = ("SimpleITK", "pydicom", "dicom2nifti")
#: Bytes of one voxel of the volume as it is handed over: both series fit into 16 bits.
VOXEL_BYTES = 2


def measure(options: Options) -> list[Row]:
    """Open two real series with each side in turn, each time in a fresh process.

    Returns
    -------
    list of Row
        Seconds, and peak memory as a multiple of the volume, for each series and peer.

    Raises
    ------
    BenchmarkError
        If a side gives other values than ours: then there is nothing to compare.
    """
    data = _test_data()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="clerkship-bench-") as name:
        with zipfile.ZipFile(data / "studyforrest-t1" / "dicoms_384slices.zip") as archive:
            archive.extractall(name)
        series = {
            "MR, 384 slices, uncompressed": Path(name) / "dicoms",
            "CT, 135 slices, JPEG-LS": data / "acrin-nsclc-042" / "ct",
        }
        for what, folder in series.items():
            rows += _compared(what, folder, options.runs)
    return rows


def _compared(what: str, folder: Path, runs: int) -> list[Row]:
    sides = ("clerkship", *PEERS)
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for side in sides:
        _run(side, folder)  # files into the page cache, modules compiled
    for run in range(runs):
        # The order turns, so that nobody always comes first.
        for side in (*sides[run % len(sides) :], *sides[: run % len(sides)]):
            found[side].append(_run(side, folder))
            _same(what, side, found[side][-1], found["clerkship"] or found[side])
    rows = []
    for peer in PEERS:
        name = f"{peer} {metadata.version(peer)}"
        seconds = {s: tuple(r["seconds"] for r in found[s]) for s in ("clerkship", peer)}
        memory = {s: tuple(_volumes(r) for r in found[s]) for s in ("clerkship", peer)}
        rows += [
            Row(what, "s", seconds["clerkship"], name, seconds[peer]),
            Row(f"{what}, peak memory", "volumes", memory["clerkship"], name, memory[peer]),
        ]
    return rows


def _run(side: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(HERE / "sides.py"), side, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchmarkError(f"{side} could not open {folder.name}: {done.stderr[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _same(what: str, side: str, result: dict[str, Any], ours: list[dict[str, Any]]) -> None:
    keys = ("shape", "sha256", "is_exact_int16")
    if any(result[key] != ours[0][key] for key in keys) or not result["is_exact_int16"]:
        raise BenchmarkError(
            f"{what}: {side} gives other values than ours ({result['shape']} and {ours[0]['shape']}). "
            f"Find out which is right before any time is compared."
        )


def _volumes(result: dict[str, Any]) -> float:
    slices, rows, columns = result["shape"]
    return float(result["peak_bytes"]) / (slices * rows * columns * VOXEL_BYTES)


def _test_data() -> Path:
    beside = HERE.parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("CLERKSHIP_TEST_DATA", beside))
    if not (folder / "SHA256SUMS").is_file():
        raise BenchmarkError(
            "The real series are not here: set CLERKSHIP_TEST_DATA to the folder that holds them."
        )
    return folder
