"""Look into a folder, a zip, a DICOMDIR or a server, and say which series it holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.address import RemoteSource, remote_source
from clerkship_cases.importing.archive import gather_zip
from clerkship_cases.importing.dicomdir import MEDIA_DIRECTORY, follow, is_dicomdir
from clerkship_cases.importing.found import FileHeader, Scan, file_header, group, text_of
from clerkship_cases.importing.gathering import Gathered, gather_folder, printable
from clerkship_cases.importing.limits import Limits
from clerkship_cases.importing.staging import open_staging

_ZIP_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Opened:
    """A source while it is open: what it holds, and where the bytes of each file are."""

    scan: Scan
    paths: dict[str, Path]


def scan(
    source: Path | str,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    root: Path | None = None,
) -> Scan:
    """Say which studies and series a source holds. Nothing is kept.

    Parameters
    ----------
    source : Path or str
        A folder, a zip file, a DICOMDIR, one DICOM file, or the address of a server:
        ``https://host/dicom-web[/studies/UID[/series/UID]]`` or
        ``dicom://AE-TITLE@host:port[/studies/UID[/series/UID]]``.
    limits : Limits
    root : Path, optional
        Folder of added cases; a zip is unpacked in a private folder inside it for as long as the
        scan takes.

    Raises
    ------
    CaseError
        If the source is not there, can't be read, or holds too much.

    Examples
    --------
    >>> for series in scan("/media/cdrom").images:  # doctest: +SKIP
    ...     print(series)
    """
    remote = remote_source(source)
    if remote is not None:
        return remote.scan(limits)
    path = Path(source)
    if _is_zip(path):
        with open_staging(root) as staging, open_source(path, staging, limits) as opened:
            return opened.scan
    with open_source(path, None, limits) as opened:
        return opened.scan


@contextmanager
def open_source(
    source: Path | RemoteSource,
    staging: Path | None,
    limits: Limits,
    series_uid: str | None = None,
    references: bool = False,
) -> Iterator[Opened]:
    """Bring the files of a source within reach, for as long as the block lasts.

    Parameters
    ----------
    source : Path or RemoteSource
    staging : Path or None
        Private folder for what has to be unpacked or fetched.
    limits : Limits
    series_uid : str, optional
        The series to fetch, where a server holds several.
    references : bool
        Fetch segmentations, contours and reports of its study as well.
    """
    if isinstance(source, Path):
        gathered = _gather(source, staging, limits)
        name = str(source)
    else:
        if staging is None:
            raise CaseError(f"{source.name}: has to be fetched into a private folder first.")
        folder = staging / "fetched"
        folder.mkdir(mode=0o700)
        source.fetch(folder, limits, series_uid, references)
        gathered = gather_folder(folder, limits)
        name = source.name
    from clerkship_cases.dicom import guarded

    headers, directories = _read_headers(gathered)
    for directory_name, directory in directories.items():
        with guarded(Path(directory_name)):
            named = follow(directory_name, directory, gathered, limits)
        gathered.notes += named.notes
        if isinstance(source, Path) and is_dicomdir(source) and directory_name == source.name:
            headers = {key: header for key, header in headers.items() if key in named.files}
            listed = {printable(key) for key in named.files}
            gathered.skipped = [one for one in gathered.skipped if one.name in listed]
        gathered.skipped += named.skipped
    yield Opened(
        Scan(name, group(headers), tuple(gathered.skipped), tuple(gathered.notes)),
        {key: gathered.files[key] for key in headers},
    )


def _gather(source: Path, staging: Path | None, limits: Limits) -> Gathered:
    if source.is_dir():
        return gather_folder(source, limits)
    if not source.is_file():
        raise CaseError(
            f"{source}: there is no such folder or file. Give a folder, a zip file, a DICOMDIR, or "
            f"the address of a server (https://host/dicom-web or dicom://AE-TITLE@host:port)."
        )
    if is_dicomdir(source):
        return gather_folder(source.parent, limits)
    if _is_zip(source):
        if staging is None:
            raise CaseError(f"{source.name}: has to be unpacked into a private folder first.")
        folder = staging / "unpacked"
        folder.mkdir(mode=0o700)
        return gather_zip(source, folder, limits)
    return Gathered(files={source.name: source})


def _read_headers(gathered: Gathered) -> tuple[dict[str, FileHeader], dict[str, Dataset]]:
    """Headers of the DICOM objects by name, and those of DICOMDIR files apart."""
    from clerkship_cases.dicom import guarded, read_dataset

    headers: dict[str, FileHeader] = {}
    directories: dict[str, Dataset] = {}
    for name, path in gathered.files.items():
        try:
            with guarded(
                path
            ):  # values are decoded, and may turn out damaged, when they are looked at
                header = read_dataset(path, stop_before_pixels=True)
                is_directory = (
                    _media_class(header) == MEDIA_DIRECTORY or "DirectoryRecordSequence" in header
                )
                small = file_header(header)
        except CaseError as problem:
            gathered.skip(name, _without_name(str(problem), path))
            continue
        if is_directory:
            if is_dicomdir(path) or is_dicomdir(Path(name)):
                directories[name] = header
        elif small.study_uid and small.series_uid:
            headers[name] = small
        else:
            gathered.skip(name, "names no study or series (0020,000D), (0020,000E)")
    return headers, directories


def _media_class(header: Dataset) -> str:
    meta = getattr(header, "file_meta", None)
    return text_of(meta, "MediaStorageSOPClassUID") if meta is not None else ""


def _without_name(message: str, path: Path) -> str:
    """Drop the file's name from a sentence that stands beside it anyway."""
    for beginning in (f"{path}: ", f"{path.name}: ", f"{path} ", f"{path.name} "):
        message = message.removeprefix(beginning)
    return message.partition("\n")[0].rstrip(".")


def _is_zip(path: Path) -> bool:
    """Tell by its first bytes, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _ZIP_BEGINS
    except OSError:
        return False
