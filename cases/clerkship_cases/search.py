"""Search the local library: what records say, and on the teacher's side also what keys say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clerkship_cases.errors import CaseError
from clerkship_cases.modality import modalities_named, singular
from clerkship_cases.record import CaseRecord

if TYPE_CHECKING:
    from clerkship_cases.key import Key

#: Fields of a record that words are looked for in, and what a hit there is worth.
_FIELDS = {
    "id": 5,
    "title": 5,
    "body_part": 4,
    "anatomy": 4,
    "keywords": 4,
    "objectives": 2,
    "view": 2,
    "history": 2,
    "abstract": 2,
    "attribution": 1,
    "licence": 1,
}
_IN_KEY = 4


@dataclass(frozen=True)
class CaseQuery:
    """What is looked for; everything that is given has to be met, in capitals or small letters.

    Attributes
    ----------
    text : str
        Beginnings of words; each must occur in the record, or in the key where keys can be read. One that
        stands for a modality ("CT", "ultrasound") asks for that modality.
    modality : str
        DICOM modality, exactly.
    anatomy : str
        Part of the body part or of a structure that can be seen.
    finding : str
        Part of what a key says; needs keys.
    licence : str
        SPDX identifier or its beginning ("CC-BY").
    difficulty : str
        Exactly.
    source : str
        Kind of source, exactly.
    """

    text: str = ""
    modality: str = ""
    anatomy: str = ""
    finding: str = ""
    licence: str = ""
    difficulty: str = ""
    source: str = ""


@dataclass(frozen=True)
class Hit:
    """A case that fits, and how well; ``said_in`` names where words were found."""

    record: CaseRecord
    score: int
    said_in: tuple[str, ...]


def search_library(
    query: CaseQuery,
    records: Iterable[CaseRecord] | None = None,
    keys: Mapping[str, Key] | None = None,
) -> list[Hit]:
    """Find cases, the best first.

    Parameters
    ----------
    query : CaseQuery
        What is looked for.
    records : iterable of CaseRecord, optional
        Where; the whole library by default.
    keys : mapping of Key, optional
        Keys by case id; those that this account can read by default. A student's has none.

    Raises
    ------
    CaseError
        If a finding is asked for and no key can be read here.
    """
    if records is None:
        from clerkship_cases.library import list_cases

        records = list_cases()
    keys = readable_keys() if keys is None else keys
    if query.finding and not keys:
        raise CaseError(
            "findings are in the keys, and there are none here: keys are on the teacher's side only. "
            "If this is it, set CLERKSHIP_KEYS to the folder that holds them."
        )
    hits = [hit for record in records if (hit := _hit(query, record, keys.get(record.id)))]
    return sorted(hits, key=lambda hit: (-hit.score, hit.record.id))


def readable_keys() -> dict[str, Key]:
    """Keys that this account can read, by case id; a damaged one is left to ``check``."""
    from clerkship_cases.key import key_roots, open_key

    keys = {}
    for root in key_roots():
        try:
            names = [path.parent.name for path in root.glob("*/key.yml")]
        except OSError:
            continue
        for name in names:
            try:
                keys[name] = open_key(name)
            except (CaseError, OSError):
                continue
    return keys


def key_text(key: Key) -> str:
    """Everything that a key says in words."""
    facts = [fact.text for fact in key.facts]
    findings = [f"{finding.name} {finding.title}" for finding in key.findings]
    return "\n".join([*facts, *findings])


def _hit(query: CaseQuery, record: CaseRecord, key: Key | None) -> Hit | None:
    if not _passes(query, record, key):
        return None
    texts = {name: _text(getattr(record, name)) for name in _FIELDS}
    secret = key_text(key).lower() if key else ""
    score, said_in = 0, []
    for word in re.findall(r"[\w.-]+", query.text.lower()):
        if codes := modalities_named(word):
            places = ["modality"] if record.modality in codes else []
        else:
            begins = re.compile(rf"(?<![a-z0-9]){re.escape(singular(word))}")
            places = [name for name, text in texts.items() if begins.search(text)]
            places += ["key"] if begins.search(secret) else []
        if not places:
            return None
        score += max(_FIELDS.get(place, _IN_KEY) for place in places)
        said_in += places
    return Hit(record, score, tuple(dict.fromkeys(said_in)))


def _passes(query: CaseQuery, record: CaseRecord, key: Key | None) -> bool:
    seen = _text((record.body_part, *record.anatomy))
    return (
        query.modality.upper() in ("", record.modality)
        and query.anatomy.lower() in seen
        and query.difficulty.lower() in ("", record.difficulty)
        and query.source.lower() in ("", record.source.kind)
        and (record.licence_code or "").lower().startswith(query.licence.lower())
        and (
            not query.finding
            or (key is not None and query.finding.lower() in key_text(key).lower())
        )
    )


def _text(value: str | tuple[str, ...] | None) -> str:
    return ("\n".join(value) if isinstance(value, tuple) else value or "").lower()
