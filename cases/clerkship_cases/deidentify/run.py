"""De-identify files: read all, clean one after the other, look at each again, and only then let it out."""

import secrets
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from clerkship_cases.deidentify.clean import Cleaner, TooDeepError
from clerkship_cases.deidentify.head_scans import Faces, find_faces
from clerkship_cases.deidentify.identity import Identity
from clerkship_cases.deidentify.keyed import Keyring
from clerkship_cases.deidentify.marks import CLEAN_PIXEL_DATA, marks, methods_used
from clerkship_cases.deidentify.native import native_pixels, pixel_view
from clerkship_cases.deidentify.objects import (
    is_compressed,
    is_image,
    is_report,
    reason_to_refuse_object,
)
from clerkship_cases.deidentify.options import Options
from clerkship_cases.deidentify.parallel import in_halves
from clerkship_cases.deidentify.reading import InputFile, read_input
from clerkship_cases.deidentify.report import CleanedFile, Ledger, Refusal, Report
from clerkship_cases.deidentify.structured import is_only_prose
from clerkship_cases.deidentify.verify import Verifier
from clerkship_cases.deidentify.writing import Encoder, explicit_syntax, part10_chunks, write_chunks
from clerkship_cases.errors import CaseError

_SOP_INSTANCE_UID = BaseTag(0x00080018)
#: Without these an object can't be found, nor its study and series.
_BELONGS_TO = {
    "SOPClassUID": BaseTag(0x00080016),
    "SOPInstanceUID": _SOP_INSTANCE_UID,
    "StudyInstanceUID": BaseTag(0x0020000D),
    "SeriesInstanceUID": BaseTag(0x0020000E),
}
_BURNED_IN = 0x00280301  # said anew by marks.py


def deidentify_files(
    paths: Iterable[Path],
    out: Path,
    *,
    options: Options = Options(),  # noqa: B008 - frozen
    secret: bytes | None = None,
    mapping: Path | None = None,
    passphrase: str | None = None,
) -> Report:
    """Write de-identified copies of DICOM files.

    All files that belong together go into one call: references between them then stay whole, and a name in
    one is recognised in the others.

    Parameters
    ----------
    paths : iterable of Path
        The files, of one patient or several. They are only read.
    out : Path
        A folder that is empty, or does not exist yet.
    options : Options
        The person's choices.
    secret : bytes, optional
        At least 16 bytes from which pseudonyms, UIDs and date shifts follow. Without one they follow from
        random bytes that nobody keeps: nobody can then find the way back, nor add a follow-up.
    mapping : Path, optional
        Where to keep old and new identifiers, encrypted. An existing mapping that opens with the passphrase
        is continued, with its secret. Not inside ``out``.
    passphrase : str, optional
        Encrypts the mapping; needed with ``mapping``.

    Returns
    -------
    Report
        What was written, what was refused and why. A refused file is not written.

    Raises
    ------
    CaseError
        If ``out`` holds files already, or the mapping can't be kept where and how it is asked for.
    """
    out = Path(out)
    report = Report(inputs=list(dict.fromkeys(Path(path) for path in paths)))
    _prepare(out, report.inputs)
    book = None
    if mapping is not None:
        from clerkship_cases.deidentify.mapping import open_mapping

        book = open_mapping(Path(mapping), passphrase, out, secret)
        secret = book.secret
    keys = Keyring(secret if secret is not None else secrets.token_bytes(32))
    patients: dict[str, list[InputFile]] = defaultdict(list)
    seen: dict[bytes, RawDataElement] = {}
    for path in report.inputs:
        try:
            read = read_input(path, seen)
        except CaseError as problem:
            report.refused.append(Refusal(path, str(problem)))
            continue
        reason = reason_to_refuse_object(read.sop_class_uid, read.transfer_syntax_uid)
        if reason:
            report.refused.append(Refusal(path, reason))
        else:
            patients[read.patient].append(read)
    for patient, files in patients.items():
        run = _PatientRun(files, out, keys=keys, options=options, report=report)
        run.clean_all()
        if book is not None:
            book.add(patient, run.cleaner.pseudonym, run.cleaner.shift_days)
    if book is not None:
        book.save(keys.uids)
    return report


