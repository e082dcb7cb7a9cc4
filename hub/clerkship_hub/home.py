"""The home: the folder that holds all state, private to its owner, used by one ``up`` at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from clerkship_hub.errors import HubError
from clerkship_hub.settings import Settings

PRIVATE = 0o700
NEEDED_BYTES = 200 * 1024**2
"""Room for two courses, their submissions and logs: about 40 MB were used by a whole demo."""


def say_os_error(error: OSError, path: Path | str | None = None) -> str:
    """Put an error of the operating system into one sentence with a remedy."""
    where = path or error.filename or "a file"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"{where}: the disk is full. Free some space, or choose another place with --home DIR."
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{where}: can't be written. Choose a folder of your own with --home DIR."
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return f"{where}: is in the way, a folder is needed. Choose another place with --home DIR."
    return f"{where}: {error.strerror or error}."


def prepare(settings: Settings, *, needed_bytes: int = NEEDED_BYTES) -> None:
    """Make the home and its folders, all private; what is there already is kept.

    Raises
    ------
    HubError
        If the home can't be made or written, or the disk has less than `needed_bytes` left.
    """
    home = settings.home
    folders = [
        home,
        settings.state,
        settings.logs,
        settings.users,
        settings.exchange,
        settings.apps,
        settings.scratch,
        settings.config,
        settings.code,
        home / "courses",
        *(settings.user_home(name) for name in settings.accounts.names),
    ]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(PRIVATE)
        probe = home / f".write-test-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise HubError(say_os_error(error, home)) from error
    if free < needed_bytes:
        raise HubError(
            f"{home}: only {free / 1e6:.0f} MB free on this disk, {needed_bytes / 1e6:.0f} MB are "
            "needed. Free some space, or choose another place with --home DIR."
        )


@contextlib.contextmanager
def sockets(settings: Settings) -> Iterator[None]:
    """Hold the folder of sockets; it lies where everybody may write, so it is checked.

    Raises
    ------
    HubError
        If somebody else has put something there.
    """
    folder = settings.sockets
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise HubError(f"{folder} belongs to somebody else. Remove it, or choose another --home.")
    folder.chmod(PRIVATE)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def sole_use(home: Path) -> Iterator[None]:
    """Hold the home for this process; the lock goes with the process, however it ends.

    Raises
    ------
    HubError
        If another Clerkship holds it.
    """
    try:
        home.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        lock = (home / "lock").open("a+")
    except OSError as error:
        raise HubError(say_os_error(error, home)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise HubError(
                f"{home} is already in use by a running Clerkship (process {holder}). "
                "Stop that one, or choose another home with --home DIR."
            ) from error
        os.set_inheritable(lock.fileno(), False)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


# -- passwords ----------------------------------------------------------------------------


def speakable_password() -> str:
    """Return a random password that can be read aloud, such as ``kolu-vamo-riti`` (2^39 kinds).

    A fixed demonstration password would hand every other user of this computer a terminal.
    """
    consonants, vowels = "bdfghjklmnprstvz", "aeiou"
    pick = secrets.choice
    groups = ("".join(pick(consonants) + pick(vowels) for _ in range(2)) for _ in range(3))
    return "-".join(groups)


def passwords(settings: Settings) -> dict[str, str]:
    """Return every account's password, making the ones that are missing.

    They stay in ``state/passwords.json`` (0600), because ``up`` prints them at each start.
    """
    file = settings.state / "passwords.json"
    try:
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    except ValueError as error:
        raise HubError(f"{file}: not readable as JSON; delete it to get new passwords.") from error
    missing = [name for name in settings.accounts.names if name not in known]
    if missing:
        known |= {name: speakable_password() for name in missing}
        written = file.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(json.dumps(known, indent=1))
        written.replace(file)
    return {name: known[name] for name in settings.accounts.names}
