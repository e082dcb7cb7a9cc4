"""What was done, in a form that can be shown to a privacy officer and names nobody.

Input files appear by their number in the order in which they were given, never by name: file names often
hold a patient's name. The paths themselves are there for the program that called.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: What was done to each attribute of a file: (place, action), the place as "(0008,1030)" or
#: "(0008,1115) > (0008,1150)".
Ledger = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not written, and why. The reason quotes no value of the file."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class CleanedFile:
    """A file that was written.

    Attributes
    ----------
    source, path : Path
        The input, and the file in the output folder.
    sop_instance_uid, series_instance_uid : str
        The new identifiers.
    modality : str
        As in the file.
    ledger : Ledger
        Every attribute of the input and what became of it.
    methods : tuple of str
        Codes of PS3.16 CID 7050: what was done to this file.
    text_examined : bool
        Whether its pixels were searched for text.
    blanked : int
        How many boxes of text were blanked.
    """

    source: Path
    path: Path
    sop_instance_uid: str
    series_instance_uid: str
    modality: str
    ledger: Ledger
    methods: tuple[str, ...]
    text_examined: bool = False
    blanked: int = 0


@dataclass(slots=True)
class Report:
    """The result of one de-identification.

    Attributes
    ----------
    inputs : list of Path
        In the order in which they were given; a file's number in the report is its place here, from 1.
    files : list of CleanedFile
    refused : list of Refusal
    warnings : list of str
        What a person should know before the files leave the house.
    remaining_text : dict
        Every text left in the output: attribute -> values. For a person to read.
    """

    inputs: list[Path] = field(default_factory=list)
    files: list[CleanedFile] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remaining_text: dict[str, list[str]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many files were read, written and refused."""
        return {
            "read": len(self.inputs),
            "written": len(self.files),
            "refused": len(self.refused),
            "text_examined": sum(file.text_examined for file in self.files),
            "text_blanked": sum(file.blanked for file in self.files),
        }

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain data; files that were treated alike share one list of actions."""
        number = {path: n for n, path in enumerate(self.inputs, 1)}
        treatments: dict[Ledger, int] = {}
        files = []
        for file in self.files:
            treatment = treatments.setdefault(file.ledger, len(treatments))
            files.append(
                {
                    "input": number[file.source],
                    "output": file.path.name,
                    "sop_instance_uid": file.sop_instance_uid,
                    "series_instance_uid": file.series_instance_uid,
                    "modality": file.modality,
                    "treatment": treatment,
                    "methods": list(file.methods),
                    "text_examined": file.text_examined,
                    "boxes_blanked": file.blanked,
                }
            )
        return {
            "format": "clerkship deidentification report 1",
            "counts": self.counts,
            "actions": dict(
                sorted(Counter(a for file in self.files for _, a in file.ledger).items())
            ),
            "files": files,
            "treatments": [
                [{"attribute": place, "action": action} for place, action in ledger]
                for ledger in treatments
            ],
            "refused": [
                {"input": number[refusal.path], "reason": refusal.reason}
                for refusal in self.refused
            ],
            "warnings": self.warnings,
            "remaining_text": self.remaining_text,
        }

    def to_json(self) -> str:
        """Give the report as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
