"""The one exception family of this package."""


class CaseError(Exception):
    """A case, an image or a standard file that can't be used as given.

    The message says what was given, what was expected and what to do. It is written to be shown to
    a person as it stands, without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """Show only the message in a notebook: the lines of our code are not the reader's."""
        return [f"{type(self).__name__}: {self}"]
