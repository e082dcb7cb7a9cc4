"""A DICOMweb server: ask it for studies (QIDO-RS), bring a series over (WADO-RS).

Written on plain HTTP because a server is believed in nothing: answers are read piece by piece, with a
bound on size, on the number of parts, on silence and on the whole time, and go to disk as they come.

Source
------
DICOM PS3.18 8.6 (multipart), 10.4 (retrieve), 10.6 (search).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.gathering import printable
from clerkship_cases.importing.limits import Budget, Limits
from clerkship_cases.importing.multipart import write_parts
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

if TYPE_CHECKING:
    import requests

#: An answer to a search is a list of short records; a larger one is not an answer to our question.
_MAX_ANSWER_BYTES = 32 * 2**20
_PIECE_BYTES = 2**18
_CONNECT_SECONDS = 10.0
#: Any transfer syntax, as stored (PS3.18 8.7.3.5.2): nothing is recompressed for us.
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True, slots=True)
class DicomWebServer:
    """A server that speaks DICOMweb.

    Attributes
    ----------
    url : str
        Base of its services, for instance ``https://pacs.example.org/dicom-web``.
    user, password : str, optional
        HTTP basic authentication.
    limits : Limits
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    limits: Limits = Limits()  # noqa: RUF009 - frozen

    @property
    def name(self) -> str:
        """The address, for messages."""
        return self.url

    def within(self, limits: Limits) -> "DicomWebServer":
        """Return the same server, with other limits."""
        return replace(self, limits=limits)

    def find_studies(self, **filters: str) -> list[RemoteStudy]:
        """Search for studies by DICOM keyword, for instance ``PatientID="4711"``.

        Raises
        ------
        CaseError
            If the server can't be asked, or answers with something else.
        """
        check_filters(filters)
        return [study_of(answer) for answer in self._search("studies", STUDY_FIELDS, filters)]

    def find_series(self, study_uid: str) -> list[RemoteSeries]:
        """List the series of a study.

        Raises
        ------
        CaseError
            If the server can't be asked, or answers with something else.
        """
        study = check_uid(study_uid, "Study Instance UID")
        answers = self._search(f"studies/{study}/series", SERIES_FIELDS, {})
        return [series_of(answer, study) for answer in answers]

    def fetch_series(self, study_uid: str, series_uid: str, folder: Path) -> list[Path]:
        """Bring all images of a series into a folder, as they are stored on the server.

        Parameters
        ----------
        study_uid, series_uid : str
        folder : Path
            Is made. Files are ``000001.dcm``, … in the order in which they come.

        Raises
        ------
        CaseError
            If the series does not come whole: nothing arrives, the connection breaks, or fewer images
            come than the server itself counts.
        """
        study = check_uid(study_uid, "Study Instance UID")
        series = check_uid(series_uid, "Series Instance UID")
        expected = next(
            (one.instances for one in self.find_series(study) if one.series_uid == series), None
        )
        if expected is None:
            raise CaseError(f"{self.name}: has no series {series} in the study {study}.")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        budget = Budget(self.limits, self.name)
        address = f"studies/{study}/series/{series}"
        with self._get(address, accept=_AS_STORED) as answer:
            boundary = _boundary(self.name, answer.headers.get("Content-Type", ""))
            found = list(write_parts(self._pieces(answer, budget), boundary, folder, budget))
        if not found or len(found) < expected:
            raise CaseError(
                f"{self.name}: sent {len(found)} of {expected or 'an unknown number of'} images of "
                f"the series {series}. Try again; if it stays so, look at the server's log."
            )
        return found

    def _search(
        self, address: str, fields: tuple[str, ...], filters: dict[str, str]
    ) -> list[Dataset]:
        """Ask, and read the answer as datasets."""
        tags = [f"{tag_for_keyword(keyword):08X}" for keyword in fields]
        query = {**filters, "includefield": ",".join(tags), "limit": str(MOST_STUDIES)}
        budget = Budget(self.limits, self.name)
        with self._get(address, accept="application/dicom+json", query=query) as answer:
            if answer.status_code == 204:  # no content: nothing was found
                return []
            _expect(self.name, answer.headers.get("Content-Type", ""), "json")
            body = bytearray()
            for piece in self._pieces(answer, budget):
                body += piece
                if len(body) > _MAX_ANSWER_BYTES:
                    raise CaseError(
                        f"{self.name}: its answer to a search is larger than "
                        f"{_MAX_ANSWER_BYTES // 2**20} MB; ask for one patient or one day."
                    )
        try:
            values = json.loads(body)
            if not isinstance(values, list):
                raise TypeError(f"expected a list, found {type(values).__name__}")  # noqa: TRY301
            return [_dataset(value) for value in values[:MOST_STUDIES]]
        except Exception as problem:  # from_json raises whatever the values make it raise
            raise CaseError(
                f"{self.name}: its answer to a search is not DICOM JSON "
                f"({printable(str(problem))}). Is this the address of its DICOMweb services?"
            ) from problem

    @contextmanager
    def _get(
        self, address: str, *, accept: str, query: dict[str, str] | None = None
    ) -> Iterator["requests.Response"]:
        """Ask for an address; what goes wrong on the way becomes one sentence."""
        import requests
        import urllib3

        session = requests.Session()
        # A PACS is in the house: no proxy, and no password file of the account is sent to it.
        session.trust_env = False
        if self.user is not None:
            session.auth = (self.user, self.password or "")
        host = urlsplit(self.url).netloc
        try:
            with (
                session,
                session.get(
                    f"{self.url.rstrip('/')}/{address}",
                    params=query,
                    headers={"Accept": accept, "Accept-Encoding": "identity"},
                    stream=True,
                    allow_redirects=False,  # a password goes where it was meant to go
                    timeout=(_CONNECT_SECONDS, self.limits.quiet_seconds),
                ) as answer,
            ):
                self._check_status(answer, query or {})
                yield answer
        except requests.exceptions.SSLError as problem:
            raise CaseError(
                f"{host}: its certificate can't be checked ({_cause(problem)}). Ask those who run "
                f"the server; set REQUESTS_CA_BUNDLE to the hospital's own authority if it has one."
            ) from problem
        except requests.exceptions.ConnectTimeout as problem:
            raise CaseError(
                f"{host}: no answer within {_CONNECT_SECONDS:g} s. Is the address right, and can "
                f"this machine reach it?"
            ) from problem
        except requests.exceptions.Timeout as problem:
            raise CaseError(
                f"{host}: fell silent for {self.limits.quiet_seconds:g} s. Try again later."
            ) from problem
        except requests.exceptions.ConnectionError as problem:
            if isinstance(problem.__context__, TimeoutError) or "timed out" in str(problem):
                raise CaseError(
                    f"{host}: fell silent for {self.limits.quiet_seconds:g} s. Try again later."
                ) from problem
            raise CaseError(
                f"{host}: no server answers there, or it hung up ({_cause(problem)})."
            ) from problem
        except urllib3.exceptions.ReadTimeoutError as problem:
            raise CaseError(
                f"{host}: fell silent for {self.limits.quiet_seconds:g} s. Try again later."
            ) from problem
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as problem:
            raise CaseError(f"{host}: the connection broke ({_cause(problem)}).") from problem

    def _check_status(self, answer: "requests.Response", query: dict[str, str]) -> None:
        """Say what a status means for the person who asked."""
        status = answer.status_code
        if status in (200, 204):
            return
        if status in (401, 403):
            given = f"as {self.user!r}" if self.user else "without a user name"
            raise CaseError(
                f"{self.name}: refused to answer ({status}), asked {given}. Set CLERKSHIP_PACS_USER "
                f"and CLERKSHIP_PACS_PASSWORD to an account that may read the study."
            )
        if status == 404:
            raise CaseError(
                f"{self.name}: there is nothing at {urlsplit(answer.url).path} (404). Is this the "
                f"address of its DICOMweb services, and is the study still there?"
            )
        if 300 <= status < 400:
            place = printable(answer.headers.get("Location", "elsewhere"))
            raise CaseError(
                f"{self.name}: points to {place} instead of answering. Redirects are not followed, "
                f"so that a password stays here; give that address if you trust it."
            )
        raise CaseError(
            f"{self.name}: answered {status} {printable(answer.reason or '')}. "
            f"Look at the server's log."
        )

    def _pieces(self, answer: "requests.Response", budget: Budget) -> Iterator[bytes]:
        """Yield the body as it comes, until the time is over."""
        # read1 hands over what is there; reading a full piece would wait for a server that drips.
        while piece := answer.raw.read1(_PIECE_BYTES):
            budget.check_time()
            yield piece


