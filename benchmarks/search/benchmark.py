"""How long a search through the million series of the Imaging Data Commons takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import idc_index_data
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from report import BenchmarkError, Options, Row

from clerkship_cases.idc_index import IdcIndex, open_index
from clerkship_cases.search_idc import IdcQuery, matching_rows, search_idc
from clerkship_cases.store import FileStore

WHAT = "one question to the million series of the Imaging Data Commons"
PACKAGES = ("clerkship", "idc-index-data", "pandas", "pyarrow")
PARQUET = idc_index_data.IDC_INDEX_PARQUET_FILEPATH
COLUMNS = ["SeriesInstanceUID", "Modality", "SeriesDescription", "license_short_name"]
QUESTIONS = {"T2 MR": ("MR", "t2"), "pancreas CT": ("CT", "pancrea")}

Uids = set[str]


def measure(options: Options) -> list[Row]:
    """Ask every question of every side, in turn, as often as asked."""
    with tempfile.TemporaryDirectory(prefix="clerkship-bench-") as name:
        started = time.perf_counter()
        index = open_index(FileStore(Path(name)))
        print(
            f"making our file from the Parquet file, once: {time.perf_counter() - started:.1f} s\n"
        )
        frame = pd.read_parquet(PARQUET, columns=COLUMNS)
        table = pq.read_table(PARQUET, columns=COLUMNS)
        return [*_warm(index, frame, table, options.runs), *_cold(Path(name), options.runs)]


def in_pandas(frame: pd.DataFrame, modality: str, part: str) -> Uids:
    """Ask pandas."""
    fits = (
        (frame["Modality"] == modality)
        & frame["SeriesDescription"].str.contains(part, case=False, regex=False, na=False)
        & ~frame["license_short_name"].str.contains("NC", regex=False)
    )
    return set(frame.loc[fits, "SeriesInstanceUID"])


def in_pyarrow(table: pa.Table, modality: str, part: str) -> Uids:
    """Ask pyarrow."""
    fits = pc.and_(
        pc.and_(
            pc.equal(table["Modality"], modality),
            pc.match_substring(table["SeriesDescription"], part, ignore_case=True),
        ),
        pc.invert(pc.match_substring(table["license_short_name"], "NC")),
    )
    return set(table["SeriesInstanceUID"].filter(fits).to_pylist())


def _warm(index: IdcIndex, frame: pd.DataFrame, table: pa.Table, runs: int) -> list[Row]:
    rows = []
    for name, (modality, part) in QUESTIONS.items():
        query = IdcQuery(modality=modality, description=part)
        ours = {index.uid(int(row)) for row in matching_rows(query, index)}
        if not ours == in_pandas(frame, modality, part) == in_pyarrow(table, modality, part):
            raise BenchmarkError(f"the sides do not find the same series for {name!r}")
        sides: dict[str, Callable[[], Any]] = {
            "ours": lambda query=query: search_idc(query, index=index),
            "pandas": lambda m=modality, p=part: in_pandas(frame, m, p),
            "pyarrow": lambda m=modality, p=part: in_pyarrow(table, m, p),
        }
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(runs):
            for side, ask in sides.items():
                started = time.perf_counter()
                ask()
                times[side].append((time.perf_counter() - started) * 1000)
        rows += [
            Row(
                f"{name} ({len(ours):,} series), warm",
                "ms",
                tuple(times["ours"]),
                peer,
                tuple(times[peer]),
            )
            for peer in ("pandas", "pyarrow")
        ]
    return rows


_PROGRAMS = {
    "ours": "from clerkship_cases.search_idc import *; print(search_idc(IdcQuery(modality='MR', description='t2')).total)",
    "pandas": "import pandas as pd; from search.benchmark import *; print(len(in_pandas(pd.read_parquet(PARQUET, columns=COLUMNS), 'MR', 't2')))",
    "pyarrow": "from search.benchmark import *; print(len(in_pyarrow(pq.read_table(PARQUET, columns=COLUMNS), 'MR', 't2')))",
}


def _cold(cache: Path, runs: int) -> list[Row]:
    """Time whole processes."""
    folder = str(Path(__file__).resolve().parents[1])
    env = os.environ | {"CLERKSHIP_CACHE": str(cache), "PYTHONPATH": folder}
    times: dict[str, list[float]] = {side: [] for side in _PROGRAMS}
    said = set()
    for _ in range(runs):
        for side, program in _PROGRAMS.items():
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True
            )
            times[side].append(time.perf_counter() - started)
            said.add(done.stdout)
    if len(said) != 1:
        raise BenchmarkError(f"the sides do not find as many series: {said}")
    return [
        Row("T2 MR, a new process", "s", tuple(times["ours"]), peer, tuple(times[peer]))
        for peer in ("pandas", "pyarrow")
    ]
