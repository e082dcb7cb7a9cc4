"""The second look: read the output as somebody would who wants to know the patient.

Nothing here is shared with the cleaner, on purpose: a mistake there must not be repeated here. The inputs are
read anew, what identifies is collected by rules of this module's own, and the output is searched as bytes
first and as DICOM second.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydicom import dcmread
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from clerkship_cases.deidentify.verify_bytes import (
    DATASET_MARK,
    REMEMBERED_BYTES,
    pieces_of,
    printable_runs,
    read_pieces,
    read_unseen,
    spellings,
    unpacked,
)

_TEXT_VRS = frozenset(("LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE", "UR"))
_NUMBER_VRS = frozenset(("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "OB", "OW", "OF", "AT"))
_DATE_VRS = frozenset(("DA", "DT"))
#: Groups about the patient, a trial, an order, a visit, a result: every text in them may identify.
_PERSONAL_GROUPS = frozenset((0x0010, 0x0012, 0x0032, 0x0038, 0x4008))
#: In other groups: accession, institution, people, study and order numbers, single devices.
_PERSONAL_TAGS = frozenset(
    (
        *(0x00080000 | e for e in (0x50, 0x54, 0x55, 0x80, 0x81, 0x92, 0x94, 0x1010, 0x1040)),
        *(0x00180000 | e for e in (0x1000, 0x1002, 0x1004, 0x1005, 0x1007, 0x1008, 0x1010, 0x700A)),
        *(0x00400000 | e for e in (0x01, 0x09, 0x10, 0x241, 0x242, 0x253, 0x1001, 0x1010)),
        *(0x00400000 | e for e in (0x1102, 0x1103, 0x2016, 0x2017, 0xA027)),
        0x00200010,
        0x00080090,
    )
)
_BIRTH_DATE = 0x00100030
_CODE_VALUE = 0x00080100
_PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
#: Patient characteristics that may stay (PS3.15 E.3.5), and the neutral ones about units and species.
_NOT_PERSONAL = frozenset(
    (0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x00102203, 0x00120062, 0x00120063, 0x00120064)
)
#: Makers, the standard's meanings of codes, our own mark: words that were not chosen after the patient.
_OTHERS_WORDS = frozenset((0x00080070, 0x00080102, 0x00080104, 0x00081090, 0x00120063))
#: A word of this length is searched for in every byte; shorter ones would turn up in numbers by chance, and
#: are searched for as whole words in text.
_RAW_LETTERS = 5
#: The same for pixels, where far more bytes are random.
_PIXEL_LETTERS = 7

_WORDS = re.compile(r"[^\W_]+")
_LONG_NUMBER = re.compile(r"(?<!\d)\d{6,}(?!\d)")
_UID_LIKE = re.compile(rb"\d+(?:\.\d+){3,}")
#: Said instead of a name; finding them means nothing.
_NOBODY = frozenset(
    [
        "anonymous",
        "anonymized",
        "anonymised",
        "anonym",
        "unknown",
        "none",
        "test",
        "phantom",
        "patient",
        "removed",
        "case",
        "clerkship",
        "name",
        "subject",
    ]
)
#: Words of the sentences that every output says about itself.
_OF_THE_MARKS = frozenset(
    [
        "clerkship",
        "annex",
        "allow",
        "list",
        "retain",
        "safe",
        "private",
        "option",
        "basic",
        "application",
        "confidentiality",
        "profile",
        "clean",
        "pixel",
        "data",
        "descriptors",
        "graphics",
        "structured",
        "content",
        "longitudinal",
        "temporal",
        "information",
        "modified",
        "dates",
        "patient",
        "characteristics",
        "recognizable",
        "visual",
        "features",
        "text",
        "removed",
    ]
)


@cache
def _ordinary_words() -> frozenset[str]:
    """Read the words of radiology, as data: a hospital's name may hold some of them."""
    words: set[str] = set()
    for name in ("vocabulary.txt", "terms.txt"):
        for line in files(__package__).joinpath(name).read_text(encoding="ascii").splitlines():
            if not line.startswith("#"):
                words.update(_WORDS.findall(line.casefold()))
    return frozenset(words) | _OF_THE_MARKS