def _dataset(value: Any) -> Dataset:
    """One answer, without values that lie elsewhere (a BulkDataURI is not followed)."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, found {type(value).__name__}")
    return Dataset.from_json(value, bulk_data_uri_handler=lambda *_: None)


def _boundary(name: str, content_type: str) -> bytes:
    """Take the boundary out of a multipart content type (PS3.18 8.6.1.2, RFC 2046 5.1.1)."""
    _expect(name, content_type, "multipart/related")
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if not boundary or len(boundary) > 70 or not boundary.isascii():  # RFC 2046
        raise CaseError(f"{name}: answered with a multipart body that names no usable boundary.")
    return boundary.encode("ascii")


def _expect(name: str, content_type: str, wanted: str) -> None:
    if wanted not in content_type.casefold():
        raise CaseError(
            f"{name}: answered with {printable(content_type) or 'no content type'}; expected "
            f"{wanted}. Is this the address of its DICOMweb services?"
        )


def _cause(problem: BaseException) -> str:
    """Find the innermost reason of a chain of exceptions, in one short line."""
    reason: BaseException = problem
    for _ in range(8):
        inner = getattr(reason, "reason", None) or reason.__cause__ or reason.__context__
        if not isinstance(inner, BaseException):
            break
        reason = inner
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return printable(" ".join(str(text).split()))
