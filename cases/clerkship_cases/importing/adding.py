"""Add a study to the library: all of it, de-identified and checked, or nothing.

Order of events: gather into a private folder, de-identify, open what came out, describe it, and only
then give it its name, in one step. A process that dies anywhere before that step leaves the library
as it was; what it left in the private folder is removed by the next import.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.address import RemoteSource, remote_source
from clerkship_cases.importing.companions import keep_references
from clerkship_cases.importing.draft import CaseDraft, yaml_of
from clerkship_cases.importing.found import REFERENCE_KINDS, FoundSeries
from clerkship_cases.importing.gathering import printable
from clerkship_cases.importing.geometry import check_geometry_kept
from clerkship_cases.importing.limits import Limits
from clerkship_cases.importing.scanning import Opened, open_source
from clerkship_cases.importing.staging import open_staging, publish
from clerkship_cases.strict import CaseId

if TYPE_CHECKING:
    from clerkship_cases.case import Case
    from clerkship_cases.deidentify import Options, Report
    from clerkship_cases.record import CaseRecord

_SOURCE = {"kind": "folder", "manifest": "files.tsv"}


@dataclass(frozen=True, slots=True)
class AddedCase:
    """A case that has just been added.

    Attributes
    ----------
    path : Path
        Its ``case.yml``.
    record : CaseRecord
    images : int
        Files that were stored.
    notes : tuple of str
        What was noticed on the way: a tilted gantry, duplicates that were dropped, files left out.
    references : tuple of str
        Findings that came with the study and are now in the key.
    report : Report
        What de-identification did.
    """

    path: Path
    record: "CaseRecord"
    images: int
    notes: tuple[str, ...]
    references: tuple[str, ...]
    report: "Report"


def add_study(
    source: Path | str,
    case_id: str,
    *,
    draft: CaseDraft,
    series_uid: str | None = None,
    part: int | None = None,
    references: bool = False,
    root: Path | None = None,
    options: "Options | None" = None,
    secret: bytes | None = None,
    mapping: Path | None = None,
    passphrase: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    tell: Callable[[str], None] = lambda _: None,
) -> AddedCase:
    """Bring one series into the library as a case.

    Parameters
    ----------
    source : Path or str
        A folder, zip, DICOMDIR, file, or the address of a server, as in :func:`scan`.
    case_id : str
        Name of the new case: small letters, digits and hyphens.
    draft : CaseDraft
        What ``case.yml`` is to say. Everything a case must have must be said.
    series_uid : str, optional
        Which series, where the source holds several.
    part : int, optional
        Which stack of the series, from 1, where it holds several (echoes, phases).
    references : bool
        Also take segmentations, contours and reports of the same study that were made on this
        series: they become references in the key.
    root : Path, optional
        Folder of added cases; ``library.added_root()`` if not given.
    options, secret, mapping, passphrase
        As in :func:`clerkship_cases.deidentify.deidentify_files`.
    limits : Limits
    tell : callable
        Called with one line as each step begins.

    Raises
    ------
    CaseError
        If the draft is not complete, the id is taken, the source is not clear or can't be read,
        de-identification refused an image, or the images do not open. The library is then as before.
    """
    if root is None:
        from clerkship_cases.library import added_root

        root = added_root()
    target = root / "cases" / _case_id(case_id)
    draft.check()
    given: Path | RemoteSource = remote_source(source) or Path(source)
    try:
        with open_staging(root) as staging:
            _must_be_free(case_id, root)  # now that remains of killed imports are gone
            tell("Looking into the source")
            with open_source(given, staging, limits, series_uid, references) as opened:
                wanted = _chosen(opened, given, series_uid, references)
                tell(f"De-identifying {sum(one.count for one in wanted)} files")
                made = _deidentified(
                    opened,
                    wanted,
                    staging,
                    options=options,
                    secret=secret,
                    mapping=mapping,
                    passphrase=passphrase,
                )
            tell("Opening the images")
            built = _build(case_id, draft, made, staging / "case", part)
            finished = [(built.folder, target)]
            found: tuple[str, ...] = ()
            if made.companions:
                tell("Reading the references that came with it")
                found, why_not = keep_references(built.case, made.companions, staging / "keys")
                made.notes += why_not
            if found:
                finished.insert(0, (staging / "keys" / case_id, root / "keys" / case_id))
            tell("Putting the case in place")
            publish(staging, finished)
    except OSError as problem:
        raise CaseError(
            f"{case_id}: was not added ({problem.strerror or problem}"
            f"{f': {problem.filename}' if problem.filename else ''}). The library is as it was."
        ) from problem
    notes = (*opened.scan.notes, *made.notes, *built.notes, *_left_out(opened))
    return AddedCase(
        target / "case.yml", built.case.record, built.images, notes, found, made.report
    )


@dataclass(slots=True)
class _Deidentified:
    """What came out of de-identification, sorted."""

    images: list[Path]
    companions: list[Path]
    report: "Report"
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Built:
    """A finished case folder that nobody sees yet."""

    case: "Case"
    folder: Path
    images: int
    notes: tuple[str, ...]


def _case_id(case_id: str) -> str:
    try:
        return TypeAdapter(CaseId).validate_python(case_id)
    except ValidationError as problem:
        raise CaseError(
            f"{printable(str(case_id))!r} can't be the id of a case; use small letters, digits and "
            f"single hyphens, at most 64, for instance 'chest-ct-nodule'."
        ) from problem


def _must_be_free(case_id: str, root: Path) -> None:
    """Refuse an id that is in use, before any work is done."""
    from clerkship_cases.library import library_root

    for place in (library_root() / case_id, root / "cases" / case_id):
        if place.exists():
            raise CaseError(f"there is a case {case_id!r} already ({place}); choose another id.")
    key = root / "keys" / case_id
    if key.exists():
        raise CaseError(
            f"there is a key for {case_id!r} already ({key}), of a case that was removed. Choose "
            f"another id, or delete that folder if its readings are not needed."
        )


def _chosen(
    opened: Opened, given: Path | RemoteSource, series_uid: str | None, references: bool
) -> tuple[FoundSeries, ...]:
    """Return the series that becomes the case first, then the references made on it, if asked for."""
    if series_uid is None and isinstance(given, RemoteSource):
        series_uid = given.series_uid
    chosen = opened.scan.image_series(series_uid)
    if not references:
        return (chosen,)
    companions = (
        one
        for one in opened.scan.series
        if one.kind in REFERENCE_KINDS
        and one.study_uid == chosen.study_uid
        and (not one.refers_to or chosen.series_uid in one.refers_to)
    )
    return (chosen, *companions)


def _deidentified(
    opened: Opened,
    wanted: tuple[FoundSeries, ...],
    staging: Path,
    *,
    options: "Options | None",
    secret: bytes | None,
    mapping: Path | None,
    passphrase: str | None,
) -> _Deidentified:
    """De-identify all files in one go, so that references still fit; an image refused is the end."""
    from clerkship_cases.deidentify import Options, deidentify_files

    name_of = {opened.paths[name]: name for one in wanted for name in one.names}
    images = {opened.paths[name] for name in wanted[0].names}
    out = staging / "deidentified"
    report = deidentify_files(
        list(name_of),
        out,
        options=options or Options(),
        secret=secret,
        mapping=mapping,
        passphrase=passphrase,
    )
    refused = [one for one in report.refused if one.path in images]
    if refused:
        first = refused[0]
        raise CaseError(
            f"{len(refused)} of {len(images)} images can't be de-identified safely, so nothing was "
            f"added. {printable(name_of[first.path])}: {first.reason}"
        )
    made = _Deidentified([], [], report)
    made.notes = tuple(
        f"{printable(name_of[one.path])} was left out: {one.reason}"
        for one in report.refused
        if one.path in name_of
    )
    for file in report.files:
        if file.source in images:
            check_geometry_kept(file.source, file.path, printable(name_of[file.source]))
            made.images.append(file.path)
        else:
            made.companions.append(file.path)
    if len(made.images) != len(images):
        raise CaseError(
            f"{len(images)} images went into de-identification and {len(made.images)} came out; "
            f"nothing was added."
        )
    return made


def _build(
    case_id: str, draft: CaseDraft, made: _Deidentified, folder: Path, part: int | None
) -> _Built:
    """Write the case into a folder of its own, and open it through the door that students use."""
    from clerkship_cases.case import Case
    from clerkship_cases.dicom import read_series
    from clerkship_cases.sources.manifest import Entry, manifest_text

    opened = read_series(made.images, part=part)
    record = draft.record(case_id, _SOURCE, opened.volume.modality)
    (folder / "images").mkdir(parents=True)
    entries = []
    in_order = [made.images[n] for n in dict.fromkeys(opened.order)]
    for number, path in enumerate(in_order, start=1):
        place = f"images/{number:04d}.dcm"
        path.rename(folder / place)
        (folder / place).chmod(0o444)
        sha256, size = _checksum(folder / place)
        entries.append(Entry(place, sha256, size))
    (folder / "files.tsv").write_text(manifest_text(entries, "path"), encoding="utf-8")
    (folder / "case.yml").write_text(yaml_of(record), encoding="utf-8")
    for readable in (folder, folder / "images"):
        readable.chmod(0o755)
    for readable in (folder / "files.tsv", folder / "case.yml"):
        readable.chmod(0o644)
    case = Case(record, folder)
    stored = case.volume
    if stored.array.shape != opened.volume.array.shape:
        raise CaseError(
            f"{case_id}: opens as {stored.array.shape} voxels after storing, and as "
            f"{opened.volume.array.shape} before; nothing was added."
        )
    return _Built(case, folder, len(entries), tuple(opened.notes))


def _checksum(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def _left_out(opened: Opened) -> Iterable[str]:
    """Say how many files of the source were not even looked at closely, and the first reason."""
    skipped = opened.scan.skipped
    if skipped:
        yield (
            f"{len(skipped)} file{'s' * (len(skipped) != 1)} of the source "
            f"{'were' if len(skipped) != 1 else 'was'} left out, for instance "
            f"{skipped[0].name}: {skipped[0].reason}."
        )