class Verifier:
    """Knows what identifies the patient in the inputs, and looks for it in outputs.

    Attributes
    ----------
    remaining_text : dict
        Every text seen in clean outputs: attribute -> values.
    """

    def __init__(self) -> None:
        self._words: set[str] = set()  # whole words, case-folded
        self._phrases: set[str] = set()  # whole values, case-folded
        self._raw: set[bytes] = set()  # values in their own character set
        self._uids: set[bytes] = set()
        self._births: set[str] = set()
        self._dates: set[str] = set()
        self._numbers: set[str] = set()
        self._seen: set[bytes] = set()
        # Elements, as bytes, in which nothing was found: a series repeats most of them.
        self._harmless: set[bytes] = set()
        self._prepared: tuple[list[str], list[bytes]] | None = None
        self._dates_of: dict[Path, dict[int, str]] = {}
        self.remaining_text: dict[str, set[str]] = defaultdict(set)

    # -- what to look for -------------------------------------------------------------

    def learn(self, path: Path) -> None:
        """Read an input file and remember what identifies."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset, self._dates_of[path] = read_unseen(path, self._seen)
            self._learn_dataset(dataset)
        self._prepared = None

    def _learn_dataset(self, dataset: Dataset) -> None:
        for tag in tuple(dataset.keys()):
            raw = dataset.get_item(tag)
            value: object = raw.value if isinstance(raw, RawDataElement) else None
            if raw is not None and (raw.VR or _vr_of(int(tag))) in _NUMBER_VRS:
                continue
            try:
                element = dataset[tag]
            except Exception:  # noqa: S112 - a value that can't be read can't be searched for
                continue
            if element.VR == "SQ":
                for item in element.value or ():
                    if tag not in _NOT_PERSONAL:
                        self._learn_dataset(item)
                continue
            if element.VR not in _TEXT_VRS | _DATE_VRS | {"UI"}:
                continue
            many = element.VM > 1
            for one in element.value if many else [element.value]:
                self._learn_value(int(tag), str(element.VR), str(one).strip(" \0"))
            if element.VR == "PN" and isinstance(value, bytes):
                parts = (part for part in re.split(rb"[\\=^ \0]", value) if len(part) >= 4)
                self._raw.update(p for p in parts if any(byte > 0x7F or byte == 0x1B for byte in p))

    def _learn_value(self, tag: int, vr: str, text: str) -> None:
        if vr == "UI":
            if text.count(".") >= 3 and text not in UID_dictionary:
                self._uids.add(text.encode("latin-1", "replace"))
        elif vr in _DATE_VRS:
            if len(text) >= 8 and text[:8].isdigit():
                (self._births if tag == _BIRTH_DATE else self._dates).add(text[:8])
        elif vr == "PN":
            for word in _WORDS.findall(text.casefold()):
                if len(word) >= 2 and word not in _NOBODY and not word.isdigit():
                    self._words.add(word)
                elif word.isdigit() and len(word) >= 4:
                    self._numbers.add(word)
        elif tag in _PERSONAL_TAGS or (tag >> 16 in _PERSONAL_GROUPS and tag not in _NOT_PERSONAL):
            folded = text.casefold()
            words = _WORDS.findall(folded)
            strange = [w for w in words if w not in _ordinary_words() and w not in _NOBODY]
            if len(folded) >= 4 and strange and not folded.isdigit():
                self._phrases.add(folded)
            # A free text about the patient is full of ordinary words that only its whole betrays.
            if len(words) <= 6:
                self._words.update(w for w in strange if len(w) >= 4 and not w.isdigit())
            self._numbers.update(w for w in words if w.isdigit() and len(w) >= 4)
            self._numbers.update(_LONG_NUMBER.findall(text))
        elif tag != _CODE_VALUE:  # the numbers of SNOMED are as long as a patient's
            self._numbers.update(_LONG_NUMBER.findall(text))

    # -- looking ----------------------------------------------------------------------

    def leaks(self, path: Path, source: Path | None = None) -> list[str]:
        """Say what in an output file points at the patient, without repeating it.

        Parameters
        ----------
        path : Path
            The output.
        source : Path, optional
            The input that it was made from, to compare dates one by one.

        Returns
        -------
        list of str
            Sentences; empty when nothing was found.
        """
        data = path.read_bytes()
        pieces, start = pieces_of(data)
        new = [piece for piece in pieces if piece not in self._harmless]
        header, pixels = data[:DATASET_MARK] + b"".join(new), data[start:]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = read_pieces(new, encoding="utf8")
            found = [*self._in_bytes(header), *_in_form(data, pixels, dataset)]
            found += self._in_pixels(pixels)
            texts: set[tuple[str, str]] = set()
            found += self._in_dataset(dataset, texts)
            found += _same_dates(dataset, self._dates_of.get(source, {}) if source else {})
        if not found:
            self._harmless.update(piece for piece in new if len(piece) <= REMEMBERED_BYTES)
            for place, text in texts:
                self.remaining_text[place].add(text)
        return list(dict.fromkeys(found))

    def same_dates(self, path: Path, source: Path) -> list[str]:
        """Say which dates an output has in common with an input."""
        with path.open("rb") as file:
            dataset = dcmread(file, stop_before_pixels=True)
        return list(_same_dates(dataset, self._dates_of[source]))

    def _needles(self) -> tuple[list[str], list[bytes]]:
        """List what is searched for in bytes: ASCII text in lower case, and other scripts as bytes."""
        if self._prepared is None:
            wanted = {w for w in self._words | self._phrases if len(w) >= _RAW_LETTERS}
            wanted -= _ordinary_words()
            for birth in self._births:
                wanted.update(spellings(birth))
            ascii_needles = sorted(w for w in wanted if w.isascii())
            others = set(self._raw)
            for word in self._words | self._phrases:
                if not word.isascii():
                    others.update(
                        word.encode(c) for c in ("utf-8", "utf-16-le", "utf-16-be") if len(word) > 1
                    )
            self._prepared = (ascii_needles, sorted(others))
        return self._prepared

    def _in_bytes(self, header: bytes) -> Iterator[str]:
        """Search all bytes before the pixels: plain, UTF-16, base64 and hexadecimal."""
        needles, others = self._needles()
        if any(needle in header for needle in others):
            yield "a name in its own script"
        text = header[132:].replace(b"\0", b"").decode("latin-1")
        folded = text.lower()
        for needle in needles:
            if needle in folded:
                yield "a word of the patient's identity among its bytes"
                break
        hidden = "\n".join(unpacked(text)).lower()
        if hidden and any(needle in hidden for needle in needles):
            yield "a word of the patient's identity in base64 or hexadecimal"
        if any(match in self._uids for match in _UID_LIKE.findall(header)):
            yield "an old UID"

    def _in_pixels(self, pixels: bytes) -> Iterator[str]:
        """Search the pixels' bytes for written text (text that is painted is found elsewhere)."""
        runs = printable_runs(pixels, _PIXEL_LETTERS)
        if not runs:
            return
        text = runs.lower()
        for needle in self._needles()[0]:
            if len(needle) >= _PIXEL_LETTERS and needle in text:
                yield "a word of the patient's identity among the bytes of its pixels"
                return

    def _in_dataset(self, dataset: Dataset, texts: set[tuple[str, str]]) -> Iterator[str]:
        """Read every text as DICOM, at every depth."""
        for tag in tuple(dataset.keys()):
            raw = dataset.get_item(tag)
            if raw is not None and raw.VR in _NUMBER_VRS:
                continue
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value or ():
                    yield from self._in_dataset(item, texts)
            elif element.VR in _TEXT_VRS and (value := str(element.value or "")):
                if verdict := self._judge(int(tag), value):
                    yield verdict
                texts.add((_name(tag), value))

    def _judge(self, tag: int, value: str) -> str | None:
        place = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        folded = value.casefold()
        words = set(_WORDS.findall(folded))
        strange = words & self._words
        if tag in _OTHERS_WORDS:
            strange -= _ordinary_words()
        if strange:
            return f"a word of the patient's identity in {place}"
        if (words | set(_LONG_NUMBER.findall(value))) & self._numbers:
            return f"a number of the patient's identity in {place}"
        for day in self._dates | self._births:
            if any(spelling in folded for spelling in spellings(day)):
                return f"a date of the examination in {place}"
        return None


