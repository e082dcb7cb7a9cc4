"""The hub: brings a whole Clerkship up, and goes through it as people do."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clerkship_hub.errors import HubError
    from clerkship_hub.marking import Formgrader
    from clerkship_hub.session import Visitor
    from clerkship_hub.settings import Accounts, Settings
    from clerkship_hub.up import running
    from clerkship_hub.voice import Voice

__all__ = ["Accounts", "Formgrader", "HubError", "Settings", "Visitor", "Voice", "running"]

_HOME = {
    "Accounts": "settings",
    "Formgrader": "marking",
    "HubError": "errors",
    "Settings": "settings",
    "Visitor": "session",
    "Voice": "voice",
    "running": "up",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: students' servers need almost none of it."""
    if name not in _HOME:
        raise AttributeError(f"module 'clerkship_hub' has no attribute {name!r}")
    return getattr(import_module(f"clerkship_hub.{_HOME[name]}"), name)
