"""Run a command that can reach only the files it is given (Linux Landlock).

All people of a demonstration share one operating-system user, so file permissions can't keep
a student away from a key or from another student's work.  Landlock can: a process gives up,
for itself and all its children, every file that is not on its list, and can't take it back.
It also can't look into or signal processes outside its own family any more.

This file is run as a script as well, before anything of ours is imported::

    python -IS confine.py --read /usr --write ~/work -- jupyter-lab

so it needs the standard library only.

Source: Linux kernel, Documentation/userspace-api/landlock.rst (rights and ABI versions).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import stat
import sys
from dataclasses import dataclass

# -- the kernel's numbers (include/uapi/linux/landlock.h; the system calls are alike everywhere)
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAP_DAC_OVERRIDE, CAPABILITY_VERSION_3 = 1, 0x20080522

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO = 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 10
MAKE_BLOCK, MAKE_SYM = 1 << 11, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1, 2

READ = EXECUTE | READ_FILE | READ_DIR
WRITE = (
    READ | WRITE_FILE | TRUNCATE | REFER | REMOVE_DIR | REMOVE_FILE
    | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM
)  # fmt: skip
DROP = WRITE_FILE | TRUNCATE | MAKE_DIR | MAKE_REG
PEEK = READ_FILE
UNLISTED = READ_FILE | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_REG
DEVICE = READ_FILE | WRITE_FILE | READ_DIR
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that mean something for a single file; the kernel refuses others there."""

SYSTEM_READ = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt/conda", "/nix/store",
    "/proc", "/sys/devices/system", "/sys/fs/cgroup",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
    "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/hosts",
    "/etc/hostname", "/etc/resolv.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
    "/etc/localtime", "/etc/timezone", "/etc/os-release", "/etc/mime.types", "/etc/fonts",
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/inputrc", "/etc/terminfo",
    "/etc/OpenCL", "/etc/vulkan", "/etc/glvnd",
)  # fmt: skip
"""What programs need of a Linux system.  Not all of /etc: as root that would hold /etc/shadow."""

SYSTEM_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SHARED_MEMORY = "/dev/shm"  # noqa: S108  (not a temporary file: what locks between processes need)


KINDS = ("read", "write", "drop", "peek")


@dataclass(frozen=True)
class Allowance:
    """The files that a confined process may reach; each path stands for all below it.

    Parameters
    ----------
    read : tuple of str
        May be read, listed and executed.
    write : tuple of str
        May be read and changed in every way.
    drop : tuple of str
        New files may be put there, but nothing listed or read: a letter box.
    peek : tuple of str
        A file may be read by whoever knows its name; nothing is listed.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    peek: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Return the command-line form of this value."""
        return [f"--{kind}={path}" for kind in KINDS for path in getattr(self, kind)]

    def rights(self) -> list[tuple[str, int]]:
        """Return (path, Landlock rights) for every path, the system's included."""
        return [
            *((path, READ) for path in (*SYSTEM_READ, *self.read)),
            *((path, DEVICE) for path in SYSTEM_DEVICES),
            (SHARED_MEMORY, UNLISTED),
            *((path, WRITE) for path in self.write),
            *((path, DROP) for path in self.drop),
            *((path, PEEK) for path in self.peek),
        ]


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # Python 3.14 wants the layout of a packed structure named
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def _kernel(number: int, *arguments: object) -> int:
    """Make a system call; return its result or raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def landlock_version() -> int:
    """Return the Landlock ABI version of this kernel; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    try:
        return _kernel(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))
    except OSError:
        return 0


def handled_rights(version: int) -> int:
    """Return all file rights that a kernel of this ABI version can take away."""
    rights = WRITE | MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV
    for since, bit in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        if version < since:
            rights &= ~bit
    return rights


def confine(allowance: Allowance) -> int:
    """Give up every file outside `allowance`, for this process and its children, for good.

    Returns
    -------
    version : int
        The Landlock ABI version that was used; 0 when the kernel has none and nothing was done.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    version = landlock_version()
    if version == 0:
        return 0
    handled = handled_rights(version)
    attributes = _RulesetAttributes(
        handled, 0, SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS if version >= 6 else 0
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _kernel(
        CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    for path, rights in allowance.rights():
        _allow(ruleset, path, rights & handled)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _kernel(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Add one rule; a path that this system lacks needs none."""
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= FILE_RIGHTS
        rule = _PathBeneath(rights, handle)
        _kernel(
            ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(handle)


def drop_capabilities() -> None:
    """Give up what root can do beyond files: else it could look into any process.

    One capability stays: to pass by file permissions, because root may run a checkout in
    somebody else's private folder.  Landlock's list holds all the same.  An ordinary user has
    none of this, and nothing changes.

    Source: Linux capabilities(7); /proc/PID/environ is open to CAP_PERFMON, past Landlock.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    for capability in range(64):
        if capability != CAP_DAC_OVERRIDE:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    # What is permitted after the next exec is then the bounding set and what is inheritable.
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()
    libc.capget(header, held)
    held[2] = held[5] = 0  # inheritable, low and high half
    libc.capset(header, held)


def end_with_parent(sign: int = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when the one that started it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)


def main(arguments: list[str]) -> None:
    """Confine this process as the arguments say, then become the command after ``--``."""
    split = arguments.index("--")
    parser = argparse.ArgumentParser(description="Run a command confined to some files.")
    parser.add_argument("--everything", action="store_true", help="only end with the parent")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="PATH")
    given = parser.parse_args(arguments[:split])
    command = arguments[split + 1 :]
    end_with_parent()
    allowance = Allowance(**{kind: tuple(getattr(given, kind)) for kind in KINDS})
    if not given.everything:
        if confine(allowance) == 0:
            print("confine: this kernel has no Landlock; running unconfined", file=sys.stderr)
        drop_capabilities()
    os.execv(command[0], command)  # noqa: S606  (the point of this file)


if __name__ == "__main__":
    main(sys.argv[1:])