#: Who may own private attributes in an output.
_SAFE_CREATORS = frozenset(
    [
        "philips pet private group",
        "philips imaging dd 001",
        "siemens mr header",
        "gems_acqu_01",
        "gems_parm_01",
        "gems_sers_01",
        "gems_helios_01",
        "elscint1",
    ]
)


def _in_form(data: bytes, pixels: bytes, dataset: Dataset) -> Iterator[str]:
    """Look for places where things hide: around the dataset, and in kinds of attributes that must be gone."""
    if data[:128].strip(b"\0"):
        yield "bytes in the preamble"
    known = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}
    if {int(tag) for tag in tuple(dataset.keys()) if tag.group == 2} - known:
        yield "more in the file meta information than belongs there"
    if pixels:
        if (
            int.from_bytes(pixels[:2], "little") << 16 | int.from_bytes(pixels[2:4], "little")
            not in _PIXELS
        ):
            yield "something other than pixels at the end"
        length = int.from_bytes(pixels[8:12], "little")
        if length == 0xFFFFFFFF:
            if pixels[-8:] != b"\xfe\xff\xdd\xe0\0\0\0\0":
                yield "bytes behind the pixels"
        elif len(pixels) != 12 + length:
            yield "bytes behind the pixels"
    yield from _kinds_in(dataset)


