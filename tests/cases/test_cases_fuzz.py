"""Damaged files: thousands of mutations of real ones, through every door by which a file comes in.

Each batch runs in a child process with bounded memory and a time limit per file. Anything but a result
or a CaseError, and any file that takes too long, is a finding; the child prints it with the seed that
makes the file again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

_MEMORY_BYTES = 3 * 2**30
_SECONDS_PER_FILE = 10


def fuzz(first: int, count: int) -> str:
    """Run mutations ``first`` … ``first + count - 1`` in a child; returns what it found."""
    finished = subprocess.run(
        [sys.executable, __file__, str(first), str(count)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + count * _SECONDS_PER_FILE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    lines = finished.stdout.strip().splitlines()
    if finished.returncode != 0 or not lines or not lines[-1].startswith("done"):
        last = lines[-3:] + finished.stderr.strip().splitlines()[-12:]
        return f"the child died with {finished.returncode}: " + "\n".join(last)
    return "\n".join(line for line in lines if line.startswith("FOUND"))


@pytest.mark.slow
def test_a_few_damaged_files_end_as_one_sentence() -> None:
    assert fuzz(0, 60) == ""


@pytest.mark.slow
def test_five_thousand_damaged_files_end_as_one_sentence() -> None:
    batches = [(first, 400) for first in range(60, 5260, 400)]
    with ThreadPoolExecutor(2) as two:
        found = list(two.map(lambda batch: fuzz(*batch), batches))
    assert "\n".join(filter(None, found)) == ""


# -- the child ------------------------------------------------------------------------


def _seeds() -> list[Path]:
    """Real files: those that pydicom and pydicom-data ship, of every kind, none of them large."""
    from importlib.metadata import distribution

    import pydicom

    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    folders.append(Path(str(distribution("pydicom-data").locate_file("data_store/data"))))
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    dicom = [p for p in files if p.suffix in (".dcm", "") and 0 < p.stat().st_size < 400_000]
    assert len(dicom) > 60, "pydicom's own test files are the material of this test"
    return dicom


def _mutated(seed: int, files: list[Path]) -> bytes:
    import random
    import struct
    import zlib

    choose = random.Random(seed)
    raw = bytearray(choose.choice(files).read_bytes())
    preamble = bytes(raw[:132]) if raw[128:132] == b"DICM" else b""
    start = len(preamble)

    def flip() -> None:
        span = len(raw) if choose.random() < 0.3 else min(len(raw), 3000)
        for _ in range(choose.randint(1, 30)):
            raw[choose.randrange(span)] = choose.randrange(256)

    def truncate() -> None:
        del raw[choose.randrange(len(raw)) :]

    def lengthen() -> None:
        for _ in range(choose.randint(1, 4)):
            at = choose.randrange(start, max(start + 1, min(len(raw) - 4, start + 3000)))
            value = choose.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
            raw[at : at + 4] = struct.pack("<L", value)

    def swap_vr() -> None:
        names = [b"US", b"UL", b"DS", b"IS", b"SQ", b"OB", b"UN", b"PN", b"FD", b"AT", b"UI", b"TM"]
        places = [n for n in range(start, min(len(raw), 4000)) if bytes(raw[n : n + 2]) in names]
        for at in choose.sample(places, min(len(places), choose.randint(1, 5))):
            raw[at : at + 2] = choose.choice(names)

    def swap_tag() -> None:
        tags = [0x00280010, 0x00280011, 0x00280008, 0x00280100, 0x7FE00010, 0x00080016, 0x00020010]
        tag = choose.choice([*tags, 0x52009230, 0x00041220, choose.randrange(2**32)])
        at = choose.randrange(start, max(start + 1, min(len(raw) - 4, start + 3000)))
        raw[at : at + 4] = struct.pack("<HH", tag >> 16, tag & 0xFFFF)

    def nest() -> None:
        depth = choose.choice([3, 200, 3000])
        opened = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        opened += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
        at = choose.randrange(start, max(start + 1, min(len(raw), start + 2000)))
        raw[at:at] = opened * depth

    def gigapixels() -> None:
        for tag in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
            if (at := bytes(raw).find(tag)) >= 0:
                raw[at + 8 : at + 10] = b"\xff\xff"
        if (at := bytes(raw).find(b"\x28\x00\x08\x00IS")) >= 0:
            raw[at + 8 : at + 10] = b"99"

    def bomb() -> None:
        body = struct.pack("<HH2sHL", 0x0009, 0x0010, b"OB", 0, 60_000_000) + bytes(60_000_000)
        deflater = zlib.compressobj(1, wbits=-15)
        syntax = b"1.2.840.10008.1.2.1.99"
        meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
        group = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta))
        raw[:] = bytes(128) + b"DICM" + group + meta + deflater.compress(body) + deflater.flush()

    def blank() -> None:
        at = choose.randrange(len(raw))
        raw[at : at + choose.randint(1, 5000)] = bytes(choose.randint(0, 5000))

    def splice() -> None:
        other = choose.choice(files).read_bytes()
        at = choose.randrange(len(raw))
        raw[at:] = other[choose.randrange(len(other)) :]

    common = [flip, flip, truncate, lengthen, lengthen, swap_vr, swap_tag, nest, gigapixels]
    common += [blank, splice]
    if seed % 100 == 50:
        bomb()
    else:
        for mutate in choose.choices(common, k=choose.randint(1, 3)):
            if len(raw) > start + 8:
                mutate()
    return bytes(raw)


def _doors(path: Path, folder: Path) -> dict[str, object]:
    from clerkship_cases.deidentify import Options, deidentify_files
    from clerkship_cases.dicom import group_series, read_dataset, read_series
    from clerkship_cases.importing import scan

    doors: dict[str, object] = {
        "read_dataset": lambda: read_dataset(path),
        "group_series": lambda: group_series([path]),
        "read_series": lambda: read_series([path]),
        "scan": lambda: scan(path.parent).to_json(),
        # Reading text in noise takes seconds and has tests of its own.
        "deidentify": lambda: deidentify_files([path], folder, options=Options(find_text=False)),
    }
    return doors


def _child(first: int, count: int) -> None:
    import resource
    import shutil
    import signal
    import tempfile
    import time
    import traceback
    import warnings

    from clerkship_cases import CaseError

    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    files = _seeds()

    class TooLong(BaseException):
        """Not an Exception: no guard may take it for damage."""

    def too_long(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, too_long)
    with tempfile.TemporaryDirectory() as place:
        source, out = Path(place) / "in", Path(place) / "out"
        for seed in range(first, first + count):
            source.mkdir()
            path = source / ("DICOMDIR" if seed % 10 == 3 else "image.dcm")
            path.write_bytes(_mutated(seed, files))
            print("at", seed, flush=True)
            for name, enter in _doors(path, out).items():
                began = time.monotonic()
                signal.alarm(_SECONDS_PER_FILE)
                try:
                    enter()  # type: ignore[operator]
                except CaseError as problem:
                    if not str(problem).strip():
                        print(f"FOUND seed {seed}: {name} said nothing")
                except BaseException as problem:
                    where = traceback.extract_tb(problem.__traceback__)[-1]
                    text = " ".join(str(problem).split())[:200]
                    print(
                        f"FOUND seed {seed}: {name} raised {type(problem).__name__}: {text} "
                        f"({Path(where.filename).name}:{where.lineno})"
                    )
                finally:
                    signal.alarm(0)
                if time.monotonic() - began > _SECONDS_PER_FILE - 1:
                    print(f"FOUND seed {seed}: {name} took {time.monotonic() - began:.1f} s")
            shutil.rmtree(source)
            shutil.rmtree(out, ignore_errors=True)
    print("done")


if __name__ == "__main__":
    _child(int(sys.argv[1]), int(sys.argv[2]))
