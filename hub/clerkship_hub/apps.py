"""The module apps: every module as a web page for self-study, without sign-in and ungraded.

This is Voila, cut down to what a reader needs: an index, one page for each module, pictures,
and the widgets' own messages.  There is no way to run code of one's own: kernels are started
only by opening a page, and Voila passes on no message that executes anything.

Run as a process of its own, confined, without any token: ``python -m clerkship_hub.apps FILE``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from clerkship_hub.landing import CourseCard, load_cards, render_page
from clerkship_hub.settings import LOOPBACK, Settings

BASE_URL = "/services/apps/"
WARM_KERNELS = 2
"""Pages kept ready for each module: two people may arrive together and both find theirs."""

MOST_KERNELS = 24
"""Open pages at a time; a kernel with images takes about 150 MB."""

IDLE_S = 15 * 60
"""A page that nobody looks at gives its kernel back after this time."""

WIDGET_EXTENSIONS = [
    "@voila-dashboards/widgets-manager8",
    "@jupyter-widgets/jupyterlab-manager",
    "anywidget",
]
"""Of JupyterLab's extensions a page needs these; others expect a whole JupyterLab around them."""

NOT_OURS = (
    "/voila/tree",
    "/voila/render",
    "/voila/api/contents",
    "/voila/files",
    "/voila/execution",
)
"""Voila's own pages that would list or show files; ours take their place."""


class IndexPage(JupyterHandler):
    """The list of modules."""

    def initialize(self, courses: list[CourseCard]) -> None:
        """Take what tornado hands over from the routing table."""
        self.courses = courses

    def get(self) -> None:
        """Show it."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(render_page("apps.html", courses=self.courses, base_url=self.base_url))


class ModulePage(TornadoVoilaHandler):  # type: ignore[misc]  # untyped base
    """One module, rendered with a kernel of its own."""

    async def get(self, course: str, module: str) -> None:
        """Show the module, or say politely that all places are taken."""
        notebook = f"{course}/{module}/{module}.ipynb"
        if not (Path(self.settings["clerkship_apps"]) / notebook).is_file():
            raise tornado.web.HTTPError(404, f"There is no module {module!r}")
        manager = self.kernel_manager
        if manager.get_pool_size(notebook) == 0 and len(manager.list_kernel_ids()) >= MOST_KERNELS:
            self.set_status(503)
            self.set_header("Retry-After", "60")
            self.finish(render_page("busy.html", base_url=self.base_url))
            return
        await super().get(notebook)


class ModuleApps(Voila):  # type: ignore[misc]  # untyped base
    """Voila with our index and without its file browser."""

    courses: list[CourseCard]

    def init_handlers(self) -> list[Any]:
        """Return Voila's routes for scripts and messages, and our own pages."""
        base = self.server_url
        kept = [
            route
            for route in super().init_handlers()
            if route[0] != base
            and not any(str(route[0]).startswith(url_path_join(base, own)) for own in NOT_OURS)
        ]
        pictures = {
            "path": self.root_dir,
            "allowlist": [r"[a-z0-9-]+/[a-z0-9-]+/[\w./-]+\.(png|jpg|jpeg|gif|svg)"],
            "denylist": [],
        }
        page = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        self.app.settings["clerkship_apps"] = self.root_dir
        return [
            *kept,
            (base, IndexPage, {"courses": self.courses}),
            (url_path_join(base, r"([a-z0-9-]+)/([a-z0-9-]+)/?"), ModulePage, page),
            (
                url_path_join(base, r"([a-z0-9-]+/[a-z0-9-]+/.+\..+)"),
                AllowListFileHandler,
                pictures,
            ),
        ]


def apps_config(settings: Settings) -> Config:
    """Return Voila's configuration."""
    c = Config()
    c.Voila.ip = LOOPBACK
    c.Voila.port = settings.ports.apps
    c.Voila.port_retries = 0
    c.Voila.base_url = BASE_URL
    c.Voila.root_dir = str(settings.apps)
    c.Voila.open_browser = False
    c.Voila.config_file_paths = []
    c.VoilaConfiguration.template = "clerkship"
    c.VoilaConfiguration.extension_allowlist = WIDGET_EXTENSIONS
    c.VoilaConfiguration.allow_template_override = "NO"
    c.VoilaConfiguration.allow_theme_override = "NO"
    c.VoilaConfiguration.strip_sources = True
    c.VoilaConfiguration.show_tracebacks = False
    c.VoilaConfiguration.preheat_kernel = True
    c.VoilaConfiguration.default_pool_size = WARM_KERNELS
    c.VoilaConfiguration.http_keep_alive_timeout = 10
    c.VoilaExecutor.timeout = 120
    c.MappingKernelManager.cull_idle_timeout = IDLE_S
    c.MappingKernelManager.cull_interval = 60
    c.MappingKernelManager.cull_connected = False
    return c


def main(settings_file: str) -> None:
    """Serve the apps until told to stop."""
    settings = Settings.load(Path(settings_file))
    ModuleApps.courses = load_cards(settings)
    ModuleApps.launch_instance(argv=[], config=apps_config(settings))


if __name__ == "__main__":
    main(sys.argv[1])
