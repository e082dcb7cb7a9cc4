"""How the browser gets its scripts.

The small first module of each widget travels with the widget (anywidget's ``_esm``). The large
ones (``*_engine``) are static files that Jupyter serves from a lab-extension folder without any
server extension; where that folder is absent, the browser asks the kernel for the script.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Protocol

from clerkship_widgets.answers import WidgetError

STATIC = Path(__file__).parent / "static"
EXTENSION = Path("share/jupyter/labextensions/@clerkship/widgets")


class Sender(Protocol):
    """The one thing needed of a widget here: it can send a message with buffers."""

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a custom message to the browser."""


def script(name: str) -> Path:
    """Find a built first module, for a widget's ``_esm``.

    Raises
    ------
    WidgetError
        If the browser side has not been built.
    """
    path = STATIC / f"{name}.js"
    if not path.is_file():
        raise WidgetError(
            f"{path.name} has not been built. Run ./clerkship up, or: cd widgets/js && node build.mjs"
        )
    return path


def install_static(prefix: Path) -> Path:
    """Put the engines where Jupyter serves them, under an environment's prefix.

    Parameters
    ----------
    prefix : Path
        For instance ``Path(sys.prefix)``; files go to
        ``<prefix>/share/jupyter/labextensions/@clerkship/widgets``.

    Returns
    -------
    Path
        The folder written.

    Raises
    ------
    WidgetError
        If no engine has been built.
    """
    engines = sorted(STATIC.glob("*_engine.js.gz"))
    if not engines:
        raise WidgetError(
            f"{STATIC} holds no engine. Build the browser side first: cd widgets/js && node build.mjs"
        )
    folder = prefix / EXTENSION
    static = folder / "static"
    static.mkdir(parents=True, exist_ok=True)
    for old in static.iterdir():
        if old.name not in {engine.name for engine in engines}:
            old.unlink()
    for engine in engines:
        # A page may be loading the old one: write beside it, then swap.
        temporary = static / f".{engine.name}"
        shutil.copyfile(engine, temporary)
        temporary.replace(static / engine.name)
    # "_build" is left out on purpose: with it, Lab would look for a federated module and complain.
    description = {"name": "@clerkship/widgets", "version": "0.1.0", "jupyterlab": {}}
    (folder / "package.json").write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return folder


def answer_engine_request(widget: Sender, content: object) -> bool:
    """Send a large script through the kernel, if that is what the browser asks for.

    Parameters
    ----------
    widget : Sender
        The widget that received the message.
    content : object
        The custom message; ``{"engine": "<name>"}`` asks for ``static/<name>.js.gz``.

    Returns
    -------
    bool
        True if the message was such a request (and is answered), else False.
    """
    name = content.get("engine") if isinstance(content, dict) else None
    if not isinstance(name, str):
        return False
    path = STATIC / f"{name}.js.gz"
    if re.fullmatch(r"[a-z_]+_engine", name) and path.is_file():
        widget.send({"engine": name}, [path.read_bytes()])
    else:
        widget.send({"engine": name, "error": f"{name} has not been built."}, [])
    return True
