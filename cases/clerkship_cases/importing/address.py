"""The address of a server, as a person types it, and what it holds.

Passwords never stand in an address, where shells and logs would keep them; they come from the
environment: ``CLERKSHIP_PACS_USER`` and ``CLERKSHIP_PACS_PASSWORD``.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.found import REFERENCE_KINDS, FoundSeries, FoundStudy, Scan
from clerkship_cases.importing.limits import Limits
from clerkship_cases.importing.remote import RemoteStudy, check_filters, check_uid

if TYPE_CHECKING:
    from clerkship_cases.sources.dicomweb import DicomWebServer
    from clerkship_cases.sources.dimse import Pacs

#: Where an address stops naming the server and starts naming a study.
_STUDY = re.compile(r"^(?P<base>.*?)/studies(/(?P<study>[^/]+)(/series(/(?P<series>[^/]+))?)?)?/?$")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """A server, and the study or series that the address names."""

    name: str
    server: "DicomWebServer | Pacs"
    study_uid: str | None = None
    series_uid: str | None = None
    filters: tuple[tuple[str, str], ...] = ()

    def scan(self, limits: Limits) -> Scan:
        """List the series of the study, or of all studies if there are only a few.

        Raises
        ------
        CaseError
            If the server can't be asked, or holds too many studies to list them all.
        """
        server = self.server.within(limits)
        if self.study_uid:
            studies = server.find_studies(StudyInstanceUID=self.study_uid)
        else:
            studies = server.find_studies(**dict(self.filters))
        if len(studies) > _SHOWN:
            raise CaseError(
                f"{self.name}: holds {len(studies)} studies or more. Ask for those of one patient: "
                f"ADDRESS/studies?PatientID=NUMBER, or name one: ADDRESS/studies/UID."
            )
        found = []
        for study in studies:
            series = tuple(one.found for one in server.find_series(study.study_uid))
            wanted = tuple(one for one in series if self.series_uid in (None, one.series_uid))
            found.append(FoundStudy(study.study_uid, study.description, study.date, wanted))
        notes = () if studies else (self._empty(),)
        return Scan(self.name, tuple(found), notes=notes)

    def fetch(
        self,
        folder: Path,
        limits: Limits,
        series_uid: str | None = None,
        references: bool = False,
    ) -> None:
        """Bring the series into a folder, and the references of its study beside it.

        Parameters
        ----------
        folder : Path
            Private and empty.
        limits : Limits
        series_uid : str, optional
            If the address names none.
        references : bool
            Also bring segmentations, contours and reports of the study.

        Raises
        ------
        CaseError
            If it is not clear which series is meant, or it does not come whole.
        """
        listed = self.scan(limits)
        chosen = listed.image_series(series_uid or self.series_uid)
        server = self.server.within(limits)
        server.fetch_series(chosen.study_uid, chosen.series_uid, folder / "series")
        if references:
            for number, one in enumerate(self._companions(chosen, limits)):
                server.fetch_series(one.study_uid, one.series_uid, folder / f"reference-{number}")

    def _companions(self, chosen: FoundSeries, limits: Limits) -> list[FoundSeries]:
        """Series of the same study that may be references."""
        listed = self.server.within(limits).find_series(chosen.study_uid)
        return [one.found for one in listed if one.found.kind in REFERENCE_KINDS]

    def find_studies(self, **filters: str) -> list[RemoteStudy]:
        """Ask the server for studies by DICOM keyword, for instance ``PatientID="4711"``."""
        return self.server.find_studies(**filters)

    def _empty(self) -> str:
        named = f"no study {self.study_uid}" if self.study_uid else "no study"
        return f"{self.name}: the server has {named}, or does not show it to this user."


def remote_source(source: Path | str) -> RemoteSource | None:
    """Understand the address of a server; None for anything that is a path.

    Raises
    ------
    CaseError
        If it looks like an address and can't be understood.
    """
    if not isinstance(source, str) or "://" not in source:
        return None
    parts = urlsplit(source)
    try:
        port = parts.port
    except ValueError as problem:
        raise CaseError(f"{source}: the port must be a number up to 65535.") from problem
    if parts.password is not None:
        raise CaseError(
            f"{parts.hostname}: an address must not hold a password, which would be kept in the "
            f"history of your shell. Set CLERKSHIP_PACS_USER and CLERKSHIP_PACS_PASSWORD instead."
        )
    match = _STUDY.match(parts.path)
    base, study, series = (
        (match["base"], match["study"], match["series"]) if match else (parts.path, None, None)
    )
    study = study and check_uid(study, "Study Instance UID")
    series = series and check_uid(series, "Series Instance UID")
    query = parse_qsl(parts.query)
    filters = tuple((name, value) for name, value in query if name != "calling")
    check_filters(name for name, _ in filters)
    if parts.scheme in ("http", "https") and parts.hostname:
        from clerkship_cases.sources.dicomweb import DicomWebServer

        url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{base.rstrip('/')}"
        user = parts.username or os.environ.get("CLERKSHIP_PACS_USER")
        web = DicomWebServer(url, user, os.environ.get("CLERKSHIP_PACS_PASSWORD"))
        return RemoteSource(url, web, study, series, filters)
    if parts.scheme == "dicom" and parts.hostname:
        from clerkship_cases.sources.dimse import Pacs

        called = parts.username or "ANY-SCP"
        calling = dict(query).get("calling", "CLERKSHIP")
        pacs = Pacs(parts.hostname, port or 104, calling, called)
        return RemoteSource(pacs.name, pacs, study, series, filters)
    raise CaseError(
        f"{source}: is no address of a DICOM server. Expected https://host/dicom-web or "
        f"dicom://AE-TITLE@host:port, with /studies/UID/series/UID behind it if you like."
    )
