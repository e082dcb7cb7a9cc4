"""Structured reports: what a person measured and coded stays, what a person wrote goes.

A report is a tree of content items (PS3.3 C.17.3). The allow-list has been applied to each item when it
comes here; what is left to do depends on the item's ValueType.
"""

from pydicom.dataset import Dataset

#: Stands where a text was. No word of it comes from the file.
REMOVED_TEXT = "(text removed)"
REMOVED_PERSON = "Removed^"

#: ValueTypes that say nothing without the name of their concept (PS3.3 Table C.17.3-7).
_NAMED = frozenset(["TEXT", "NUM", "CODE", "DATETIME", "DATE", "TIME", "UIDREF", "PNAME"])
#: Where the value of an item stands.
_VALUE_OF = {
    "TEXT": "TextValue",
    "CODE": "ConceptCodeSequence",
    "DATETIME": "DateTime",
    "DATE": "Date",
    "TIME": "Time",
    "UIDREF": "UID",
    "PNAME": "PersonName",
    "IMAGE": "ReferencedSOPSequence",
    "COMPOSITE": "ReferencedSOPSequence",
    "WAVEFORM": "ReferencedSOPSequence",
    "SCOORD": "GraphicData",
    "SCOORD3D": "GraphicData",
}
#: Items by which a report is more than prose.
_EVIDENCE = frozenset(
    ["NUM", "CODE", "IMAGE", "SCOORD", "SCOORD3D", "TCOORD", "COMPOSITE", "WAVEFORM"]
)


def keep_content_item(item: Dataset) -> bool:
    """Finish a cleaned content item in place; False when nothing useful is left of it."""
    value_type = str(item.get("ValueType", ""))
    if not value_type:
        # An item that refers to another by position has no type of its own (PS3.3 C.17.3.2.5).
        return "ReferencedContentItemIdentifier" in item
    if value_type in _NAMED and not item.get("ConceptNameCodeSequence"):
        return False
    if value_type == "TEXT" and not str(item.get("TextValue", "")).strip():
        item.TextValue = REMOVED_TEXT
    if value_type == "PNAME":
        item.PersonName = REMOVED_PERSON
    needed = _VALUE_OF.get(value_type)
    return needed is None or bool(item.get(needed))


def is_only_prose(report: Dataset) -> bool:
    """Whether a cleaned report holds no measurement, code, place or reference any more."""
    pending = list(report.get("ContentSequence", ()))
    while pending:
        item = pending.pop()
        if item.get("ValueType") in _EVIDENCE and item.get("RelationshipType") == "CONTAINS":
            return False
        pending.extend(item.get("ContentSequence", ()))
    return True
