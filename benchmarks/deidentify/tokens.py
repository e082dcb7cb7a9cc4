"""Planted identifiers: each is unique, looks real, and is known to the answer key."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

SYLLABLES = [
    "bra",
    "dro",
    "fen",
    "gli",
    "hul",
    "jor",
    "kep",
    "lum",
    "mik",
    "nov",
    "orv",
    "pel",
    "quin",
    "ros",
    "sul",
    "tav",
    "ulm",
    "vor",
    "wex",
    "yst",
    "zam",
    "bel",
    "cor",
    "dag",
    "eri",
    "fol",
    "gan",
    "hes",
    "ilm",
    "kru",
    "lod",
    "mer",
    "nib",
    "ost",
    "pry",
    "rud",
    "sto",
    "tru",
    "vel",
    "wis",
]
"""Surnames made of these exist nowhere and are in no list of radiological words."""


@dataclass(frozen=True)
class Token:
    """One planted identifier.

    Attributes
    ----------
    file : str
        Name of the input file.
    place : str
        Where it was planted, for a person: "PatientName", "private (0019,10F0)".
    kind : str
        Class of the token: "standard", "private", "nested", "uid", "date", "text", "meta", "pixels", ...
    value : str
        As a person would write it.
    needles : tuple of bytes
        What to look for in the output's bytes: any of them left means that the token survived.
    """

    file: str
    place: str
    kind: str
    value: str
    needles: tuple[bytes, ...]


@dataclass
class Forge:
    """Makes tokens that never repeat; the same seed makes the same ones."""

    seed: int = 20
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def word(self) -> str:
        """Return a new surname of three syllables."""
        return self._new(lambda: "".join(self._random.choices(SYLLABLES, k=3)).capitalize())

    def number(self) -> str:
        """Return a new identifier such as K4817302."""
        return self._new(
            lambda: f"{self._random.choice('KMNRTX')}{self._random.randrange(10**6, 10**7)}"
        )

    def uid(self) -> str:
        """Return a new UID below a root for tests."""
        return self._new(
            lambda: f"1.2.826.0.1.3680043.8.498.{self._random.randrange(10**24, 10**25)}"
        )

    def day(self, start: date, stop: date) -> date:
        """Return a new day."""
        days = (stop - start).days
        text = self._new(
            lambda: (start + timedelta(days=self._random.randrange(days))).strftime("%Y%m%d")
        )
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))

    def _new(self, make) -> str:  # type: ignore[no-untyped-def]
        while (value := make()) in self.used:
            pass
        self.used.add(value)
        return str(value)


def needles(
    value: str, encodings: tuple[str, ...] = ("utf-8", "utf-16-le", "latin-1")
) -> tuple[bytes, ...]:
    """Return a token's spellings in bytes: in several encodings, base64 and hexadecimal.

    Base64 depends on where the token starts among groups of three bytes, so all three are given.
    """
    import base64

    plain = []
    for encoding in encodings:
        try:
            plain.append(value.encode(encoding))
        except UnicodeEncodeError:
            continue
    found = set(plain)
    raw = plain[0]
    found |= {raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        start = (shift * 8 + 5) // 6
        whole = text[start : (shift + len(raw)) * 8 // 6]
        if len(whole) >= 8:
            found.add(whole)
    return tuple(sorted(found))
