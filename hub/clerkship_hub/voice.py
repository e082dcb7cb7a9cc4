"""What ``up`` and ``demo`` say while they work: colours and a clock in a terminal, else plain."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console


class Voice:
    """Speaks to the person at the keyboard, and keeps the time that each step took.

    Parameters
    ----------
    console : Console, optional
        Where to; standard error if absent, so that results on standard output stay clean.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, what: str, *, key: str | None = None) -> Iterator[None]:
        """Show that a step is under way, and how long it took when it is done.

        Parameters
        ----------
        what : str
            The step, as an activity: "Building the courses".
        key : str, optional
            Under which the time is kept in `seconds`; not kept if absent.
        """
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(f"{what} …"):
                yield
        else:
            self.say(f"  {what} …")
            yield
        took = time.monotonic() - started
        if self.console.is_terminal:
            self.say(f"  [green]✓[/] {what} [dim]{took:.1f} s[/]")
        if key:
            self.seconds[key] = round(self.seconds.get(key, 0.0) + took, 3)

    def say(self, text: str) -> None:
        """Print a line (rich markup allowed), never broken by us."""
        self.console.print(text, soft_wrap=True)
