"""The allow-list: which attributes may stay, and in what form.

The table is ``attributes.tsv``; what it does not name is removed. Actions:

=============== ==================================================================================
keep            a number, or the pixels: the bytes as they are
number          a number written as text (DS, IS): kept when it is a number
term            a coded string (CS): kept when each of its words is a term of the standard
words           free text: kept when each of its words is radiology, else cleaned word by word
label           free text that names a structure: like ``words``, but never left empty
code            part of a coded concept: see ``codes.py``
uid             a new UID, the same one for the same old one
class-uid       a UID of the standard stays, any other is removed
date            moved by the patient's number of days, like ``time`` (the time of day stays)
datetime        the same for both in one
age             a band, or capped
characteristic  sex, size, weight
items           a sequence: its items are cleaned by this same table
content         the content items of a structured report: see ``structured.py``
person, pseudonym, empty  a fixed value, the patient's pseudonym, nothing
=============== ==================================================================================
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.datadict import tag_for_keyword

ACTIONS = frozenset(
    [
        "keep",
        "number",
        "term",
        "words",
        "label",
        "code",
        "uid",
        "class-uid",
        "date",
        "time",
        "datetime",
        "age",
        "characteristic",
        "items",
        "content",
        "person",
        "pseudonym",
        "empty",
    ]
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the allow-list."""

    keyword: str
    action: str
    module: str
    source: str


@cache
def allowed_attributes() -> dict[int, Rule]:
    """Read the allow-list: tag as a number -> rule."""
    table: dict[int, Rule] = {}
    text = files(__package__).joinpath("attributes.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    next(rows)  # the heading
    for keyword, action, module, source in rows:
        tag = tag_for_keyword(keyword)
        if tag is None or action not in ACTIONS:
            raise ValueError(f"attributes.tsv: {keyword} {action}: no such attribute or action")
        table[tag] = Rule(keyword, action, module, source)
    return table
