"""One dataset through the allow-list, at every depth."""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from clerkship_cases.deidentify.ages import age_at, cleaned_age
from clerkship_cases.deidentify.codes import cleaned_code
from clerkship_cases.deidentify.keyed import Keyring, kept_time, shifted_date, shifted_datetime
from clerkship_cases.deidentify.options import Options
from clerkship_cases.deidentify.private import cleaned_private, is_number, may_be_safe
from clerkship_cases.deidentify.reading import as_dataset
from clerkship_cases.deidentify.report import Ledger
from clerkship_cases.deidentify.rules import allowed_attributes
from clerkship_cases.deidentify.structured import keep_content_item
from clerkship_cases.deidentify.words import cleaned_words, is_term

_AGE, _BIRTH_DATE, _STUDY_DATE = map(BaseTag, (0x00101010, 0x00100030, 0x00080020))
_ROI_NAME = BaseTag(0x30060026)
#: What a structure is called when nothing of its name can stay; a number follows where there is one.
_UNNAMED = "Structure"
#: More numbers than any attribute has that the rest of the program asks for (an orientation has six).
_MANY = 16
_MAX_DEPTH = 32
#: Values up to this size are remembered with what became of them: a series repeats itself.
_REMEMBERED_BYTES = 65_536

#: What became of one attribute: the new element (None: removed), and the entries for the report.
Outcome = tuple[DataElement | None, Ledger]
#: Codes are cleaned as a whole; these are its parts.
_AMBIGUOUS = frozenset(tag for tag in allowed_attributes() if " or " in dictionary_VR(tag))
_CODE_PARTS = frozenset((0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120))


class TooDeepError(Exception):
    """Sequences are nested deeper than any real file nests them."""


