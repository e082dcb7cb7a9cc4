"""What identity four tools leave in the same planted files, what they keep, and how fast they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from importlib import metadata
from pathlib import Path

from deidentify.answers import AnswerKey
from deidentify.planted import plant
from deidentify.scoring import Score, score
from deidentify.tools import PEERS, ours
from report import BenchmarkError, Options, Row

TEST_DATA = Path(
    os.environ.get("CLERKSHIP_TEST_DATA")
    or Path(__file__).resolve().parents[3].joinpath("shared", "data")
)
"""Real series that are too large for the repository."""

WHAT = "identifiers that survive in a planted set, attributes that teaching needs, and files per second"
PACKAGES = ("clerkship", "dicognito", "deid", "dicom-anonymizer", "pydicom", "rapidocr")

SERIES = {
    "MR, 384 slices, uncompressed": "studyforrest-t1/dicoms_384slices.zip",
    "CT, 135 slices, JPEG-LS": "acrin-nsclc-042/ct",
}
"""Real series for the throughput, below the folder of test data."""


def measure(options: Options) -> list[Row]:
    """Score all tools on the planted set, then time ours and dicognito in turn on real series."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="clerkship-bench-") as name:
        folder = Path(name)
        print(compare(folder), end="\n\n", flush=True)
        return throughput(folder, options.runs)


def compare(folder: Path) -> str:
    """Run every tool on the planted set and return the table."""
    key = plant(folder / "planted")
    files = sorted((folder / "planted").glob("*.dcm"))
    lines = [f"{len(files)} files, {len(key.tokens)} planted identifiers"]
    lines.append(
        f"{'tool':28} {'left':>6} {'kept %':>7} {'written':>8} {'files/s':>8}   where they are left"
    )
    for tool_name, tool in {"clerkship": ours, **PEERS}.items():
        out = folder / tool_name
        out.mkdir()
        start = time.perf_counter()
        outputs = tool(files, out)
        seconds = time.perf_counter() - start
        result = score(key, folder / "planted", outputs)
        lines.append(_line(tool_name, key, result, len(files) / seconds))
    return "\n".join(lines)


def throughput(folder: Path, runs: int) -> list[Row]:
    """Time ours and dicognito on the same real series, in turn, each run in a fresh process."""
    rows = []
    for what, place in SERIES.items():
        files = _real_series(place, folder / "series" / place.replace("/", "-"))
        if not files:
            continue
        times: dict[str, list[tuple[float, float]]] = {"clerkship": [], "dicognito": []}
        for run in range(-1, runs):
            for tool, figures in times.items():
                seconds = _timed(tool, files, folder)
                if run >= 0:  # the first run of each side only writes Python's bytecode
                    figures.append(seconds)
        for place_of, said in enumerate((what, f"{what}, with Python's start")):
            per_file = {
                tool: tuple(1000 * seconds[place_of] / len(files) for seconds in figures)
                for tool, figures in times.items()
            }
            peer = f"dicognito {metadata.version('dicognito')}"
            rows.append(
                Row(
                    f"de-identify {said}",
                    "ms/file",
                    per_file["clerkship"],
                    peer,
                    per_file["dicognito"],
                )
            )
    if not rows:
        raise BenchmarkError(
            "no real series to time: point CLERKSHIP_TEST_DATA at a folder with "
            + " or ".join(SERIES.values())
        )
    return rows


def _line(tool: str, key: AnswerKey, result: Score, files_per_second: float) -> str:
    kinds: dict[str, int] = {}
    for token in result.survivors:
        kinds[token.kind] = kinds.get(token.kind, 0) + 1
    where = ", ".join(
        f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda kind: -kind[1])
    )
    version = metadata.version(tool)
    return (
        f"{tool + ' ' + version:28} {len(result.survivors):6} {100 * result.kept_part:7.1f} "
        f"{result.written:8} {files_per_second:8.1f}   {where or 'nowhere'}"
    )


def _timed(tool: str, files: list[Path], folder: Path) -> tuple[float, float]:
    """Time one run in a process of its own: its work alone, and the whole process."""
    listed, out = folder / "files.txt", folder / "timed"
    listed.write_text("".join(f"{path}\n" for path in files), encoding="utf-8")
    out.mkdir()
    # Bytecode is kept, as on anybody's machine, but not among the sources.
    kept = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, str(Path(__file__).with_name("timed.py")), tool, listed, out]
    start = time.perf_counter()
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    whole = time.perf_counter() - start
    if done.returncode:
        raise BenchmarkError(f"{tool} failed:\n{done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    if said["written"] != len(files):
        raise BenchmarkError(
            f"{tool} did not write {len(files) - said['written']} of {len(files)} files"
        )
    shutil.rmtree(out)
    return float(said["seconds"]), whole


def _real_series(place: str, folder: Path) -> list[Path]:
    """Return a real series' files: unpacked if it is a zip; empty if there is none on this machine."""
    source = TEST_DATA / place
    if source.suffix == ".zip" and source.is_file():
        folder.mkdir(parents=True)
        with zipfile.ZipFile(source) as archive:
            archive.extractall(folder)
        source = folder
    return sorted(path for path in source.rglob("*") if path.is_file() and _is_dicom(path))


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
