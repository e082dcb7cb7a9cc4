"""What identity four tools leave in the same planted files, what they keep, and how fast they are."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import warnings
import zipfile
from importlib import metadata
from pathlib import Path

from deidentify.answers import AnswerKey
from deidentify.planted import plant
from deidentify.scoring import Score, score
from deidentify.tools import PEERS, Outputs, Tool, dicognito, ours
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
    """Time ours and dicognito on the same real series, in turn."""
    rows = []
    for what, place in SERIES.items():
        files = _real_series(place, folder / "series" / place.replace("/", "-"))
        if not files:
            continue
        times: dict[str, list[float]] = {"ours": [], "peer": []}
        for run in range(runs):
            for side, tool in (("ours", ours), ("peer", dicognito)):
                times[side].append(_seconds(tool, files, folder / f"{side}-{run}"))
        rows.append(
            Row(
                f"de-identify {what}",
                "ms/file",
                tuple(1000 * seconds / len(files) for seconds in times["ours"]),
                f"dicognito {metadata.version('dicognito')}",
                tuple(1000 * seconds / len(files) for seconds in times["peer"]),
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


def _seconds(tool: Tool, files: list[Path], out: Path) -> float:
    """Time one run into a fresh folder, and make sure that it did its work."""
    out.mkdir()
    start = time.perf_counter()
    outputs: Outputs = tool(files, out)
    seconds = time.perf_counter() - start
    if len(outputs) != len(files):
        raise BenchmarkError(f"{len(files) - len(outputs)} of {len(files)} files were not written")
    shutil.rmtree(out)
    return seconds


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
