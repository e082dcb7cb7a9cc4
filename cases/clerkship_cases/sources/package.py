"""Image files that an installed package ships: found, checked, read in place, never copied."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from clerkship_cases.errors import CaseError
from clerkship_cases.store import sha256_of


def package_file(package: str, file: str, sha256: str) -> Path:
    """Find a file of an installed package and make sure that it is the one meant.

    Parameters
    ----------
    package : str
        Name of the distribution, for instance ``"pydicom-data"``.
    file : str
        Path inside the distribution, with forward slashes.
    sha256 : str
        Checksum of the file whose geometry and key this project checked.

    Raises
    ------
    CaseError
        If the package or the file is absent, or the file is another one.
    """
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError as problem:
        raise CaseError(
            f"the package {package!r}, which holds {file}, is not installed. "
            f"Run `./clerkship up`, or `pip install {package}`."
        ) from problem
    try:
        state = path.stat()
        found = sha256_of(path, state.st_size, state.st_mtime_ns)
    except OSError as problem:
        raise CaseError(
            f"{file} is not in the installed package {package!r} ({problem.strerror}). Reinstall it with "
            f"`pip install --force-reinstall {package}`."
        ) from problem
    if found != sha256:
        raise CaseError(
            f"{file} of the package {package!r} is not the file this case was made from: its sha256 "
            f"starts with {found[:12]}, expected {sha256[:12]}. Another version is installed, or the "
            f"file is damaged; install the version that Clerkship's lock file names."
        )
    return path
