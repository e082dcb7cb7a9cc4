"""Sign-in for a demonstration: one random password for each account, kept in the home."""

from __future__ import annotations

import hmac
from typing import Any

from jupyterhub.auth import Authenticator

from clerkship_hub.home import passwords
from clerkship_hub.settings import Settings


class DemonstrationAuthenticator(Authenticator):  # type: ignore[misc]  # untyped base
    """Accepts exactly the accounts of this home, each with its own password."""

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the account's name if the password is right, else None."""
        known = passwords(Settings.from_environment())
        name = data["username"]
        given = data.get("password", "")
        right = known.get(name, "")
        matches = hmac.compare_digest(given.encode(), right.encode())
        return name if right and matches else None
