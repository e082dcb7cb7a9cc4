"""Who may reach which files: the lists that `confine` enforces.

===================  =======================================  ==============================
                     reads                                    writes
===================  =======================================  ==============================
a student's server   environment, packages, public cases,     own home; puts submissions into
                     released modules, own feedback by name   the exchange, can't list them
a teacher's server   the same                                 own home, keys of added cases
the module apps      environment, packages, public cases,     own scratch folder
                     the apps
the grading service  everything (it holds the keys, and       –
                     runs submissions in a sandbox of its own)
===================  =======================================  ==============================
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import site
import sys
from pathlib import Path

from clerkship_hub.confine import Allowance
from clerkship_hub.settings import CHECKOUT, SETTINGS_VARIABLE, Settings, clean_environment

PUBLIC_PACKAGES = ("clerkship_cases", "clerkship_widgets", "clerkship_grading", "clerkship_hub")
"""Packages that confined processes import; the course sources, answers included, aren't there."""


def package_folder(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{name} is not installed in {sys.prefix}")
    return Path(spec.submodule_search_locations[0]).resolve()


def link_code(settings: Settings) -> None:
    """Make the folder that confined processes import our packages from.

    In a checkout a package lies beside things that students may not see (``cases/keys``), and
    a folder that can't be listed can't be imported from.  Hence a folder of links.
    """
    wanted = {name: package_folder(name) for name in PUBLIC_PACKAGES}
    library = wanted["clerkship_cases"].parent / "library"
    if library.is_dir():
        wanted["library"] = library  # in a checkout the public cases lie beside their package
    for entry in settings.code.iterdir():
        if entry.is_symlink() and entry.resolve() != wanted.get(entry.name):
            entry.unlink()
    for name, folder in wanted.items():
        link = settings.code / name
        if not link.is_symlink():
            link.symlink_to(folder, target_is_directory=True)


def scene_cache() -> Path:
    """Return where 3D scenes are kept: made once by ``up``, read by everybody, written by nobody else."""
    from clerkship_widgets.scene import cache_root

    return cache_root()


def added_cases() -> Path:
    """Return where cases of this machine live: ``cases/`` is public, ``keys/`` the teachers'."""
    from clerkship_cases.library import added_root

    return added_root()


def make_added_folders() -> None:
    """Make the folders of added cases, so that they can be allowed to those who need them."""
    root = added_cases()
    with contextlib.suppress(OSError):  # without a place to add cases the shipped ones still work
        (root / "cases").mkdir(mode=0o755, parents=True, exist_ok=True)
        (root / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)


def grader_keys() -> str:
    """Return the folders that hold keys, as ``CLERKSHIP_KEYS`` wants them."""
    return os.pathsep.join([str(CHECKOUT / "cases" / "keys"), str(added_cases() / "keys")])


def public_files(settings: Settings) -> tuple[str, ...]:
    """Return what everybody may read: interpreter, environment, our packages, public cases."""
    packages = [package_folder(name) for name in PUBLIC_PACKAGES]
    library = package_folder("clerkship_cases").parent / "library"
    folders = [
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(os.path.realpath(sys.executable)).parent.parent,
        *(Path(path) for path in site.getsitepackages()),
        *packages,
        library,
        settings.code,
        scene_cache(),
        added_cases() / "cases",
    ]
    return tuple(dict.fromkeys(str(folder) for folder in folders if folder.exists()))


def person_allowance(settings: Settings, name: str) -> Allowance:
    """Return what the server of an account may reach; a teacher may draw references as well."""
    exchange = [settings.exchange / course for course in settings.courses]
    teaches = name in settings.accounts.teachers
    role = "teacher" if teaches else "student"
    keys = added_cases() / "keys"
    return Allowance(
        read=(
            *public_files(settings),
            str(settings.config / role),
            *(str(folder / "outbound") for folder in exchange),
        ),
        write=(
            str(settings.user_home(name)),
            *([str(keys)] if teaches and keys.is_dir() else []),
        ),
        drop=tuple(str(folder / "inbound") for folder in exchange),
        peek=tuple(str(folder / "feedback") for folder in exchange),
    )


def apps_allowance(settings: Settings) -> Allowance:
    """Return what the module apps may reach."""
    return Allowance(
        read=(*public_files(settings), str(settings.apps), str(settings.file)),
        write=(str(settings.scratch),),
    )


def private_folders(home: Path) -> dict[str, str]:
    """Point everything that programs like to scatter over a machine into one home folder."""
    hidden = home / ".local"
    return {
        "HOME": str(home),
        "TMPDIR": str(home / ".tmp"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(hidden / "share"),
        "XDG_RUNTIME_DIR": str(home / ".tmp"),
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(hidden / "share" / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(hidden / "share" / "jupyter" / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / ".jupyter" / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / ".jupyter" / "lab" / "workspaces"),
        "IPYTHONDIR": str(home / ".ipython"),
        "MPLCONFIGDIR": str(home / ".config" / "matplotlib"),
    }


def make_private_folders(home: Path) -> None:
    """Make the folders named by `private_folders`, so that no program has to."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in private_folders(home).values():
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)


def confined_environment(settings: Settings, home: Path) -> dict[str, str]:
    """Return the environment of a confined process: nothing inherited but language and paths."""
    return clean_environment(
        private_folders(home)
        | {
            "PYTHONPATH": str(settings.code),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SHELL": "/bin/bash",
            "CLERKSHIP_CACHE": str(scene_cache()),
            "CLERKSHIP_LIBRARY": str(added_cases()),
        }
    )


def hub_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the hub itself."""
    return clean_environment(
        {
            SETTINGS_VARIABLE: str(settings.file),
            "HOME": str(settings.state),
            "CLERKSHIP_CACHE": str(scene_cache()),
            "CLERKSHIP_LIBRARY": str(added_cases()),
        }
    )