def _kinds_in(dataset: Dataset) -> Iterator[str]:
    for tag in tuple(dataset.keys()):
        group = tag.group
        if group % 2 and 0x10 <= tag.element <= 0xFF:
            creator = str(dataset[tag].value).strip(" \0").casefold()
            if creator not in _SAFE_CREATORS:
                yield f"private attributes of an unknown maker in group {group:04X}"
        elif 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
            yield f"a curve or overlay in group {group:04X}"
        elif group in (0xFFFA, 0xFFFC, 0x0400) or int(tag) in (0x00880200, 0x00420011):
            yield f"an icon, document, signature or padding at {_name(tag)}"
        element = dataset.get_item(tag)
        if element is not None and element.VR == "SQ":
            for item in dataset[tag].value or ():
                yield from _kinds_in(item)


def _same_dates(dataset: Dataset, before: dict[int, str]) -> Iterator[str]:
    for tag, old in before.items():
        if tag in dataset and old.strip() and str(dataset[tag].value)[:8] == old:
            yield f"the old date in ({tag >> 16:04X},{tag & 0xFFFF:04X})"


@cache
def _vr_of(tag: int) -> str | None:
    return dictionary_VR(tag) if dictionary_has_tag(tag) else None


def _name(tag: object) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag) or str(tag)  # type: ignore[arg-type]


def verify_file(output: Path, inputs: list[Path]) -> list[str]:
    """Say what in one file points at the patient of some others.

    Parameters
    ----------
    output : Path
        A de-identified file.
    inputs : list of Path
        Files of the patient as they were.

    Returns
    -------
    list of str
        What was found, without repeating it; empty when nothing was.
    """
    verifier = Verifier()
    for path in inputs:
        verifier.learn(path)
    found = verifier.leaks(output)
    for path in inputs:
        found += verifier.same_dates(output, path)
    return list(dict.fromkeys(found))
