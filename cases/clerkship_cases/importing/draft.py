"""What a teacher says about a study, until it is complete enough to be a case."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from clerkship_cases.errors import CaseError
from clerkship_cases.record import CaseRecord

#: Said by the import itself, not by the teacher.
_OURS = frozenset({"id", "source"})


class CaseDraft:
    """The fields of ``case.yml`` that a person has to say; any of them may still be missing.

    Parameters
    ----------
    **said : object
        Fields of :class:`~clerkship_cases.record.CaseRecord`: title, body_part, view, history,
        objectives, difficulty, licence, attribution, said_by, … A value of None is not said.

    Raises
    ------
    CaseError
        If a field does not exist.

    Examples
    --------
    >>> CaseDraft(title="Chest radiograph").missing()[:3]
    ['body_part', 'view', 'history']
    """

    def __init__(self, **said: object) -> None:
        known = [name for name in CaseRecord.model_fields if name not in _OURS]
        for name in said:
            if name not in known:
                raise CaseError(f"a case has no field {name!r}; it has: {', '.join(known)}.")
        self.said: dict[str, Any] = {
            name: said[name] for name in known if said.get(name) not in (None, "", (), [])
        }

    @classmethod
    def read(cls, path: Path) -> "CaseDraft":
        """Read a draft from a YAML file: the same lines as in ``case.yml``.

        Raises
        ------
        CaseError
            If the file can't be read or holds an unknown field.
        """
        try:
            value = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
            raise CaseError(f"{path}: can't be read as YAML ({problem}).") from problem
        if not isinstance(value, Mapping):
            raise CaseError(f"{path}: expected `name: value` lines.")
        return cls(**{str(name): said for name, said in value.items()})

    def missing(self) -> list[str]:
        """Fields that a case must have and that nobody has said yet (modality is in the images)."""
        return [
            name
            for name, field in CaseRecord.model_fields.items()
            if field.is_required() and name not in _OURS | {"modality"} | self.said.keys()
        ]

    def check(self) -> None:
        """Refuse a draft that is not complete, before anything is fetched or written.

        Raises
        ------
        CaseError
            With the list of what is missing, or of what does not fit.
        """
        if missing := self.missing():
            raise CaseError(
                f"a case must also say: {', '.join(missing)}. Nothing of this is invented; say it "
                f"yourself (and leave out whatever names the patient or gives the answer away)."
            )
        self.record("draft", {"kind": "folder"}, "OT")

    def record(self, case_id: str, source: Mapping[str, object], modality: str) -> CaseRecord:
        """Make the record of the case.

        Parameters
        ----------
        case_id : str
        source : mapping
            What ``case.yml`` says under ``source``.
        modality : str
            As the images have it; a draft that says another one is wrong.

        Raises
        ------
        CaseError
            Field by field.
        """
        value = {"id": case_id, "modality": modality, **self.said, "source": dict(source)}
        try:
            return CaseRecord.model_validate(value)
        except ValidationError as problem:
            complaints = (
                f"  {'.'.join(str(step) for step in error['loc'])}: "
                f"{error['msg'].removeprefix('Value error, ')}"
                for error in problem.errors()
            )
            raise CaseError(
                "the case can't be described so:\n" + "\n".join(complaints)
            ) from problem


def yaml_of(record: CaseRecord) -> str:
    """Write a record as ``case.yml`` has it: fields in their order, nothing that is only default."""
    value = record.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
