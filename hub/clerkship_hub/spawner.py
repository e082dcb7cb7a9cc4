"""Start a person's own Jupyter server, confined to that person's files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner

from clerkship_hub import policy
from clerkship_hub.settings import SETTINGS_VARIABLE, Settings
from clerkship_hub.supervise import confined


class ConfinedSpawner(LocalProcessSpawner):  # type: ignore[misc]  # untyped base
    """Runs every server under the hub's own operating-system user, each behind Landlock.

    No account of the operating system is needed, nor root.  What a server may reach is said
    by `policy.person_allowance`.
    """

    async def start(self) -> tuple[str, int]:
        """Start the server and return its address."""
        settings = Settings.from_environment()
        home = settings.user_home(self.user.name)
        policy.make_private_folders(home)
        server = [sys.executable, "-m", "jupyterhub.singleuser", "--allow-root"]
        self.cmd = confined(server, policy.person_allowance(settings, self.user.name))
        log = settings.log(f"server-{self.user.name}")
        with log.open("ab") as output:
            self.popen_kwargs = {"stdout": output, "stderr": output, "cwd": home}
            address: tuple[str, int] = await super().start()
        return address

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Add the person's folders and role to the environment that the hub prepared."""
        settings = Settings.from_environment()
        home = settings.user_home(self.user.name)
        teacher = self.user.name in settings.accounts.teachers
        role = settings.config / ("teacher" if teacher else "student")
        env = {name: value for name, value in env.items() if name != SETTINGS_VARIABLE}
        return (
            env
            | policy.confined_environment(settings, home)
            | {
                "USER": self.user.name,
                "LOGNAME": self.user.name,
                "JUPYTER_CONFIG_PATH": str(role),
                "CLERKSHIP_COURSES": " ".join(settings.courses),
            }
        )

    def make_preexec_fn(self, _name: str) -> Callable[[], None]:
        """Change no user; only keep new files private."""

        def keep_private() -> None:
            os.umask(0o077)

        return keep_private

    def move_certs(self, paths: Any) -> Any:
        """Leave certificates where they are: there is one operating-system user."""
        return paths
