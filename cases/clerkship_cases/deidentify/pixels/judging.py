"""Which lines of text may stay in a picture, and on which frames the others are blanked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clerkship_cases.deidentify.pixels.networks import read_line
from clerkship_cases.deidentify.pixels.outcome import Box
from clerkship_cases.deidentify.pixels.search import Line, Picture, turned_and_mirrored

MARKS = frozenset(
    {
        "L",
        "R",
        "LT",
        "RT",
        "LEFT",
        "RIGHT",
        "A",
        "P",
        "H",
        "F",
        "AP",
        "PA",
        "LAT",
        "OBL",
        "LL",
        "RL",
    }
    | {"CC", "MLO", "LCC", "RCC", "LMLO", "RMLO", "ML", "LM", "LML", "RML"}
    | {"ERECT", "UPRIGHT", "SUPINE", "PRONE", "DECUB", "CM", "MM"}
)
"""What a radiographer puts beside a patient: sides, views, positions, units of a scale. Sides and
views: PS3.3 C.7.6.1.1.1 and C.8.11.7 (View Code), PS3.16 CID 4014."""

SURE = 0.8
"""A mark stays only if it is read with at least this confidence."""

SCALE_NUMBER = 30
"""Depth scales of ultrasound are numbered in centimetres up to about here."""

NOISE_PROBABILITY = 0.8
NOISE_CONFIDENCE = 0.4
"""A find that is less likely text than the first, and of which three signs could not be read at least as
surely as the second, is anatomy: measured on images without any text."""

PLAIN_SIGNS = 3
PLAIN_CONFIDENCE = 0.7
"""From here on a reading is words, not chance."""

LARGE_CONFIDENCE = 0.5
"""A find in a smaller copy of the picture that is read less surely is the trace of something else."""

ONE_SIGN = 1.7
"""Longest core of a single letter, by its height: two narrow letters have a longer one."""

READABLE_HEIGHT = 36
"""Letters so high in the copy searched would be read if they were letters: 48 is what the recogniser
was made for."""


@dataclass(frozen=True)
class Found:
    """A box with text; `frame` is None when it was found in a projection over all frames."""

    box: Box
    frame: int | None


def may_stay(
    line: Line, lines: Sequence[Line], picture: Picture, known_words: frozenset[str]
) -> bool:
    """Whether a line may be left in the picture: it is anatomy, or a mark that stands alone.

    Everything else goes, whatever it says: what can't be read can't be judged.

    Parameters
    ----------
    line, lines : Line, sequence of Line
        The line, and all that were found in the picture.
    picture : (rows, columns, 3) uint8
        To read the line in every turn: a radiograph may lie on its side, or be mirrored.
    known_words : frozenset of str
        Never left, even if they look like a mark.
    """
    if _is_noise(line):
        return True
    others = [other for other in lines if not _is_noise(other) and not _is_same(line, other)]
    if any(_continues(line.box, other.box) for other in others):
        return False
    if len(line.text) <= 1 and line.slenderness <= ONE_SIGN:
        return True  # one sign alone names nobody: a tick of a scale, a lead letter, a vessel
    known = {word.casefold() for word in known_words}
    return any(
        text.casefold() not in known and confidence >= SURE and _is_mark(text)
        for text, confidence in _readings(line, picture)
    )


def is_plain_words(line: Line) -> bool:
    """Whether a line certainly says something: three letters or digits, read with confidence.

    This decides whether an image that was blanked is searched once more: blanked boxes have edges, and
    a detector that is asked again about noise finds noise again.
    """
    signs = sum(sign.isalnum() for sign in line.text)
    return signs >= PLAIN_SIGNS and line.confidence >= PLAIN_CONFIDENCE


def spread_over_frames(
    found: Sequence[Found], examined: Sequence[int], numbers: Sequence[int]
) -> list[Box]:
    """Return the boxes to blank, frame by frame.

    What stands on two examined frames, or in a projection, is blanked on all; what was seen on one
    frame only is blanked there and on the frames around it that were not examined.

    Parameters
    ----------
    found : sequence of Found
    examined, numbers : sequence of int
        Frames that were looked at, and all that are to be cleaned; ascending, zero-based.
    """
    boxes: set[Box] = set()
    for one in found:
        lasting = one.frame is None or any(
            other.frame != one.frame and _overlap(one.box, other.box) for other in found
        )
        frames = numbers if lasting else _around(one.box.frame, examined, numbers)
        boxes.update(replace(one.box, frame=number) for number in frames)
    return _without_covered(sorted(boxes))


def _is_noise(line: Line) -> bool:
    signs = sum(sign.isalnum() for sign in line.text)
    if line.scale < 1:  # letters large enough to be found from afar would have been read
        return signs < 2 or line.confidence < LARGE_CONFIDENCE
    if signs >= PLAIN_SIGNS and line.confidence >= NOISE_CONFIDENCE:
        return False
    unread = signs <= 1 and line.confidence < NOISE_CONFIDENCE
    return line.probability < NOISE_PROBABILITY or (unread and line.height >= READABLE_HEIGHT)


def _readings(line: Line, picture: Picture) -> list[tuple[str, float]]:
    box = line.box
    crop = picture[box.row0 : box.row1, box.column0 : box.column1]
    if len(line.text) > 8 or crop.size == 0:
        return [(line.text, line.confidence)]
    return [(line.text, line.confidence), *(read_line(each) for each in turned_and_mirrored(crop))]


def _is_mark(text: str) -> bool:
    """Whether a text is exactly a side, a view, a unit, or a number on a scale."""
    bare = text.strip(" .,:()").upper()
    return bare in MARKS or (
        bare.isascii() and bare.isdigit() and len(bare) <= 2 and int(bare) <= SCALE_NUMBER
    )


def _is_same(line: Line, other: Line) -> bool:
    """Whether two finds are one line, seen at two sizes of the picture."""
    return line is other or (
        _overlap(line.box, other.box) and line.text.casefold() == other.text.casefold()
    )


def _continues(box: Box, other: Box) -> bool:
    """Whether another line lies beside this one as the next word of it would."""
    height = min(box.row1 - box.row0, box.column1 - box.column0)
    beside = _overlap(box.grown(height, 1 << 30, 1 << 30), other)
    rows = min(box.row1, other.row1) - max(box.row0, other.row0)
    columns = min(box.column1, other.column1) - max(box.column0, other.column0)
    return beside and max(rows, columns) > height // 2


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.row0 < other.row1
        and other.row0 < one.row1
        and one.column0 < other.column1
        and other.column0 < one.column1
    )


def _around(frame: int, examined: Sequence[int], numbers: Sequence[int]) -> list[int]:
    """Return the frame and its unexamined neighbours."""
    place = int(np.searchsorted(examined, frame))
    before = examined[place - 1] if place > 0 else -1
    after = examined[place + 1] if place + 1 < len(examined) else 1 << 30
    return [number for number in numbers if before < number < after]


def _without_covered(boxes: list[Box]) -> list[Box]:
    """Drop boxes that lie inside another one: text is found at several sizes."""

    def inside(box: Box, other: Box) -> bool:
        return (
            box.frame == other.frame
            and other.row0 <= box.row0
            and box.row1 <= other.row1
            and other.column0 <= box.column0
            and box.column1 <= other.column1
        )

    by_frame: dict[int, list[Box]] = {}
    for box in sorted(boxes, key=lambda box: -box.area):
        kept = by_frame.setdefault(box.frame, [])
        if not any(inside(box, other) for other in kept):
            kept.append(box)
    return sorted(box for kept in by_frame.values() for box in kept)
