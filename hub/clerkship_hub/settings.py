"""Where everything lives and on which port it listens: one frozen value, handed to every part.

The hub, its spawner and the module apps run in processes of their own; they read the same
value back from ``state/settings.json``.  It holds no secret.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clerkship_hub.errors import HubError

LOOPBACK = "127.0.0.1"
"""The only address that anything here listens on."""

DEFAULT_PORT = 8000
CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that holds cases/, courses/ and the rest, when run from a checkout."""

SHORT_TEMPORARY = Path("/tmp")  # noqa: S108  (TMPDIR may be long; the folder in it is checked)

SETTINGS_VARIABLE = "CLERKSHIP_HUB_SETTINGS"
"""Environment variable that names the settings file, for processes started by ``up``."""


@dataclass(frozen=True)
class Accounts:
    """Who may sign in.

    Parameters
    ----------
    students, teachers : tuple of str
        Account names; no name may be in both.
    """

    students: tuple[str, ...] = ("student1", "student2")
    teachers: tuple[str, ...] = ("teacher1",)

    @property
    def names(self) -> tuple[str, ...]:
        """All account names, students first."""
        return self.students + self.teachers


@dataclass(frozen=True)
class Ports:
    """TCP ports on the loopback address.

    Only `public` is chosen by a person; the others are whatever was free at start.
    """

    public: int = DEFAULT_PORT
    hub: int = 0
    proxy_api: int = 0
    apps: int = 0
    graders: tuple[int, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All paths and ports of one running Clerkship.

    Parameters
    ----------
    home : Path
        Folder that holds all state; only its owner may enter (0700).
    ports : Ports
        Where the parts listen.
    accounts : Accounts
        Who may sign in.
    courses : tuple of str
        Identifiers of the released courses.
    """

    home: Path
    ports: Ports = Ports()
    accounts: Accounts = Accounts()
    courses: tuple[str, ...] = ()

    # -- the layout of a home: the only place that spells it out ------------------------
    @property
    def state(self) -> Path:
        """Hub database, cookie secret, passwords, settings."""
        return self.home / "state"

    @property
    def logs(self) -> Path:
        """One log file for each part."""
        return self.home / "logs"

    @property
    def users(self) -> Path:
        """One folder for each account: what that person sees in JupyterLab."""
        return self.home / "users"

    @property
    def exchange(self) -> Path:
        """Where nbgrader passes assignments, submissions and feedback between people."""
        return self.home / "exchange"

    @property
    def apps(self) -> Path:
        """The module apps: notebooks for self-study, without keys."""
        return self.home / "apps"

    @property
    def sockets(self) -> Path:
        """Short path for the sockets of grading kernels: Unix allows about 100 characters."""
        mark = hashlib.sha256(str(self.home).encode()).hexdigest()[:8]
        return SHORT_TEMPORARY / f"clerkship-{os.getuid()}-{mark}"

    @property
    def catalogue(self) -> Path:
        """What the lists of modules show; public."""
        return self.apps / "catalogue.json"

    @property
    def scratch(self) -> Path:
        """Temporary files of the module apps."""
        return self.home / "scratch"

    @property
    def config(self) -> Path:
        """Jupyter and nbgrader configuration, one folder for each role."""
        return self.home / "config"

    @property
    def code(self) -> Path:
        """Links to the packages that a confined process may import (see `confine`)."""
        return self.home / "code"

    @property
    def file(self) -> Path:
        """The file that this value is saved in."""
        return self.state / "settings.json"

    def course_root(self, course: str) -> Path:
        """Return the teacher's nbgrader folder of a course: sources, keys, gradebook."""
        return self.home / "courses" / course

    def user_home(self, name: str) -> Path:
        """Return the home folder of an account."""
        return self.users / name

    def log(self, part: str) -> Path:
        """Return the log file of a part."""
        return self.logs / f"{part}.log"

    @property
    def url(self) -> str:
        """The address that a person types, with a slash at the end."""
        return f"http://{LOOPBACK}:{self.ports.public}/"

    # -- saving and loading ------------------------------------------------------------
    def save(self) -> Path:
        """Write this value where the other processes find it, and return the file."""
        written = self.file.with_suffix(".new")
        written.write_text(json.dumps(dataclasses.asdict(self), default=str, indent=1))
        written.replace(self.file)
        return self.file

    @classmethod
    def load(cls, file: Path) -> Settings:
        """Read what `save` wrote.

        Raises
        ------
        HubError
            If the file is missing or is not a settings file.
        """
        try:
            raw: dict[str, Any] = json.loads(file.read_text())
            ports = raw["ports"] | {"graders": tuple(raw["ports"]["graders"])}
            accounts = {role: tuple(names) for role, names in raw["accounts"].items()}
            return cls(
                home=Path(raw["home"]),
                ports=Ports(**ports),
                accounts=Accounts(**accounts),
                courses=tuple(raw["courses"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HubError(
                f"{file}: not a settings file of Clerkship ({error}). "
                "It is written by `clerkship up`; start that first."
            ) from error

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the settings of the running Clerkship that started this process."""
        return cls.load(Path(os.environ.get(SETTINGS_VARIABLE, "(variable not set)")))


def default_home() -> Path:
    """Return where state goes when nobody says: ``.clerkship/home`` in the checkout."""
    return CHECKOUT / ".clerkship" / "home"


def free_ports(count: int) -> list[int]:
    """Return distinct TCP ports on the loopback address that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for listener in sockets:
            listener.bind((LOOPBACK, 0))
        return [int(listener.getsockname()[1]) for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


def choose_ports(public: int, *, graders: int) -> Ports:
    """Check the public port and find free ones for everything behind it.

    Raises
    ------
    HubError
        If `public` is taken or may not be used.
    """
    if not 0 < public < 65536:
        raise HubError(f"{public} is not a port: give a number from 1 to 65535, e.g. --port 8001.")
    with socket.socket() as probe:
        # As the proxy does it: a port that only waits for old connections to fade counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, public))
        except OSError as error:
            why = "already taken" if not isinstance(error, PermissionError) else "reserved for root"
            raise HubError(
                f"Port {public} is {why}: stop the program that uses it, "
                f"or choose another one, e.g. --port {free_ports(1)[0]}."
            ) from error
    hub, proxy_api, apps, *rest = free_ports(3 + graders)
    return Ports(public=public, hub=hub, proxy_api=proxy_api, apps=apps, graders=tuple(rest))


KEPT_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
"""What a started process inherits; everything else of the caller's environment stays outside."""


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a child: a short allow-list, the environment's tools, `more`.

    nbgrader calls ``alembic`` and kernels call ``python`` by name, hence the PATH.
    """
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    return kept | {"PATH": path, "PYTHONUNBUFFERED": "1"} | dict(more)
