"""One file over HTTP: resumed where it broke off, tried again, never more bytes than announced."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests

from clerkship_cases.errors import CaseError

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = (10, 60)  # to connect; between two pieces
_ATTEMPTS = 4  # in a row, without a single new byte
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_PARTIAL, _RANGE_NOT_SATISFIABLE = 206, 416
_AGENT = "clerkship-cases"

Advance = Callable[[int], None]


class _BrokenOffError(Exception):
    """The transfer ended early; trying again may help."""


_WORTH_ANOTHER_TRY = (
    _BrokenOffError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,  # what requests calls a transfer that ended early
)


@dataclass
class Line:
    """How files are fetched: who hears of progress, and whether to go on.

    Attributes
    ----------
    expect : callable
        Told how many bytes will have to come, as soon as that is known.
    advance : callable
        Told how many bytes arrived; a negative number takes some back.
    stop : Event
        When set, downloads end at the next piece and keep what they have.
    pause_s : float
        Before the second attempt; doubled for each further one.
    """

    advance: Advance = lambda _count: None
    expect: Advance = lambda _count: None
    stop: threading.Event = field(default_factory=threading.Event)
    pause_s: float = 0.5
    _local: threading.local = field(default_factory=threading.local, repr=False)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Stop the other downloads when one has failed, or the person has pressed Ctrl-C."""
        try:
            yield
        except BaseException:
            self.stop.set()
            raise

    def session(self) -> requests.Session:
        """One connection pool for each thread."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers.update({"User-Agent": _AGENT, "Accept-Encoding": "identity"})
        return session


@contextmanager
def locked(part: Path) -> Iterator[BinaryIO]:
    """Open a partial file for appending, alone: another process that wants it waits here."""
    while True:
        file = part.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            same = os.fstat(file.fileno()).st_ino == part.stat().st_ino
        except FileNotFoundError:  # whoever held it has finished, or thrown it away
            same = False
        if same:
            break
        file.close()
    try:
        yield file
    finally:
        file.close()


def download(url: str, file: BinaryIO, size: int, line: Line) -> None:
    """Bring a file to its full size, going on from the bytes that it has.

    Parameters
    ----------
    url : str
        Where from.
    file : binary file
        Opened for appending; what it holds is the beginning of the wanted file.
    size : int
        Bytes that the wanted file has.

    Raises
    ------
    CaseError
        If the server refuses, sends something larger, or can't be reached.
    """
    fails, problem = 0, ""
    line.advance(os.fstat(file.fileno()).st_size)
    while (before := os.fstat(file.fileno()).st_size) != size:
        if before > size:
            _start_over(file, line)
            before = 0
        if line.stop.is_set():
            raise CaseError(
                f"{url}: stopped; what has arrived is kept, and `get` goes on from there."
            )
        try:
            _transfer(url, file, before, size, line)
            problem = "the connection broke off"
        except _WORTH_ANOTHER_TRY as error:
            problem = str(error)
        except requests.RequestException as error:
            raise CaseError(f"{url}: can't be fetched ({error}).") from error
        after = os.fstat(file.fileno()).st_size
        if after == size:
            break
        fails = 0 if after > before else fails + 1
        if fails >= _ATTEMPTS:
            raise CaseError(_unreachable(url, problem))
        line.stop.wait(line.pause_s * 2**fails)
    file.flush()
    os.fsync(file.fileno())


def fetch_text(url: str, line: Line, limit_bytes: int = 8_000_000) -> bytes:
    """Fetch a small document.

    Raises
    ------
    CaseError
        If it can't be had, or is larger than ``limit_bytes``.
    """
    problem = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(line.pause_s * 2**attempt)
        try:
            with line.session().get(url, stream=True, timeout=_TIMEOUT_S) as reply:
                if reply.status_code in _TRY_AGAIN:
                    problem = f"the server said {reply.status_code}"
                    continue
                _accept(url, reply)
                content = b""
                for piece in reply.iter_content(_CHUNK_BYTES):
                    content += piece
                    if len(content) > limit_bytes:
                        raise CaseError(f"{url}: the answer is larger than {limit_bytes} bytes.")
                return content
        except requests.RequestException as error:
            problem = str(error)
    raise CaseError(_unreachable(url, problem))


def _transfer(url: str, file: BinaryIO, start: int, size: int, line: Line) -> None:
    """Ask once for the bytes from ``start`` on, and append what comes."""
    headers = {"Range": f"bytes={start}-"} if start else {}
    with line.session().get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as reply:
        if reply.status_code in _TRY_AGAIN:
            raise _BrokenOffError(f"the server said {reply.status_code} {reply.reason}")
        if reply.status_code == _RANGE_NOT_SATISFIABLE:
            _start_over(file, line)
            raise _BrokenOffError("the server's file is shorter than what was fetched before")
        _accept(url, reply)
        if start and not _continues(reply, start):
            _start_over(file, line)  # a server that can't resume sends everything again
            start = 0
        try:
            for piece in reply.iter_content(_CHUNK_BYTES):
                start += len(piece)
                if start > size:
                    raise CaseError(f"{url}: sends more than the {size} bytes that the list names.")
                file.write(piece)
                line.advance(len(piece))
                if line.stop.is_set():
                    break
        finally:
            file.flush()  # what arrived before a break counts


def _continues(reply: requests.Response, start: int) -> bool:
    place = reply.headers.get("Content-Range", "")
    return reply.status_code == _PARTIAL and place.startswith(f"bytes {start}-")


def _accept(url: str, reply: requests.Response) -> None:
    if reply.status_code not in (200, _PARTIAL):
        raise CaseError(
            f"{url}: the server said {reply.status_code} {reply.reason}. The address may have moved; "
            f"a copy of the file in a folder named by CLERKSHIP_MIRROR is as good."
        )


def _start_over(file: BinaryIO, line: Line) -> None:
    line.advance(-os.fstat(file.fileno()).st_size)
    file.truncate(0)


def _unreachable(url: str, problem: str) -> str:
    host = urlsplit(url).netloc
    short = problem if len(problem) < 120 else problem.rpartition(":")[2].strip(" )>'")[:120]
    return (
        f"{host} can't be reached, or breaks off ({short}). Check the connection and run the command "
        f"again: it goes on where it stopped. Without internet, put the files into a folder and name "
        f"it in CLERKSHIP_MIRROR."
    )
