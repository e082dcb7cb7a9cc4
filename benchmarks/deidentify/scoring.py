"""Count what survived and what was kept, without any code of the cleaner.

A token survives when one of its spellings is among the bytes of its file's output, in its parsed values,
or in an output file's name. Painted text survives when the letters can still be told from what surrounds
them. A file that was not written has no survivors, but none of its attributes were kept either.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from deidentify.answers import AnswerKey, Kept, Painted
from deidentify.planting import value_at
from deidentify.tokens import Token
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

VISIBLE = 0.5
"""Letters whose pixels correlate with the painted shape at least so well can still be read."""


@dataclass
class Score:
    """What a tool made of the planted set.

    Attributes
    ----------
    survivors : list of Token
    lost : list of Kept
        Attributes that teaching needs and that are gone or altered.
    needed : int
        Number of such attributes, in files that may not be refused.
    spoilt : list of str
        Files whose pixels changed where nothing was painted.
    written : int
    by_action : Counter
        action -> how many were right.
    """

    survivors: list[Token] = field(default_factory=list)
    lost: list[Kept] = field(default_factory=list)
    needed: int = 0
    spoilt: list[str] = field(default_factory=list)
    written: int = 0
    by_action: Counter[str] = field(default_factory=Counter)

    @property
    def kept_part(self) -> float:
        """Part of the needed attributes that was kept, 0 to 1."""
        return 1 - len(self.lost) / max(1, self.needed)


def score(key: AnswerKey, originals: Path, outputs: Mapping[str, Path]) -> Score:
    """Score one tool's output.

    Parameters
    ----------
    key : AnswerKey
    originals : Path
        The folder of the planted set.
    outputs : mapping of str to Path
        Input file's name -> output file; what is missing was refused, or the tool failed on it.
    """
    result = Score(written=len(outputs))
    haystacks = {name: _haystack(path) for name, path in outputs.items()}
    for token in key.tokens:
        if token.needles and token.file in haystacks and _survives(token, haystacks[token.file]):
            result.survivors.append(token)
        elif token.needles:
            result.by_action["uid_changed" if token.kind == "uid" else "text_removed"] += 1
    parsed = {name: pydicom.dcmread(path, force=True) for name, path in outputs.items()}
    seen: set[int] = set()
    for painted in key.painted:
        dataset = parsed.get(painted.token.file)
        if dataset is not None and _is_visible(painted, dataset) and id(painted.token) not in seen:
            seen.add(id(painted.token))
            result.survivors.append(painted.token)
    result.by_action["pixels_hidden"] = sum(1 for t in key.tokens if not t.needles) - len(seen)
    _score_kept(result, key, originals, parsed)
    _score_areas(result, key, originals, parsed)
    return result


def _haystack(path: Path) -> bytes:
    """Return everything a stranger would look through: bytes, inflated bytes, the name, the values."""
    data = path.read_bytes()
    parts = [data, str(path.name).encode()]
    try:
        dataset = pydicom.dcmread(path, force=True)
        if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            start = (
                data.index(b"DICM") + 4 + 12 + int(dataset.file_meta.FileMetaInformationGroupLength)
            )
            parts.append(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:]))
        parts.extend(text.encode("utf-8", "surrogateescape") for text in _texts(dataset))
    except Exception as error:  # a file that can't be parsed is judged by its bytes
        parts.append(type(error).__name__.encode())
    return b"\n".join(parts).lower()


def _texts(dataset: Dataset) -> Iterator[str]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item)
        elif isinstance(element.value, bytes):
            if element.tag.group != 0x7FE0:
                yield element.value.decode("latin-1")
        else:
            yield str(element.value)


def _survives(token: Token, haystack: bytes) -> bool:
    return any(needle.lower() in haystack for needle in token.needles)


def _pixels(dataset: Dataset) -> Any:
    """Return stored values as (frames, rows, columns, samples)."""
    values = dataset.pixel_array
    if int(dataset.get("NumberOfFrames") or 1) == 1:
        values = values[None]
    return values[..., None] if values.ndim == 3 else values


def _is_visible(painted: Painted, dataset: Dataset) -> bool:
    """Whether the painted pixels still stand out: correlation with the shape of the letters."""
    try:
        values = _pixels(dataset)[painted.frame].astype(np.float64)
    except Exception:  # pixels that nobody can decode show nothing
        return False
    rows, columns = painted.letters.shape
    place = values[painted.row : painted.row + rows, painted.column : painted.column + columns]
    if place.shape[:2] != painted.letters.shape:
        return True  # a resized picture is not a cleaned one
    shape = painted.letters.astype(np.float64) - painted.letters.mean()
    for sample in range(place.shape[2]):
        shades = place[..., sample] - place[..., sample].mean()
        spread = float(np.sqrt((shades**2).sum() * (shape**2).sum()))
        if spread > 0 and abs(float((shades * shape).sum())) / spread >= VISIBLE:
            return True
    return False


def _score_kept(
    result: Score, key: AnswerKey, originals: Path, parsed: Mapping[str, Dataset]
) -> None:
    for kept in key.kept:
        if kept.file in key.may_be_refused:
            continue
        result.needed += 1
        dataset = parsed.get(kept.file)
        if dataset is not None and _is_kept(kept, dataset):
            result.by_action[kept.action] += 1
        else:
            result.lost.append(kept)


def _is_kept(kept: Kept, dataset: Dataset) -> bool:
    found = value_at(dataset, kept.path)
    if found in (None, ""):
        return False
    if kept.agrees is not None:
        return bool(kept.agrees(kept.expected, found))
    if kept.action in {
        "uid_changed",
        "uid_consistent",
        "date_shifted",
        "patid_consistent",
        "text_notnull",
    }:
        return str(found) != str(kept.expected)  # that two files agree is a test of its own
    try:
        return bool(
            np.allclose(np.asarray(found, float), np.asarray(kept.expected, float), rtol=1e-6)
        )
    except (TypeError, ValueError):
        return str(found).strip() == str(kept.expected).strip()


def _score_areas(
    result: Score, key: AnswerKey, originals: Path, parsed: Mapping[str, Dataset]
) -> None:
    """Compare pixels where nothing was painted."""
    for file, areas in key.areas.items():
        result.needed += 1
        if file in parsed and _areas_agree(parsed[file], pydicom.dcmread(originals / file), areas):
            result.by_action["pixels_retained"] += 1
        else:
            result.spoilt.append(file)
            result.lost.append(Kept(file, "pixels_retained", "PixelData", "unchanged areas"))


def _areas_agree(found: Dataset, original: Dataset, areas: list[tuple[int, ...]]) -> bool:
    try:
        after, before = _pixels(found), _pixels(original)
    except Exception:  # pixels that can't be decoded are not kept
        return False
    return all(
        np.array_equal(
            after[frame, row0:row1, column0:column1], before[frame, row0:row1, column0:column1]
        )
        for frame, row0, row1, column0, column1 in areas
    )
