"""What ``case.yml`` says about where the images of a case are: one record for each kind of source.

=========  ==============================================================================
package    one file of an installed Python package, read in place
url        files behind pinned addresses, listed with sha256 in a manifest beside case.yml
idc        a series of the NCI Imaging Data Commons, by its identifiers
dicomweb   a series of a DICOMweb server that holds de-identified studies
folder     files beside case.yml (a study that was imported), listed with sha256
=========  ==============================================================================
"""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator

from clerkship_cases.strict import Line, Sha256, Strict, Uid

Format = Literal["dicom", "nifti", "nrrd"]


class _Images(Strict):
    """What every source says about its images."""

    format: Format = "dicom"
    withheld: tuple[str, ...] = ()
    """DICOM attributes that would give the answer away; left out of the public headers."""


class PackageSource(_Images):
    """One file inside an installed package, never copied."""

    kind: Literal["package"]
    package: Line
    file: Line
    sha256: Sha256

    @field_validator("file")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        return inside(value)


class UrlSource(_Images):
    """Files behind pinned addresses."""

    kind: Literal["url"]
    manifest: Line = "files.tsv"
    """Beside case.yml; columns ``url``, ``sha256``, ``bytes``."""

    @field_validator("manifest")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        return inside(value)


class IdcSource(_Images):
    """A series of the Imaging Data Commons; its size and licence are in the offline index."""

    kind: Literal["idc"]
    collection: Line
    series_uid: Uid
    crdc_series_uuid: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    bucket: Line
    instances: Annotated[int, Field(gt=0)]


class DicomWebSource(_Images):
    """A series of a DICOMweb server whose studies are public and already de-identified."""

    kind: Literal["dicomweb"]
    server: Annotated[str, Field(pattern=r"^https?://")]
    study_uid: Uid
    series_uid: Uid
    instances: Annotated[int, Field(gt=0)]


class FolderSource(_Images):
    """Files beside case.yml: a study that was imported, de-identified, and is kept here only."""

    kind: Literal["folder"]
    manifest: Line = "files.tsv"
    """Beside case.yml; columns ``path`` (relative to case.yml), ``sha256``, ``bytes``."""

    @field_validator("manifest")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        return inside(value)


Source = Annotated[
    PackageSource | UrlSource | IdcSource | DicomWebSource | FolderSource,
    Field(discriminator="kind"),
]


def inside(value: str) -> str:
    """Refuse a path that leads out of its folder."""
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value:
        raise ValueError("must be a path inside the folder, with forward slashes and without '..'.")
    return value
