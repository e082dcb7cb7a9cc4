"""The one error family of this package."""


class HubError(Exception):
    """Something is in the way; the message is one sentence for the person at the keyboard."""
