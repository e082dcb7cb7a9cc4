"""Find text in one picture, whatever its size, its turn, and what lies beneath it.

A network made for street signs and documents takes the outline of a body for a big letter O. Two
things keep it to text. What is smooth over more than a letter's stroke is subtracted first, so that
anatomy fades and burned-in letters, which have sharp edges, stay. And a find counts only where the
letters are small beside the tile searched; larger letters are found in a smaller copy of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clerkship_cases.deidentify.pixels.networks import read_line, text_probability
from clerkship_cases.deidentify.pixels.outcome import Box

Picture = npt.NDArray[np.uint8]
"""(rows, columns, 3) uint8, BGR as the networks were trained."""

TILE = 512
OVERLAP = 96
"""Pixels of a tile and of its overlap: longer than a word of the largest letters accepted."""

SCALES = (1.0, 1 / 3, 1 / 9)
"""Letters 8 to 60 pixels high are found at scale 1 (measured, see the README of the benchmark)."""

DOUBLED_UP_TO = 1_100_000
"""Pictures of at most so many pixels are also searched at twice their size: small letters on texture
stand out better there, and ultrasound screens are of this size."""

SMALLEST_COPY = 64
"""A copy with a shorter side than this holds no readable line."""

STROKE_SIGMA = 12.0
STROKE_GAIN = 3.0
"""Width in pixels of what counts as smooth, and contrast given to the rest."""

CORE_PROBABILITY = 0.3
"""Pixels above it are core of a line: the threshold the detector was trained for (Liao et al. 2020,
doi:10.1609/aaai.v34i07.6812)."""

LINE_PROBABILITY = 0.5
"""A line whose core is less likely than this on average is noise."""

SMALLEST_CORE = 3
LARGEST_CORE = 44
"""Least and largest height of a line's core in pixels: the core of letters up to 64 pixels high."""

SURE_READING = 0.6
"""A line that is read less surely is tried upside down as well."""

LARGEST_PART = 0.15
"""Letters higher than this part of a picture's shorter side are outlines of the body."""

GROWTH = 1.0
"""The core is narrower than the letters: this part of its height is added on every side."""


@dataclass(frozen=True)
class Line:
    """A line of text, where it is and what it says.

    Attributes
    ----------
    box : Box
        In pixels of the picture searched.
    probability : float
        That it is text, 0 to 1.
    scale : float
        Of the copy of the picture in which it was found: 1 is the picture itself.
    height : int
        Of the letters, in pixels of the copy in which they were found.
    slenderness : float
        Length of the line's core by its height; about 1 for a single letter.
    text, confidence : str, float
        What the recogniser read, and how sure it is; empty and 0 for a line it could not read.
    """

    box: Box
    probability: float
    scale: float
    height: int
    slenderness: float
    text: str
    confidence: float


def find_lines(picture: Picture, *, thorough: bool = True) -> list[Line]:
    """Return every line of text in a picture.

    Parameters
    ----------
    picture : (rows, columns, 3) uint8
        BGR.
    thorough : bool
        At every size; otherwise at the picture's own, which is enough for a second look.
    """
    lines: list[Line] = []
    doubled = (2.0,) if picture.shape[0] * picture.shape[1] <= DOUBLED_UP_TO else ()
    for scale in (*doubled, *SCALES) if thorough else (1.0,):
        copy = _scaled(picture, scale)
        if scale < 1.0 and min(copy.shape[:2]) < SMALLEST_COPY:
            break
        # small lines close together look like one large line from afar: those found are wiped
        strokes = _wiped(_strokes(copy), [line.box for line in lines], scale)
        for core, probability in _cores(strokes):
            letters = _letters(core, copy.shape[0], copy.shape[1])
            text, confidence = _read(copy, letters)
            sides = sorted((core.row1 - core.row0, core.column1 - core.column0))
            lines.append(
                Line(
                    box=_rescaled(letters, scale, picture),
                    probability=probability,
                    scale=scale,
                    height=min(letters.row1 - letters.row0, letters.column1 - letters.column0),
                    slenderness=sides[1] / sides[0],
                    text=text,
                    confidence=confidence,
                )
            )
    return lines


