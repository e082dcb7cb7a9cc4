"""The tools compared: each takes a folder and returns which output belongs to which input."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom

Outputs = dict[str, Path]
Tool = Callable[[list[Path], Path], Outputs]

SECRET = b"benchmark: the same pseudonyms and shifts every time"


def ours(files: list[Path], out: Path) -> Outputs:
    """Clerkship, as `clerkship cases deidentify` runs it."""
    from clerkship_cases.deidentify import deidentify_files

    report = deidentify_files(files, out, secret=SECRET)
    return {file.source.name: file.path for file in report.files}


def dicognito(files: list[Path], out: Path) -> Outputs:
    """Dicognito through its library interface: its command line does not start in this version."""
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer()
    written: Outputs = {}
    for number, path in enumerate(files):
        with _quietly():
            try:
                dataset = pydicom.dcmread(path)
                anonymizer.anonymize(dataset)
                dataset.save_as(out / f"{number:04}.dcm")
            except Exception:  # what it can't read it leaves out
                continue
        written[path.name] = out / f"{number:04}.dcm"
    return written


def deid(files: list[Path], out: Path) -> Outputs:
    """Deid with its default recipe; `remove_private` is its best documented setting."""
    from deid.dicom import get_identifiers, replace_identifiers
    from deid.logger import bot

    bot.level = -5  # its errors only: it warns for every file that it uses its defaults
    written: Outputs = {}
    for number, path in enumerate(files):
        with _quietly():
            try:
                names = [str(path)]
                found = get_identifiers(names)
                (dataset,) = replace_identifiers(
                    dicom_files=names, ids=found, save=False, remove_private=True
                )
                dataset.save_as(out / f"{number:04}.dcm")
            except Exception:
                continue
        written[path.name] = out / f"{number:04}.dcm"
    return written


def dicom_anonymizer(files: list[Path], out: Path) -> Outputs:
    """Dicom-anonymizer with its defaults: the table of PS3.15, private tags deleted."""
    from dicomanonymizer import anonymize_dicom_file

    written: Outputs = {}
    for number, path in enumerate(files):
        with _quietly():
            try:
                anonymize_dicom_file(str(path), str(out / f"{number:04}.dcm"))
            except Exception:
                continue
        if (out / f"{number:04}.dcm").exists():
            written[path.name] = out / f"{number:04}.dcm"
    return written


PEERS: dict[str, Tool] = {
    "dicognito": dicognito,
    "deid": deid,
    "dicom-anonymizer": dicom_anonymizer,
}


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep other programs' warnings and log lines out of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
