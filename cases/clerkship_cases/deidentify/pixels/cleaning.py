"""Clean the pixels of one image: find what is written in them, blank it, look again."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from clerkship_cases.deidentify.pixels.codestream import strip_hidden_bytes
from clerkship_cases.deidentify.pixels.frames import (
    Frames,
    black,
    decode,
    pictures,
    pictures_of,
    store,
)
from clerkship_cases.deidentify.pixels.judging import (
    Found,
    is_plain_words,
    may_stay,
    spread_over_frames,
)
from clerkship_cases.deidentify.pixels.outcome import CLEAN_PIXEL_DATA, Box, PixelOutcome
from clerkship_cases.deidentify.pixels.risk import is_at_risk, is_computed, may_be_annotated
from clerkship_cases.deidentify.pixels.search import Picture, find_lines
from clerkship_cases.errors import CaseError

MARGIN_PART = 0.3
"""Added around a line before it is blanked, as part of its height: accents and descenders."""

LARGEST_PART = 0.5
"""An image that is blanked further than this is a page of text: it teaches nothing, so it is refused."""

LOOKS = 3
"""How often an image is searched at most: blanking one line can lay another bare. What is still read in
the last look is a reason to refuse."""

PIXELS_PER_FILE = 60_000_000
"""A film with more pixels is searched in evenly spaced frames and in its brightest and darkest values
over time; below, in every frame. About half a minute on two cores."""


class TextOptions(Protocol):
    """The part of the options that concerns text in pixels."""

    @property
    def find_text(self) -> bool | Literal["auto"]:
        """Search every image, none, or those at risk."""


def clean_pixels(
    dataset: Dataset,
    *,
    known_words: frozenset[str] = frozenset(),
    options: TextOptions | None = None,
) -> PixelOutcome:
    """Blank the text that is burned into an image, in place.

    Parameters
    ----------
    dataset : Dataset
        One image with its file meta; attributes already cleaned. What it needs of them: the pixel
        description module, SOP class, Image Type, Burned In Annotation.
    known_words : frozenset of str
        The study's own identifying strings. A mark such as "L" stays in the picture unless it is one
        of them.
    options : object with `find_text`
        "auto" if left out.

    Returns
    -------
    outcome : PixelOutcome
        What was blanked, or the reason why the image must be refused; then the dataset is as it was.

    Notes
    -----
    Every pixel outside the boxes keeps its stored value. An image in which nothing is found keeps its
    pixel data bit by bit, except bytes that are no pixels: padding behind the last frame, comments and
    application data in JPEG and JPEG 2000 streams, and bits above the stored ones.
    """
    if "PixelData" not in dataset:
        return PixelOutcome()
    find_text = "auto" if options is None else options.find_text
    try:
        stripped = strip_hidden_bytes(dataset)
        frames = _frames_to_search(dataset, find_text)
        if frames is None:
            return PixelOutcome(dataset_changed=stripped)
        numbers = _frames_at_risk(dataset, frames, find_text)
        outcome = _blank_text(dataset, frames, numbers, known_words)
    except CaseError as error:
        return PixelOutcome(reason_to_refuse=str(error))
    if outcome.blanked and outcome.reason_to_refuse is None:
        store(dataset, frames)
    changed = (bool(outcome.blanked) and outcome.reason_to_refuse is None) or stripped
    all_seen = len(numbers) == len(frames.values) and outcome.reason_to_refuse is None
    return PixelOutcome(
        dataset_changed=changed,
        blanked=outcome.blanked,
        reason_to_refuse=outcome.reason_to_refuse,
        methods=(CLEAN_PIXEL_DATA,) if all_seen else (),
        examined=all_seen,
    )


def _frames_to_search(dataset: Dataset, find_text: bool | Literal["auto"]) -> Frames | None:
    """Decode the image if it has to be looked at."""
    if is_computed(dataset):
        return None
    if find_text is False:
        if str(dataset.get("BurnedInAnnotation", "")).upper() == "YES":
            raise CaseError(
                "Burned In Annotation (0028,0301) is YES: text stands in its pixels, and the search "
                "for text is switched off. Switch it on, or leave this image out"
            )
        return None
    return decode(dataset)


def _frames_at_risk(
    dataset: Dataset, frames: Frames, find_text: bool | Literal["auto"]
) -> list[int]:
    numbers = list(range(len(frames.values)))
    if find_text is True or is_at_risk(dataset):
        return numbers
    return [number for number in numbers if may_be_annotated(frames.values[number])]


def _blank_text(
    dataset: Dataset, frames: Frames, numbers: list[int], known_words: frozenset[str]
) -> PixelOutcome:
    """Search, blank, and search again until nothing is found."""
    shade = black(dataset, frames)
    blanked: list[Box] = []
    for look in range(LOOKS):
        again = numbers if look == 0 else sorted({box.frame for box in blanked})
        boxes = _boxes_to_blank(dataset, frames, again, known_words, only_words=look > 0)
        if not boxes:
            break
        if look == LOOKS - 1:
            return PixelOutcome(
                blanked=blanked,
                reason_to_refuse="its pixels still show what looks like text after "
                f"{look} rounds of blanking",
            )
        if not frames.values.flags.writeable:
            frames.values = frames.values.copy()
        for box in boxes:
            frames.values[box.frame, box.row0 : box.row1, box.column0 : box.column1] = (
                shade if frames.is_colour else shade[0]
            )
        blanked.extend(boxes)
    part = _largest_part(frames, blanked)
    if part > LARGEST_PART:
        return PixelOutcome(
            blanked=blanked,
            reason_to_refuse=f"text covers {part:.0%} of the image: it is a page to read, such as a "
            "report or a dose sheet, and would be blank afterwards",
        )
    return PixelOutcome(blanked=blanked)


def _boxes_to_blank(
    dataset: Dataset,
    frames: Frames,
    numbers: list[int],
    known_words: frozenset[str],
    *,
    only_words: bool,
) -> list[Box]:
    """Return the boxes around all that must go, on every frame where it must."""
    if not numbers:
        return []
    examined = _sampled(numbers, frames)
    found: list[Found] = []
    closely = {examined[0], examined[len(examined) // 2], examined[-1]}
    for number in examined:
        views = list(pictures(dataset, frames, number))
        boxes = _text_in(views, known_words, only_words, thorough=number in closely)
        found += [Found(replace(box, frame=number), number) for box in boxes]
    if len(numbers) > 2:
        for values in (frames.values[numbers].max(axis=0), frames.values[numbers].min(axis=0)):
            views = list(pictures_of(dataset, frames, values))
            boxes = _text_in(views, known_words, only_words, thorough=True)
            found += [Found(box, None) for box in boxes]
    grown = [Found(_with_margin(one.box, frames.rows, frames.columns), one.frame) for one in found]
    return spread_over_frames(grown, examined, numbers)


def _text_in(
    views: list[Picture], known_words: frozenset[str], only_words: bool, *, thorough: bool
) -> list[Box]:
    """Return the boxes of what must go, in all views of one frame.

    Only the first view is searched at every size: letters large enough to need it are so many pixels
    that the first view's range holds them.
    """
    boxes = []
    for place, view in enumerate(views):
        lines = find_lines(view, thorough=thorough and place == 0 and not only_words)
        boxes += [
            line.box
            for line in lines
            if not may_stay(line, lines, view, known_words)
            and (is_plain_words(line) or not only_words)
        ]
    return boxes


def _with_margin(box: Box, rows: int, columns: int) -> Box:
    height = min(box.row1 - box.row0, box.column1 - box.column0)
    return box.grown(max(2, round(height * MARGIN_PART)), rows, columns)


def _sampled(numbers: list[int], frames: Frames) -> list[int]:
    """Return the frames to examine: all, or evenly spaced ones of a long film."""
    count = max(2, PIXELS_PER_FILE // max(1, frames.rows * frames.columns))
    if len(numbers) <= count:
        return numbers
    places = np.linspace(0, len(numbers) - 1, count).round().astype(int)
    return [numbers[place] for place in sorted(set(places.tolist()))]


def _largest_part(frames: Frames, boxes: list[Box]) -> float:
    """Return the blanked part of the frame that lost most."""
    covered: dict[int, npt.NDArray[np.bool_]] = {}
    for box in boxes:
        mask = covered.setdefault(box.frame, np.zeros((frames.rows, frames.columns), dtype=bool))
        mask[box.row0 : box.row1, box.column0 : box.column1] = True
    return max((float(mask.mean()) for mask in covered.values()), default=0.0)
