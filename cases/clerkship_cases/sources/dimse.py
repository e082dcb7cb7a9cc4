"""A PACS over classic DICOM: ask it for studies (C-FIND), bring a series over (C-GET).

C-GET brings the images over the connection that we open, so the PACS need not know our address; it
must know our AE title if it is strict about that. Images are written as they arrive, in the encoding in
which the PACS keeps them.

Source
------
DICOM PS3.4 C.4.1 (C-FIND), C.4.3 (C-GET); PS3.7 D.3.3.4 (role selection); PS3.8 9.3 (PDUs).
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.gathering import printable
from clerkship_cases.importing.limits import Limits
from clerkship_cases.importing.remote import (
    MOST_STUDIES,
    SERIES_FIELDS,
    STUDY_FIELDS,
    RemoteSeries,
    RemoteStudy,
    check_filters,
    check_uid,
    series_of,
    study_of,
)
from clerkship_cases.sources.dimse_reception import Reception

if TYPE_CHECKING:
    from pynetdicom.association import Association

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"  # Study Root Query/Retrieve, PS3.4 B.6
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_SUCCESS, _PENDING = 0x0000, (0xFF00, 0xFF01)
_CONNECT_SECONDS = 10.0

#: Encodings in which images are kept (PS3.6 A.1). Each is offered by itself, so that the PACS can take
#: the one that it has on disk and need not convert.
_SYNTAXES = (
    "1.2.840.10008.1.2.1",  # explicit little endian
    "1.2.840.10008.1.2",  # implicit little endian
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91",  # JPEG 2000
    "1.2.840.10008.1.2.4.70",  # JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.57",  # JPEG lossless
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    "1.2.840.10008.1.2.4.201",  # HTJ2K lossless
    "1.2.840.10008.1.2.4.203",  # HTJ2K
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.2",  # explicit big endian (retired, still on old disks)
    "1.2.840.10008.1.2.1.99",  # deflated
)
#: An association holds 128 presentation contexts (PS3.8 9.3.2.2: odd numbers 1 to 255).
_MOST_CLASSES = 127 // len(_SYNTAXES)


@dataclass(frozen=True, slots=True)
class Pacs:
    """A PACS, and the names by which it and we are known.

    Attributes
    ----------
    host : str
    port : int
    ae_title : str
        Ours, which the PACS may have to be told (at most 16 characters).
    called : str
        Its own.
    limits : Limits
    """

    host: str
    port: int = 104
    ae_title: str = "CLERKSHIP"
    called: str = "ANY-SCP"
    limits: Limits = Limits()  # noqa: RUF009 - frozen

    @property
    def name(self) -> str:
        """The address, for messages."""
        return f"{self.called}@{self.host}:{self.port}"

    def within(self, limits: Limits) -> "Pacs":
        """Return the same PACS, with other limits."""
        return replace(self, limits=limits)

    def find_studies(self, **filters: str) -> list[RemoteStudy]:
        """Search for studies by DICOM keyword, for instance ``PatientID="4711"``.

        Raises
        ------
        CaseError
            If the PACS can't be asked, or refuses.
        """
        check_filters(filters)
        query = _query("STUDY", STUDY_FIELDS, filters)
        return [study_of(answer) for answer in self._find(query, MOST_STUDIES)]

    def find_series(self, study_uid: str) -> list[RemoteSeries]:
        """List the series of a study.

        Raises
        ------
        CaseError
            If the PACS can't be asked, or refuses.
        """
        study = check_uid(study_uid, "Study Instance UID")
        query = _query("SERIES", SERIES_FIELDS, {"StudyInstanceUID": study})
        return [series_of(answer, study) for answer in self._find(query, self.limits.files)]

    def get_series(self, study_uid: str, series_uid: str, folder: Path) -> list[Path]:
        """Bring all images of a series into a folder, as they are stored.

        Parameters
        ----------
        study_uid, series_uid : str
        folder : Path
            Is made. Files are ``000001.dcm``, … in the order in which they come.

        Raises
        ------
        CaseError
            If the PACS has no such series, does not offer C-GET, or an image that it lists does not
            come.
        """
        study = check_uid(study_uid, "Study Instance UID")
        series = check_uid(series_uid, "Series Instance UID")
        listed = self._images(study, series)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        reception = Reception(self.name, self.limits, folder)
        classes = sorted(set(listed.values()))
        with self._association([_GET], classes, reception) as association:
            self._need(association, _GET, "C-GET")
            self._need_storage(association, classes)
            wanted = Dataset()
            wanted.QueryRetrieveLevel = "SERIES"
            wanted.StudyInstanceUID, wanted.SeriesInstanceUID = study, series
            status = 0
            for answer, _ in association.send_c_get(wanted, _GET):
                reception.check()
                status = self._status(answer, reception)
        missing = listed.keys() - reception.arrived.keys()
        if missing or status != _SUCCESS:
            raise CaseError(
                f"{self.name}: sent {len(listed) - len(missing)} of {len(listed)} images of the series "
                f"{series} (status {status:04X}). Try again; if it stays so, look at the log of the "
                f"PACS: it may refuse to send them to {self.ae_title}."
            )
        return list(reception.arrived.values())

    #: The name that both kinds of server share.
    fetch_series = get_series

    def _images(self, study: str, series: str) -> dict[str, str]:
        """List what the PACS says is in the series: SOP instance UID -> SOP class UID."""
        uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
        query = _query("IMAGE", ("SOPInstanceUID", "SOPClassUID"), uids)
        listed = {
            str(answer.get("SOPInstanceUID", "")): str(answer.get("SOPClassUID", "") or "")
            for answer in self._find(query, self.limits.files + 1)
        }
        if not listed:
            raise CaseError(f"{self.name}: has no series {series} in the study {study}.")
        if len(listed) > self.limits.files:
            raise CaseError(
                f"{self.name}: lists more than {self.limits.files:,} images in {series}."
            )
        classes = set(listed.values())
        if "" in classes or len(classes) > _MOST_CLASSES:
            raise CaseError(
                f"{self.name}: does not say of which class (0008,0016) the images of {series} are. "
                f"C-GET can't ask for them; use its DICOMweb address, or export the study as files."
            )
        return listed

    def _find(self, query: Dataset, most: int) -> list[Dataset]:
        """Ask one question; answers beyond ``most`` are not waited for."""
        answers: list[Dataset] = []
        reception = Reception(self.name, self.limits)
        with self._association([_FIND], [], reception) as association:
            self._need(association, _FIND, "C-FIND")
            for answer, found in association.send_c_find(query, _FIND):
                reception.check()
                status = self._status(answer, reception)
                if status in _PENDING and found is not None:
                    answers.append(found)
                    if len(answers) >= most:
                        association.abort()
                        break
                elif status != _SUCCESS:
                    raise CaseError(
                        f"{self.name}: refused the question with status {status:04X}"
                        f"{_comment(answer)}. Look at the log of the PACS."
                    )
        return answers

    @contextmanager
    def _association(
        self, models: Sequence[str], classes: Sequence[str], reception: Reception
    ) -> Iterator["Association"]:
        """Open an association, and close it whatever happens."""
        from pynetdicom import AE, build_role

        try:
            entity = AE(ae_title=self.ae_title)
        except ValueError as problem:
            raise CaseError(
                f"{printable(self.ae_title)!r} can't be an AE title; at most 16 plain characters."
            ) from problem
        entity.connection_timeout = _CONNECT_SECONDS
        entity.acse_timeout = self.limits.quiet_seconds
        entity.network_timeout = self.limits.quiet_seconds
        # One message may be a whole large image: silence is watched for piece by piece instead.
        entity.dimse_timeout = self.limits.seconds
        for model in models:
            entity.add_requested_context(model)
        for sop_class in classes:
            for syntax in _SYNTAXES:
                entity.add_requested_context(sop_class, syntax)
        self._reach()
        association = entity.associate(
            self.host,
            self.port,
            ae_title=self.called,
            ext_neg=[build_role(sop_class, scp_role=True) for sop_class in classes],
            evt_handlers=reception.handlers(),
        )
        try:
            if not association.is_established:
                raise CaseError(self._refusal(association))  # noqa: TRY301 - closes like the rest
            with reception.watching():
                yield association
            if association.is_established:
                association.release()
        except BaseException:
            reception.hang_up()  # no farewell to a peer that may not listen
            association.kill()
            raise
        finally:
            reception.close()

    def _reach(self) -> None:
        """Knock, to tell a wrong address from a PACS that refuses."""
        try:
            socket.create_connection((self.host, self.port), _CONNECT_SECONDS).close()
        except OSError as problem:
            raise CaseError(
                f"{self.name}: no PACS answers there ({problem.strerror or problem}). Are host and port "
                f"right, and can this machine reach it?"
            ) from problem

    def _refusal(self, association: "Association") -> str:
        """Say why no association came about."""
        if association.is_rejected:
            answer: Any = association.acceptor.primitive
            reason = getattr(answer, "reason_str", "") or "no reason given"
            return (
                f"{self.name}: refused the connection ({printable(reason)}). Those who run the PACS "
                f"must know our AE title {self.ae_title!r} and this machine, and we must call "
                f"it by its own name, not {self.called!r}, if it has another."
            )
        return f"{self.name}: hung up, or answered with something that is not DICOM."

    def _need(self, association: "Association", model: str, what: str) -> None:
        if not any(one.abstract_syntax == model for one in association.accepted_contexts):
            raise CaseError(
                f"{self.name}: does not offer {what}. Use its DICOMweb address, or export the study "
                f"as files."
            )

    def _need_storage(self, association: "Association", classes: Sequence[str]) -> None:
        accepted = {str(one.abstract_syntax) for one in association.accepted_contexts}
        for sop_class in classes:
            if sop_class not in accepted:
                raise CaseError(
                    f"{self.name}: will not send images of the class {sop_class} to us. Use its "
                    f"DICOMweb address, or export the study as files."
                )

    def _status(self, answer: Dataset, reception: Reception) -> int:
        """Status of an answer; none at all means that the line is dead."""
        if "Status" not in answer:
            reception.check()
            raise CaseError(
                f"{self.name}: the connection broke after {len(reception.arrived)} images. Try again."
            )
        return int(answer.Status)


def _query(level: str, fields: Sequence[str], filters: dict[str, str]) -> Dataset:
    """Build a question: the level, the fields to be told, and what they must be."""
    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword in fields:
        setattr(query, keyword, None if keyword.startswith("NumberOf") else "")
    for keyword, value in filters.items():
        setattr(query, keyword, value)
    return query


def _comment(answer: Dataset) -> str:
    text = printable(str(answer.get("ErrorComment") or ""))
    return f" ({text})" if text else ""