class Cleaner:
    """Applies the allow-list to the files of one patient.

    Parameters
    ----------
    keys : Keyring
        Where new UIDs and the shift of dates come from.
    patient : str
        What tells this patient from others in the input.
    identifying : frozenset of str
        Case-folded words of the patient's identity, from all files.
    options : Options
        The person's choices.
    """

    def __init__(
        self, keys: Keyring, patient: str, identifying: frozenset[str], options: Options
    ) -> None:
        self.pseudonym = keys.pseudonym(patient)
        self.shift_days = keys.shift_days(patient)
        self._keys = keys
        self._identifying = identifying
        self._options = options
        #: Character set -> element as it stood in a file -> what became of it.
        self._remembered: dict[str, dict[RawDataElement, Outcome]] = defaultdict(dict)
        self._privates: dict[
            tuple[RawDataElement, RawDataElement | None],
            tuple[dict[BaseTag, DataElement], dict[tuple[str, str], None]],
        ] = {}
        self._ages: dict[tuple[object, object], str | None] = {}
        self._actions: dict[str, Callable[[DataElement], Any]] = {
            "keep": lambda element: element.value,
            "number": self._number,
            "term": lambda element: self._each(element, self._term),
            "words": lambda element: self._each(element, self._words),
            "label": lambda element: self._each(element, self._words) or _UNNAMED,
            "uid": lambda element: self._each(element, self._uid),
            "class-uid": lambda element: self._each(element, _class_uid),
            "date": lambda element: self._each(element, self._date),
            "time": lambda element: self._each(element, self._time),
            "datetime": lambda element: self._each(element, self._datetime),
            "age": lambda element: cleaned_age(str(element.value), options.keep_age),
            "characteristic": self._characteristic,
            "empty": lambda element: "",
            "pseudonym": lambda element: self.pseudonym,
            "person": lambda element: "Removed^",
        }

    def clean(self, elements: dict[BaseTag, RawDataElement]) -> tuple[Dataset, Ledger]:
        """Clean the attributes of one file; its pixels are not among them.

        Parameters
        ----------
        elements : dict
            As they stand in the file.

        Returns
        -------
        Dataset
            What stays. Elements may be shared with the results of other files: replace, don't alter them.
        Ledger
            Every attribute and what became of it.
        """
        rules = allowed_attributes()
        dataset = as_dataset(elements)
        remembered = self._remembered[str(dataset.original_character_set)]
        kept: dict[BaseTag, DataElement] = {}
        ledger: dict[tuple[str, str], None] = {}
        coded = False
        for tag, raw in elements.items():
            known = remembered.get(raw)
            if known is None:
                number = int(tag)  # comparing pydicom's tags is slow
                rule = rules.get(number)
                if rule is None and number & 0x10000 and may_be_safe(number):
                    self._remembered_private(dataset, elements, tag, kept, ledger)
                    continue
                if rule is not None and rule.action == "code":
                    coded = True
                    continue
                if rule is None:
                    known = None, ((_place(number), "removed"),)
                else:
                    known = self._cleaned_element(dataset, tag, rule.action, depth=0)
                if number not in _AMBIGUOUS and len(raw.value or b"") <= _REMEMBERED_BYTES:
                    remembered[raw] = known
            element, entries = known
            for entry in entries:
                ledger[entry] = None
            if element is not None:
                kept[tag] = element
        cleaned = Dataset(kept)  # type: ignore[arg-type]
        if coded:
            self._code(dataset, cleaned, "", ledger)
        if _AGE not in kept:
            self._compute_age(dataset, cleaned, ledger)
        return cleaned, tuple(ledger)

    def _compute_age(
        self, dataset: Dataset, cleaned: Dataset, ledger: dict[tuple[str, str], None]
    ) -> None:
        """Say how old the patient was, where only the date of birth says it."""
        if _BIRTH_DATE not in dataset:
            return
        born, seen = dataset.get_item(_BIRTH_DATE), dataset.get_item(_STUDY_DATE)
        days = (born and born.value, seen and seen.value)
        if days not in self._ages:
            computed = age_at(
                str(dataset.get("PatientBirthDate", "")), str(dataset.get("StudyDate", ""))
            )
            self._ages[days] = computed and cleaned_age(computed, self._options.keep_age)
        age = self._ages[days]
        if age:
            cleaned.PatientAge = age
            ledger["(0010,1010)", "computed"] = None

    # -- the walk -----------------------------------------------------------------

    def _cleaned_items(
        self, dataset: Dataset, prefix: str, ledger: dict[tuple[str, str], None], depth: int
    ) -> Dataset:
        """Apply the table to the attributes of a dataset or of a sequence's item."""
        if depth > _MAX_DEPTH:
            raise TooDeepError
        rules = allowed_attributes()
        kept: dict[BaseTag, DataElement] = {}
        for tag in tuple(dataset.keys()):
            rule = rules.get(tag)
            if rule is None:
                if tag.is_private and may_be_safe(tag):
                    self._private(dataset, tag, kept, prefix, ledger)
                else:
                    ledger[prefix + _place(tag), "removed"] = None
                continue
            if rule.action == "code":
                continue
            element, entries = self._cleaned_element(dataset, tag, rule.action, depth)
            for place, action in entries:
                ledger[prefix + place, action] = None
            if element is not None:
                kept[tag] = element
        cleaned = Dataset(kept)  # type: ignore[arg-type]
        self._code(dataset, cleaned, prefix, ledger)
        if _ROI_NAME in kept and cleaned.ROIName == _UNNAMED:
            cleaned.ROIName = f"{_UNNAMED} {cleaned.get('ROINumber', '')}".strip()
        return cleaned

    def _cleaned_element(self, dataset: Dataset, tag: BaseTag, action: str, depth: int) -> Outcome:
        place = _place(tag)
        raw: object = dataset.get_item(tag)
        if (
            action == "number"
            and isinstance(raw, RawDataElement)
            and (raw.VR or dictionary_VR(tag)) == "DS"
        ):
            numbers = (raw.value or b"").decode("latin-1").strip(" \0").split("\\")
            if len(numbers) > _MANY:
                # Contours have a million of them: looked at as text, not turned into objects and back.
                if not all(is_number(number, self._identifying) for number in numbers):
                    return None, ((place, "removed"),)
                kept = DataElement(tag, "DS", numbers, already_converted=True)
                return kept, ((place, "kept"),)
        element = dataset[tag]
        if action in ("items", "content"):
            return self._sequence(element, action, place, depth)
        expected = dictionary_VR(tag)
        if " or " in expected:
            corrected = correct_ambiguous_vr_element(element, dataset, True)
            element = corrected if isinstance(corrected, DataElement) else element
        elif expected != element.VR:
            # A known attribute under another VR: the value can't be trusted to be of its kind.
            return None, ((place, "removed: unexpected VR"),)
        if element.VM == 0:
            return DataElement(tag, element.VR, None), ((place, "kept empty"),)
        value = self._actions[action](element)
        if value is None:
            return None, ((place, "removed"),)
        if action == "keep":
            return element, ((place, "kept"),)
        cleaned = DataElement(tag, element.VR, value)
        return cleaned, ((place, _said(action, element.value, cleaned.value)),)

    def _sequence(self, element: DataElement, action: str, place: str, depth: int) -> Outcome:
        if element.VR != "SQ":
            return None, ((place, "removed: unexpected VR"),)
        entries: dict[tuple[str, str], None] = {(place, "kept, items cleaned"): None}
        items = []
        for item in element.value or ():
            cleaned = self._cleaned_items(item, f"{place} > ", entries, depth + 1)
            if _is_broken_code(item, cleaned) or (not cleaned and len(item)):
                entries[place, "item removed"] = None
                continue
            if action == "content" and not keep_content_item(cleaned):
                entries[place, "content item removed"] = None
                continue
            items.append(cleaned)
        if not items and element.value:
            return None, ((place, "removed: no item could stay"), *list(entries)[1:])
        return DataElement(element.tag, "SQ", Sequence(items)), tuple(entries)

    def _remembered_private(
        self,
        dataset: Dataset,
        elements: dict[BaseTag, RawDataElement],
        tag: BaseTag,
        kept: dict[BaseTag, DataElement],
        ledger: dict[tuple[str, str], None],
    ) -> None:
        """Clean a private attribute; what becomes of it depends on itself and on who owns it."""
        owner = elements.get(_tag_of_creator(tag))
        key = elements[tag], owner
        if key not in self._privates:
            elements_kept: dict[BaseTag, DataElement] = {}
            entries: dict[tuple[str, str], None] = {}
            self._private(dataset, tag, elements_kept, "", entries)
            self._privates[key] = elements_kept, entries
        kept.update(self._privates[key][0])
        ledger.update(self._privates[key][1])

    def _private(
        self,
        dataset: Dataset,
        tag: BaseTag,
        kept: dict[BaseTag, DataElement],
        prefix: str,
        ledger: dict[tuple[str, str], None],
    ) -> None:
        place = prefix + _place(int(tag))
        element = cleaned_private(dataset, tag.group, tag.element, self._identifying)
        if element is None:
            ledger[place, "removed"] = None
            return
        creator = _tag_of_creator(tag)
        kept[creator] = DataElement(creator, "LO", dataset[creator].value.strip(" \0"))
        kept[tag] = element
        ledger[place, "kept: safe private"] = None

    def _code(
        self, dataset: Dataset, cleaned: Dataset, prefix: str, ledger: dict[tuple[str, str], None]
    ) -> None:
        present = [tag for tag in tuple(dataset.keys()) if int(tag) in _CODE_PARTS]
        if not present:
            return
        code = cleaned_code(dataset, self._identifying)
        for keyword, value in (code or {}).items():
            setattr(cleaned, keyword, value)
        for tag in present:
            ledger[prefix + _place(int(tag)), "kept" if tag in cleaned else "removed"] = None

    # -- the actions ----------------------------------------------------------------

    def _each(self, element: DataElement, action: Callable[[str], str | None]) -> Any:
        """Apply an action to every value; one value that can't stay leaves an empty place."""
        value = element.value
        values = value if element.VM > 1 else [value]
        results = [action(str(v)) for v in values]
        if all(result is None for result in results):
            return None
        if element.VM > 1:
            return [result or "" for result in results]
        return results[0]

    def _number(self, element: DataElement) -> Any:
        values = element.value if element.VM > 1 else [element.value]
        texts = [str(getattr(value, "original_string", value)) for value in values]
        return element.value if all(is_number(t, self._identifying) for t in texts) else None

    def _characteristic(self, element: DataElement) -> Any:
        if element.keyword == "PatientSex":
            return element.value if element.value in ("M", "F", "O") else None
        return self._number(element)

    def _term(self, text: str) -> str | None:
        return text if is_term(text) else None

    def _words(self, text: str) -> str | None:
        return cleaned_words(text, self._identifying).text or None

    def _uid(self, text: str) -> str | None:
        text = text.strip(" \0")
        if not text:
            return None
        return text if text in UID_dictionary else self._keys.uid(text)

    def _date(self, text: str) -> str | None:
        return shifted_date(text, self.shift_days) if self._options.shift_dates else None

    def _time(self, text: str) -> str | None:
        return kept_time(text) if self._options.shift_dates else None

    def _datetime(self, text: str) -> str | None:
        return shifted_datetime(text, self.shift_days) if self._options.shift_dates else None


def _class_uid(text: str) -> str | None:
    text = text.strip(" \0")
    return text if text in UID_dictionary else None


def _is_broken_code(item: Dataset, cleaned: Dataset) -> bool:
    """Whether an item was a coded concept and no longer is one."""
    was_code = any(int(tag) in _CODE_PARTS for tag in tuple(item.keys()))
    return was_code and "CodeValue" not in cleaned


@cache
def _tag_of_creator(tag: BaseTag) -> BaseTag:
    return Tag(tag.group, tag.element >> 8)


@cache
def _place(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


_SAID = {
    "uid": "replaced",
    "date": "shifted",
    "time": "kept",
    "datetime": "shifted",
    "age": "banded or capped",
    "empty": "emptied",
    "pseudonym": "replaced",
    "person": "replaced",
}


def _said(action: str, old: object, new: object) -> str:
    if old == new:
        return "kept"
    return _SAID.get(action, "cleaned")
