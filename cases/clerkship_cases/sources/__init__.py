"""Where the images of a case are: found here, or fetched first. Nothing in this file uses a network."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerkship_cases.sources.kinds import Source


def case_files(case_id: str, source: "Source", folder: Path) -> tuple[Path, ...]:
    """Find the image files of a case on this machine, each of them the file that is meant.

    Parameters
    ----------
    case_id : str
        For messages.
    source : Source
        What ``case.yml`` says.
    folder : Path
        The folder of ``case.yml``.

    Raises
    ------
    CaseError
        If a file is not here yet (the message says how to get it), or is another file.
    """
    if source.kind == "package":
        from clerkship_cases.sources.package import package_file

        return (package_file(source.package, source.file, source.sha256),)
    if source.kind == "folder":
        from clerkship_cases.sources.folder import folder_files

        return folder_files(folder, source.manifest)
    from clerkship_cases.sources.stored import stored_files

    return stored_files(case_id, source, folder)
