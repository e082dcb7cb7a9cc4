"""Add a reading to the key of a case: checked against the images, written whole or not at all."""

import datetime
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.key import Key, ReferenceFinding, ReviewLevel, key_roots, open_key, read_key
from clerkship_cases.library import open_case
from clerkship_cases.record import Who
from clerkship_cases.reference.fusing import Method, consensus
from clerkship_cases.reference.maskfile import write_mask_file
from clerkship_cases.reference.reading import Reading
from clerkship_cases.reference.shapes import Parts, parts_of
from clerkship_cases.standards.codes import Code

Drawn = Annotation | Reading | NDArray[np.bool_] | Iterable[Annotation]

_HEADING = (
    "# The key of this case: teacher's side only. You may correct it by hand; comments are lost when a\n"
    "# reading is added.\n"
)


def add_reference(
    case_id: str | Case,
    drawn: Drawn,
    *,
    name: str,
    title: str,
    who: Who,
    how: str,
    reviewed: ReviewLevel,
    reader: str,
    reviewed_by: str | None = None,
    reviewed_on: datetime.date | None = None,
    date: datetime.date | None = None,
    made_from: Sequence[str] = (),
    replace: bool = False,
    root: Path | None = None,
) -> Path:
    """Add one reader's reading of one finding to the key of a case.

    Parameters
    ----------
    case_id : str or Case
        The case that was read.
    drawn : Annotation, annotations, Reading, or bool array [slice, row, column]
        Where the finding lies. One shape is kept as it is; several with an inside become one mask (a DICOM
        Segmentation beside the key) with the outline of its largest slice; several without one (points,
        lengths) become parts of the same name.
    name, title, who, how, reader, reviewed, reviewed_by, reviewed_on, made_from
        See :class:`clerkship_cases.key.ReferenceFinding`.
    date : date, optional
        When it was made; today if not given.
    replace : bool
        Whether a reading of this finding by the same reader may be replaced. Other readers' never is.
    root : Path, optional
        Folder of the keys; the last of :func:`clerkship_cases.key.key_roots` if not given.

    Returns
    -------
    path : Path
        The ``key.yml`` that was written: readable by its owner only, in a folder of the same kind.

    Raises
    ------
    CaseError
        If nothing was drawn, a shape lies outside the images or on another case, the reader has a reading
        of this finding already, or the key can't be written. The key is then as it was.
    """
    case = case_id if isinstance(case_id, Case) else open_case(case_id)
    parts = parts_of(case, drawn)
    folder = (root if root is not None else key_roots()[-1]) / case.id
    with _locked(folder):
        path = folder / "key.yml"
        old = read_key(path) if path.is_file() else Key(case=case.id)
        own = [f for f in old.findings if f.name == name and f.reader == reader]
        if own and not replace:
            raise CaseError(
                f"{reader!r} has already read {name!r} on the case {case.id!r}; say replace=True if the new "
                f"reading is to take its place."
            )
        common: dict[str, Any] = {
            "name": name,
            "title": title,
            "who": who,
            "how": how,
            "reader": reader,
            "date": date or datetime.datetime.now(tz=datetime.UTC).date(),
            "made_from": tuple(made_from),
            "reviewed": reviewed,
            "reviewed_by": reviewed_by,
            "reviewed_on": reviewed_on,
        }
        kind = drawn.code if isinstance(drawn, Reading) else None
        added, file = _findings(folder, case, parts, common, kind)
        key = Key(
            case=case.id,
            facts=old.facts,
            findings=(*(f for f in old.findings if f not in own), *added),
        )
        try:
            _write(path, key)
        except CaseError:
            if file is not None:
                file.unlink(missing_ok=True)
            raise
        for finding in own:  # files that no reading names any more
            if finding.mask is not None and folder / finding.mask.file != file:
                (folder / finding.mask.file).unlink(missing_ok=True)
    return path


