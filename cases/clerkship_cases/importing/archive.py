"""Unpack a zip file that nobody vouches for.

Nothing in the archive decides where a byte goes: members are written under numbers of our own. What
an archive claims about sizes is not believed; bytes are counted while they come.
"""

import errno
import stat
import zipfile
from pathlib import Path

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.gathering import Gathered, printable, unsafe_name
from clerkship_cases.importing.limits import Budget, Limits

_PIECE_BYTES = 2**20
_ENCRYPTED = 0x1  # general purpose bit 0 (APPNOTE.TXT 4.4.4)
#: Trouble of our own disk, not of the archive.
_OUR_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES})


def gather_zip(archive: Path, folder: Path, limits: Limits) -> Gathered:
    """Unpack the members of a zip that are safe to unpack.

    Parameters
    ----------
    archive : Path
        The zip file.
    folder : Path
        An empty private folder; members are written into it as ``000001``, ``000002``, …
    limits : Limits

    Returns
    -------
    Gathered
        By member name. Links, encrypted and damaged members, names that lead out of the folder and
        names that come twice are left out, each with its reason.

    Raises
    ------
    CaseError
        If it is no zip, holds too much, or was built to unpack without end.
    """
    found = Gathered()
    try:
        packed_bytes = archive.stat().st_size
        zipped = zipfile.ZipFile(archive)
    except Exception as problem:  # a damaged directory raises whatever it meets first
        raise CaseError(
            f"{archive.name}: can't be opened as a zip file ({_first_line(problem)})."
        ) from problem
    with zipped:
        members = zipped.infolist()
        _refuse_bomb(archive, members, packed_bytes, limits)
        budget = Budget(limits, archive.name)
        seen: set[str] = set()
        for member in members:
            if member.is_dir():
                continue
            name = member.filename
            reason = _reason_to_skip(member)
            if reason is None and name.casefold() in seen:
                reason = "the archive holds this name twice"
            seen.add(name.casefold())
            if reason:
                found.skip(name, reason)
                continue
            target = folder / f"{len(found.files) + 1:06d}"
            try:
                _unpack(zipped, member, target, budget, packed_bytes)
            except CaseError:
                raise
            except (
                Exception
            ) as problem:  # zipfile and the decompressors under it have a dozen kinds
                if isinstance(problem, OSError) and problem.errno in _OUR_DISK:
                    raise
                target.unlink(missing_ok=True)
                found.skip(name, f"damaged in the archive ({_first_line(problem)})")
                continue
            found.files[name] = target
    if not found.files and any("password" in skipped.reason for skipped in found.skipped):
        raise CaseError(
            f"{archive.name}: is protected by a password. Unpack it first, and give the folder."
        )
    return found


def _refuse_bomb(
    archive: Path, members: list[zipfile.ZipInfo], packed_bytes: int, limits: Limits
) -> None:
    """Refuse what can be seen from the directory alone; the rest is counted while unpacking."""
    if len(members) > limits.files:
        raise CaseError(
            f"{archive.name}: lists {len(members):,} members; more than {limits.files:,} are not "
            f"unpacked. Give one study at a time."
        )
    if sum(member.compress_size for member in members) > packed_bytes:
        raise CaseError(
            f"{archive.name}: its members overlap (together they are larger than the file). "
            f"That is how zip bombs are built; pack the study again."
        )


def _reason_to_skip(member: zipfile.ZipInfo) -> str | None:
    if reason := unsafe_name(member.filename):
        return reason
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "a link; links are not followed"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "not an ordinary file"
    if member.flag_bits & _ENCRYPTED:
        return "protected by a password"
    return None


def _unpack(
    zipped: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    target: Path,
    budget: Budget,
    packed_bytes: int,
) -> None:
    """Write one member, counting every byte."""
    budget.open_file()
    limits = budget.limits
    allowed_bytes = limits.free_bytes + limits.ratio * packed_bytes
    with zipped.open(member) as packed, target.open("xb") as file:
        while piece := packed.read(_PIECE_BYTES):
            budget.take(len(piece))
            if budget.total_bytes > allowed_bytes:
                raise CaseError(
                    f"{zipped_name(zipped)}: unpacks to more than {limits.ratio} times its size "
                    f"(at {printable(member.filename)}). Images do not; this is a zip bomb."
                )
            file.write(piece)


def zipped_name(zipped: zipfile.ZipFile) -> str:
    """Name of an open archive, without its folder."""
    return Path(zipped.filename or "archive").name


def _first_line(problem: BaseException) -> str:
    return printable(str(problem).partition("\n")[0]) or type(problem).__name__
