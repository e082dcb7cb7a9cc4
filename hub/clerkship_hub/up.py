"""Bring a whole Clerkship up on this computer, keep it running, take it down again."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from clerkship_hub import confine, home, landing, policy, release, roles, supervise
from clerkship_hub.errors import HubError
from clerkship_hub.settings import (
    CHECKOUT,
    LOOPBACK,
    Accounts,
    Settings,
    choose_ports,
)
from clerkship_hub.voice import Voice

COURSES = CHECKOUT / "courses"

PAGES = Path(__file__).parent / "share"
"""Holds the page template of the module apps, where Voila looks for it."""

START_S = 240
"""A cold disk and two busy cores: three times the longest start that we have seen."""


@contextlib.contextmanager
def running(
    home_folder: Path, port: int, accounts: Accounts, voice: Voice, *, courses: Path = COURSES
) -> Iterator[tuple[Settings, supervise.Parts]]:
    """Start everything, give it to the block once people can sign in, and stop it afterwards.

    Parameters
    ----------
    home_folder : Path
        Where all state lives; made if absent, resumed if not.
    port : int
        The public port on 127.0.0.1.
    accounts : Accounts
        Who may sign in.
    voice : Voice
        Where progress is shown.
    courses : Path, optional
        Folder with the course sources; those of the checkout if absent.

    Raises
    ------
    HubError
        If anything is in the way.
    """
    settings = Settings(home=home_folder.expanduser().absolute(), accounts=accounts)
    with (
        home.sole_use(settings.home),
        home.sockets(settings),
        supervise.Parts(settings) as parts,
    ):
        try:
            sources = release.find_courses(courses)
            settings = dataclasses.replace(
                settings,
                courses=tuple(source.name for source in sources),
                ports=choose_ports(port, graders=len(sources)),
            )
            home.prepare(settings)
            settings.save()
            home.passwords(settings)
            policy.link_code(settings)
            policy.make_added_folders()
            release.install_scripts()
            landing.save_cards(
                settings, [release.publish(settings, source, voice) for source in sources]
            )
            roles.write_configs(settings)
            with voice.step("Making the 3D scenes", key="scenes"):
                release.make_scenes()
            with voice.step("Starting JupyterHub and the module apps", key="start"):
                _start_parts(settings, parts)
                _wait_for_sign_in(settings, parts)
        except OSError as error:
            raise HubError(home.say_os_error(error)) from error
        yield settings, parts


def _start_parts(settings: Settings, parts: supervise.Parts) -> None:
    python = sys.executable
    config = str(Path(__file__).with_name("jupyterhub_config.py"))
    policy.make_private_folders(settings.scratch)
    parts.start(
        "hub",
        [python, "-m", "jupyterhub", "--config", config],
        environment=policy.hub_environment(settings),
        folder=settings.state,
    )
    parts.start(
        "apps",
        [python, "-m", "clerkship_hub.apps", str(settings.file)],
        environment=policy.confined_environment(settings, settings.scratch)
        | {"CLERKSHIP_SELF_STUDY": "1", "JUPYTER_PATH": str(PAGES)},
        folder=settings.apps,
        allowance=policy.apps_allowance(settings),
    )


def _wait_for_sign_in(settings: Settings, parts: supervise.Parts) -> None:
    """Wait until the sign-in page and the list of apps answer."""
    deadline = time.monotonic() + START_S
    waiting = [
        f"{settings.url}hub/login",
        f"http://{LOOPBACK}:{settings.ports.apps}/services/apps/",
    ]
    with requests.Session() as session:
        session.trust_env = False  # a proxy for the outside world is of no use on this address
        while waiting:
            parts.check()
            with contextlib.suppress(requests.RequestException):
                if session.get(waiting[0], timeout=5).ok:
                    waiting.pop(0)
                    continue
            if time.monotonic() > deadline:
                raise HubError(
                    f"Nothing answers on {waiting[0]} after {START_S} s. "
                    f"The logs in {settings.logs} say why."
                )
            time.sleep(0.1)


def up(home_folder: Path, port: int, *, courses: Path = COURSES) -> int:
    """Start Clerkship for demonstration, say where it is, and keep it running.

    Returns
    -------
    code : int
        Never: it ends by a signal, or by an error.
    """
    voice = Voice()
    with running(home_folder, port, Accounts(), voice, courses=courses) as (settings, parts):
        announce(settings, voice)
        parts.watch()
    return 0


def announce(settings: Settings, voice: Voice) -> None:
    """Say where to go, how to sign in, and what this installation can't promise."""
    say = voice.say
    say("")
    say(f"  [bold]Clerkship is running:[/] [bold cyan]{settings.url}[/]")
    say(f"  Module apps, without sign-in: [cyan]{settings.url}services/apps/[/]")
    say("")
    for name, password in home.passwords(settings).items():
        role = "teaches and grades" if name in settings.accounts.teachers else "learns"
        say(f"    {name:<10} password [bold]{password}[/]   [dim]{role}[/]")
    say("")
    say("  This is a demonstration: all accounts share your own account of this computer.")
    version = confine.landlock_version()
    if version == 0:
        say(
            "  [yellow]This system has no Landlock, so one thing can't be promised:[/] whoever signs "
            "in can run code that reads your files, the answer keys and other people's work."
        )
    else:
        say("  Students' servers and the apps can't read keys, or the work of others (Landlock).")
        if version < 6:
            say("  [yellow]This kernel can't keep them from stopping each other's processes.[/]")
    say(f"  Everything is kept in {settings.home}. Ctrl-C stops it.")
    say("")