def turned_and_mirrored(line: Picture) -> Iterator[Picture]:
    """Yield the eight ways in which a piece of film can lie on the light box."""
    for flipped in (line, line[:, ::-1]):
        for turns in range(4):
            yield np.ascontiguousarray(np.rot90(flipped, turns))


def _scaled(picture: Picture, scale: float) -> Picture:
    import cv2

    if scale == 1.0:
        return picture
    rows, columns = picture.shape[:2]
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


def _strokes(picture: Picture) -> Picture:
    """Return only what changes over less than a stroke's width, around mid-grey."""
    import cv2

    values = picture.astype(np.float32)
    smooth = cv2.GaussianBlur(values, (0, 0), STROKE_SIGMA)
    strokes = np.clip(128 + STROKE_GAIN * (values - smooth), 0, 255)
    return np.asarray(strokes, dtype=np.uint8)


def _wiped(strokes: Picture, boxes: list[Box], scale: float) -> Picture:
    """Set boxes, given in pixels of the full picture, to the grey of no stroke."""
    for box in boxes:
        rows = slice(int(box.row0 * scale), int(np.ceil(box.row1 * scale)))
        strokes[rows, int(box.column0 * scale) : int(np.ceil(box.column1 * scale))] = 128
    return strokes


def _cores(strokes: Picture) -> Iterator[tuple[Box, float]]:
    """Yield the core of each line with its mean probability."""
    import cv2

    rows, columns = strokes.shape[:2]
    probability = np.zeros((rows, columns), dtype=np.float32)
    for top in _starts(rows):
        for left in _starts(columns):
            part = probability[top : top + TILE, left : left + TILE]
            tile = strokes[top : top + TILE, left : left + TILE]
            np.maximum(part, text_probability(tile), out=part)
    largest = min(LARGEST_CORE, LARGEST_PART * min(rows, columns))
    above = (probability > CORE_PROBABILITY).astype(np.uint8)
    _, labels, places, _ = cv2.connectedComponentsWithStats(above, connectivity=4)
    sums = np.bincount(labels.ravel(), weights=probability.ravel())
    for (left, top, width, height, area), total in zip(places[1:].tolist(), sums[1:], strict=True):
        box, mean = Box(0, top, top + height, left, left + width), float(total) / area
        if SMALLEST_CORE <= min(height, width) <= largest and mean >= LINE_PROBABILITY:
            yield box, mean


def _starts(length: int) -> range:
    return range(0, max(1, length - OVERLAP), TILE - OVERLAP)


def _letters(core: Box, rows: int, columns: int) -> Box:
    """Return the box around the letters whose core is given."""
    height = min(core.row1 - core.row0, core.column1 - core.column0)
    return core.grown(round(height * GROWTH) + 1, rows, columns)


def _read(picture: Picture, box: Box) -> tuple[str, float]:
    """Read a line, turned so that it lies flat; of the ways to turn it the surest one counts."""
    line = picture[box.row0 : box.row1, box.column0 : box.column1]
    rows, columns = line.shape[:2]
    turns = (0,) if rows < 1.5 * columns else (1, 3)
    turned = [read_line(np.ascontiguousarray(np.rot90(line, turn))) for turn in turns]
    if turns == (0,) and turned[0][1] < SURE_READING:
        turned.append(read_line(np.ascontiguousarray(np.rot90(line, 2))))
    return max(turned, key=lambda read: read[1])


def _rescaled(box: Box, scale: float, picture: Picture) -> Box:
    rows, columns = picture.shape[:2]
    return Box(
        box.frame,
        int(box.row0 / scale),
        min(rows, int(np.ceil(box.row1 / scale))),
        int(box.column0 / scale),
        min(columns, int(np.ceil(box.column1 / scale))),
    )