def add_consensus(
    case_id: str | Case,
    name: str,
    *,
    method: Method = "staple",
    reader: str = "consensus",
    reviewed: ReviewLevel = "none",
    reviewed_by: str | None = None,
    replace: bool = False,
    root: Path | None = None,
) -> Path:
    """Fuse all readings of a finding and add the result to the key, saying from whom it was made.

    From then on it is what answers are compared with; the readings stay in the key beside it.

    Raises
    ------
    CaseError
        If there are fewer than two readings, or they have nothing in common.
    """
    case = case_id if isinstance(case_id, Case) else open_case(case_id)
    readings = {
        who: parts
        for who, parts in open_key(case.id, root).readers(name).items()
        if not parts[0].made_from
    }
    if len(readings) < 2:
        raise CaseError(
            f"the finding {name!r} of {case.id!r} has {len(readings)} reading; a consensus needs two or more."
        )
    masks = [
        np.logical_or.reduce([part.voxels(case) for part in parts]) for parts in readings.values()
    ]
    fused = consensus(masks, method)
    if not fused.mask.any():
        raise CaseError(
            f"the readings of {name!r} on {case.id!r} have no voxel on which the readers agree; "
            f"compare them before you fuse them."
        )
    first = next(iter(readings.values()))[0]
    # A fused reading rests on no more than the weakest of its parts.
    order: tuple[Who, ...] = ("metadata", "author", "clinician", "pathology")
    who = min((parts[0].who for parts in readings.values()), key=order.index)
    return add_reference(
        case,
        fused.mask,
        name=name,
        title=first.title,
        who=who,
        how=_how_fused(method, list(readings), fused.sensitivity, fused.specificity),
        reviewed=reviewed,
        reviewed_by=reviewed_by,
        reader=reader,
        made_from=tuple(readings),
        replace=replace,
        root=root,
    )


def _how_fused(
    method: Method, readers: list[str], sensitivity: Sequence[float], specificity: Sequence[float]
) -> str:
    words = {
        "staple": "STAPLE (Warfield, Zou, Wells 2004), voxels with a probability of at least 0.5",
        "majority": "majority, voxels marked by more than half of the readers",
    }[method]
    each = ", ".join(
        f"{reader} {p:.3f}/{q:.5f}"
        for reader, p, q in zip(readers, sensitivity, specificity, strict=True)
    )
    return f"Fused by {words}. Sensitivity/specificity of each reader against the result: {each}."


def _findings(
    folder: Path, case: Case, parts: Parts, common: dict[str, Any], kind: Code | None
) -> tuple[list[ReferenceFinding], Path | None]:
    """Make the findings of a reading, and the file of its voxels where it needs one."""
    try:
        # Before a file is written: names and readers become parts of its name.
        added = [ReferenceFinding.model_validate({**common, "shape": s}) for s in parts.shapes]
    except ValidationError as problem:
        raise CaseError(f"this reading can't be kept: {_complaints(problem)}") from problem
    if parts.mask is None:
        return added, None
    file, digest = write_mask_file(
        folder, case, parts.mask, name=common["name"], reader=common["reader"], kind=kind
    )
    mask = {"file": file.name, "segment": 1, "sha256": digest}
    return [
        ReferenceFinding.model_validate({**common, "shape": parts.shapes[0], "mask": mask})
    ], file


def _complaints(problem: ValidationError) -> str:
    """Say what is wrong with the fields of a finding, in plain words."""
    said = []
    for error in problem.errors():
        field = ".".join(str(step) for step in error["loc"])
        words = error["msg"].removeprefix("Value error, ")
        if error["type"] == "string_pattern_mismatch":
            words = (
                f"{error['input']!r} was given; use lower-case letters and digits, joined by dashes "
                f"(a pseudonym or a role, not a name)."
            )
        said.append(f"{field}: {words}" if field else words)
    return "; ".join(said)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a key, so that two who add at the same moment both get in."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as problem:
        raise CaseError(
            f"{folder} can't be written ({problem.strerror or problem}). Keys are on the teacher's side."
        ) from problem
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, key: Key) -> None:
    """Write a key so that it is either the old one or the whole new one, and can be read again."""
    text = _HEADING + yaml.dump(
        _plain(key), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110
    )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key.", suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as problem:
        raise CaseError(
            f"{path} can't be written ({problem.strerror or problem}); it is as it was."
        ) from problem
    finally:
        Path(name).unlink(missing_ok=True)


def _plain(key: Key) -> dict[str, Any]:
    """Fields in the order in which a person would write them; what is not said is left out."""
    return key.model_dump(exclude_none=True, exclude_defaults=True) | {
        "findings": [
            finding.model_dump(exclude_none=True, exclude_defaults=True) for finding in key.findings
        ]
    }


class _Dumper(yaml.SafeDumper):
    """Points on one line each, everything else on lines of its own."""


def _represent_tuple(dumper: yaml.SafeDumper, value: tuple[Any, ...]) -> yaml.Node:
    is_numbers = all(isinstance(v, int | float | str) for v in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=is_numbers)


_Dumper.add_representer(tuple, _represent_tuple)
