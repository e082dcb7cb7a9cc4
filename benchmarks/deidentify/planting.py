"""Put identifiers into one dataset, and write down what was put where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from deidentify.answers import AnswerKey, Kept, Painted
from deidentify.tokens import Forge, Token, needles
from pydicom import Dataset

OLDEST, YOUNGEST = date(1925, 1, 1), date(1999, 1, 1)
FIRST_STUDY, LAST_STUDY = date(2001, 1, 1), date(2021, 1, 1)


@dataclass
class Planter:
    """Plants in one file."""

    key: AnswerKey
    forge: Forge
    file: str

    def word(self, place: str, kind: str = "standard", encoding: str | None = None) -> str:
        """Return a surname that must not survive."""
        return self.text(self.forge.word(), place, kind, encoding)

    def person(self, place: str, kind: str = "standard") -> str:
        """Return a person name of two words, each of which must not survive."""
        return f"{self.word(place, kind)}^{self.word(place, kind)}"

    def number(self, place: str, kind: str = "standard") -> str:
        """Return an identifier that must not survive."""
        return self.text(self.forge.number(), place, kind)

    def uid(self, place: str) -> str:
        """Return a UID that must not survive."""
        return self.text(self.forge.uid(), place, "uid")

    def birthday(self, place: str, kind: str = "date") -> str:
        """Return a day of birth as DICOM writes it."""
        return self.text(self.forge.day(OLDEST, YOUNGEST).strftime("%Y%m%d"), place, kind)

    def day(self, place: str, kind: str = "date", form: str = "%Y%m%d") -> str:
        """Return a day of a study that must not survive."""
        day = self.forge.day(FIRST_STUDY, LAST_STUDY)
        return self.text(day.strftime(form), place, kind)

    def text(self, value: str, place: str, kind: str, encoding: str | None = None) -> str:
        """Register any string that must not survive; return it."""
        encodings = (encoding,) if encoding else ("utf-8", "utf-16-le", "latin-1")
        if encoding and encoding != "utf-8":
            encodings = (encoding, "utf-8", "utf-16-le")
        self.key.tokens.append(Token(self.file, place, kind, value, needles(value, encodings)))
        return value

    def keep(
        self, dataset: Dataset, *paths: str, action: str = "tag_retained", agrees: Any = None
    ) -> None:
        """Register those attributes that the file has: they must still be there with their values."""
        for path in paths:
            value = value_at(dataset, path)
            if value not in (None, ""):
                self.key.kept.append(Kept(self.file, action, path, value, agrees))

    def paint(
        self,
        values: npt.NDArray[Any],
        value: str,
        *,
        at: tuple[int, int],
        height: int,
        shade: Any,
        frames: tuple[int, ...] = (0,),
        turns: int = 0,
        place: str = "pixels",
    ) -> None:
        """Paint a text into frames and register it as a token.

        Parameters
        ----------
        values : (frames, rows, columns) or (frames, rows, columns, 3)
            Written to.
        at : (row, column)
            Upper left corner.
        height : int
            Of the font, in pixels.
        turns : int
            Quarter turns against the clock.
        """
        letters = np.rot90(lettering(value, height), turns)
        row, column = at
        rows, columns = letters.shape
        token = Token(self.file, place, "pixels", value, ())
        self.key.tokens.append(token)
        for frame in frames:
            values[frame, row : row + rows, column : column + columns][letters] = shade
            self.key.painted.append(Painted(token, frame, row, column, letters))


def lettering(text: str, height: int) -> npt.NDArray[np.bool_]:
    """Return a text as a mask, in the font that Pillow ships."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(height)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(image).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(image) > 127


def value_at(dataset: Dataset, path: str) -> Any:
    """Return the value at a path such as "BeamSequence[0].BeamName"; None if there is none."""
    value: Any = dataset
    for step in path.split("."):
        keyword, _, place = step.partition("[")
        if keyword not in value:
            return None
        value = value[keyword].value
        if place:
            items = list(value or ())
            if int(place[:-1]) >= len(items):
                return None
            value = items[int(place[:-1])]
    return value
