"""Saving in the background: soon after the last change, never in the way of the next slice."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from datetime import datetime
from typing import Any

#: Strokes that follow each other within this time are saved together.
DELAY_S = 0.4


class Autosave:
    """Calls a function, in a thread of its own, a moment after the last request.

    Parameters
    ----------
    save : callable
        Writes everything as it stands when called; raises to say that it failed.
    report : callable
        Told the state: ``{"state": "saving"}``, ``{"state": "saved", "at": "14:02"}`` or
        ``{"state": "failed", "message": …}``. Called from the saving thread.
    explain : callable
        Turns an exception into a sentence for a student.
    delay_s : float
        How long to wait for more.
    """

    def __init__(
        self,
        save: Callable[[], None],
        report: Callable[[dict[str, Any]], None],
        explain: Callable[[Exception], str],
        delay_s: float = DELAY_S,
    ) -> None:
        self._save, self._report, self._explain, self._delay_s = save, report, explain, delay_s
        self._timer: threading.Timer | None = None
        self._timer_lock = threading.Lock()  # guards _timer
        self._save_lock = threading.Lock()  # one save at a time
        self._dirty = False
        # A kernel that is shut down in good order writes what it still holds; a weak
        # reference, so that this does not keep every room of a session alive.
        atexit.register(_flush, weakref.ref(self))

    def request(self) -> None:
        """Ask for a save soon."""
        with self._timer_lock:
            self._dirty = True
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._delay_s, self._run)
            self._timer.daemon = True
            self._timer.start()

    def flush(self) -> None:
        """Save now what is waiting, if anything is."""
        with self._timer_lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if self._dirty:
            self._run()

    def _run(self) -> None:
        with self._save_lock:
            self._dirty = False
            self._report({"state": "saving"})
            try:
                self._save()
            except Exception as error:  # whatever went wrong, the reader must see that it did
                self._dirty = True
                self._report({"state": "failed", "message": self._explain(error)})
            else:
                self._report(
                    {"state": "saved", "at": datetime.now().astimezone().strftime("%H:%M")}
                )


def _flush(saver: weakref.ref[Autosave]) -> None:
    """Save what is waiting, if the room still exists."""
    if (alive := saver()) is not None:
        alive.flush()