def _prepare(out: Path, inputs: list[Path]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as problem:
        raise CaseError(
            f"{out} can't be used ({problem.strerror}); choose a new folder."
        ) from problem
    if occupied:
        raise CaseError(
            f"{out} holds files already; de-identified files go into an empty folder, so that nothing "
            f"else is taken for one of them."
        )


class _RefusedError(Exception):
    """Carries the reason out of the depth of one file's treatment."""


@dataclass(slots=True)
class _Draft:
    """A file that is clean but not yet written."""

    read: InputFile
    dataset: Dataset
    ledger: Ledger
    syntax: str
    examined: bool = False
    blanked: int = 0
    face_removed: bool = False
    fresh: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Part:
    """What came of some of a patient's files."""

    files: list[CleanedFile] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    uids: dict[str, str] = field(default_factory=dict)
    remaining_text: dict[str, set[str]] = field(default_factory=dict)


class _PatientRun:
    """The files of one patient."""

    def __init__(
        self,
        files: list[InputFile],
        out: Path,
        *,
        keys: Keyring,
        options: Options,
        report: Report,
    ) -> None:
        self._files: list[InputFile] = []
        self._out = out
        self._options = options
        self._report = report
        identity = Identity()
        self._verifier = Verifier()
        for read in files:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    identity.collect(read.elements)
                    identity.collect(read.meta)
                    self._verifier.learn(read.path)
            except (Exception, RecursionError) as problem:
                # Whose file it is can't be told, so it can't be told either whether it is clean.
                reason = f"it is damaged ({type(problem).__name__})"
                report.refused.append(Refusal(read.path, reason))
            else:
                self._files.append(read)
        self._strings = frozenset(identity.strings)
        self.cleaner = Cleaner(keys, files[0].patient, frozenset(identity.words), options)
        self._keys = keys
        self._encoder = Encoder()
        self._faces = Faces()

    def clean_all(self) -> None:
        """Clean, check and publish every file."""
        known: set[bytes | None] = set()
        files = []
        for read in self._files:
            instance = read.elements.get(_SOP_INSTANCE_UID)
            if instance is not None and instance.value in known:
                reason = "its SOP Instance UID, (0008,0018), is that of another file here"
                self._report.refused.append(Refusal(read.path, reason))
                continue
            known.add(instance.value if instance is not None else None)
            files.append(read)
        if self._options.remove_faces:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._faces = find_faces(files)
        for part in in_halves(self._clean_part, files):
            self._report.files.extend(part.files)
            self._report.refused.extend(part.refused)
            self._keys.absorb(part.uids)
            for place, values in sorted(part.remaining_text.items()):
                seen = self._report.remaining_text.setdefault(place, [])
                seen.extend(value for value in sorted(values) if value not in seen)

    def _clean_part(self, files: Sequence[InputFile]) -> _Part:
        """Clean some of the files, in this process or another."""
        part = _Part()
        for read in files:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    part.files.append(self._publish(self._draft(read)))
            except (_RefusedError, CaseError) as problem:
                part.refused.append(Refusal(read.path, str(problem)))
            except TooDeepError:
                reason = "its sequences are nested deeper than any real file nests them"
                part.refused.append(Refusal(read.path, reason))
            except (Exception, RecursionError) as problem:
                # A broken file fails anywhere in pydicom; it is refused, and the others go on.
                reason = f"it is damaged ({type(problem).__name__})"
                part.refused.append(Refusal(read.path, reason))
        part.uids = self._keys.uids
        part.remaining_text = dict(self._verifier.remaining_text)
        return part

    def _draft(self, read: InputFile) -> _Draft:
        if read.path in self._faces.refused:
            raise _RefusedError(self._faces.refused[read.path])
        cleaned, ledger = self.cleaner.clean(read.elements)
        for keyword, tag in _BELONGS_TO.items():
            if tag not in cleaned or not cleaned[tag].value:
                raise _RefusedError(f"it has no {keyword}, without which it belongs to nothing")
        if is_report(read.sop_class_uid) and is_only_prose(cleaned):
            raise _RefusedError(
                "it is a report of prose only: nothing would be left when its text is removed"
            )
        compressed = is_compressed(read.transfer_syntax_uid)
        draft = _Draft(
            read, cleaned, ledger, explicit_syntax(read.transfer_syntax_uid, compressed=compressed)
        )
        self._pixels(draft, compressed=compressed)
        return draft

    def _pixels(self, draft: _Draft, *, compressed: bool) -> None:
        """Bring the pixels along, without text where they may show some."""
        read, cleaned = draft.read, draft.dataset
        element = read.pixels()
        if element is None:
            if is_image(read.sop_class_uid):
                raise _RefusedError("it is an image without pixels, (7FE0,0010)")
            return
        if not compressed:
            element = native_pixels(cleaned, element, big_endian=read.big_endian)
        cleaned.add(element)
        draft.fresh.add(int(element.tag))
        if element.keyword != "PixelData":
            return
        from clerkship_cases.deidentify.pixels import clean_pixels

        view = pixel_view(cleaned, read.elements, draft.syntax)
        outcome = clean_pixels(view, known_words=self._strings, options=self._options)
        if outcome.reason_to_refuse:
            raise _RefusedError(outcome.reason_to_refuse)
        draft.examined = outcome.examined and CLEAN_PIXEL_DATA in {m.value for m in outcome.methods}
        draft.blanked = len(outcome.blanked)
        self._blank_face(draft, view)
        if outcome.dataset_changed or draft.face_removed:
            draft.syntax = str(view.file_meta.TransferSyntaxUID)
            for tag in [t for t in tuple(cleaned.keys()) if t.group in (0x0028, 0x7FE0)]:
                del cleaned[tag]
            for tag in tuple(view.keys()):
                if tag.group in (0x0028, 0x7FE0) and int(tag) != _BURNED_IN:
                    cleaned.add(view[tag])
                    draft.fresh.add(int(tag))

    def _blank_face(self, draft: _Draft, view: Dataset) -> None:
        region = self._faces.regions.get(draft.read.path)
        if region is None:
            return
        from clerkship_cases.deidentify.pixels.faces import blank_face

        blank_face(view, region.in_slice(draft.dataset), region.background)
        draft.face_removed = True

    def _publish(self, draft: _Draft) -> CleanedFile:
        """Write a file, look at it as a stranger would, and give it its name if it is clean."""
        dataset = draft.dataset
        codes = methods_used(
            dataset,
            self._options,
            text_examined=draft.examined,
            face_removed=draft.face_removed,
        )
        dataset.update(marks(codes, self._options.shift_dates, draft.examined))
        name = _file_name(dataset)
        chunks = part10_chunks(dataset, draft.syntax, self._encoder, fresh=draft.fresh)
        part = write_chunks(chunks, self._out)
        try:
            self._look_again(part, draft.read.path)
            part.replace(self._out / name)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return CleanedFile(
            source=draft.read.path,
            path=self._out / name,
            sop_instance_uid=str(dataset.SOPInstanceUID),
            series_instance_uid=str(dataset.SeriesInstanceUID),
            modality=str(dataset.get("Modality", "")),
            ledger=draft.ledger,
            methods=codes,
            text_examined=draft.examined,
            blanked=draft.blanked,
        )

    def _look_again(self, part: Path, source: Path) -> None:
        """Withdraw a file in which the patient can still be found."""
        found = self._verifier.leaks(part, source)
        if found:
            raise _RefusedError(f"the check afterwards found {found[0]}, so it was withdrawn")


def _file_name(dataset: Dataset) -> str:
    """Name a file by what it is, so that a folder can be read: ct-1a2b3c-0012-9f8e7d6c.dcm."""
    modality = "".join(c for c in str(dataset.get("Modality", "")).lower() if c.isalnum()) or "dcm"
    series = int(str(dataset.SeriesInstanceUID).rpartition(".")[2])
    instance = int(str(dataset.SOPInstanceUID).rpartition(".")[2])
    try:
        number = int(dataset.get("InstanceNumber") or 0)
    except (TypeError, ValueError):
        number = 0
    return f"{modality}-{series & 0xFFFFFF:06x}-{number:04d}-{instance & 0xFFFFFFFFFF:010x}.dcm"
