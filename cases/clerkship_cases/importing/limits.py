"""How much of somebody else's data is taken in before saying stop.

The limits are far above any real study. They exist because an archive or a server can claim, or
send, without end.
"""

import time
from dataclasses import dataclass, field

from clerkship_cases.errors import CaseError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one import.

    Attributes
    ----------
    files : int
        Files of one source. A cardiac CT with all its phases has some 5,000.
    file_bytes : int
        One file. A whole breast tomosynthesis has about 2 GB.
    total_bytes : int
        All files of one source.
    ratio : int
        Unpacked to packed size of an archive. Images shrink 2- to 5-fold, an empty one up to
        100-fold; deflate itself ends at 1032 (zlib's technical notes), which is what bombs use.
    free_bytes : int
        Below this size the ratio is not looked at.
    seconds : float
        Time for one series to come over a network.
    quiet_seconds : float
        A server that says nothing for this long has stopped.
    """

    files: int = 20_000
    file_bytes: int = 4 * 2**30
    total_bytes: int = 32 * 2**30
    ratio: int = 150
    free_bytes: int = 64 * 2**20
    seconds: float = 3600.0
    quiet_seconds: float = 30.0


@dataclass(slots=True)
class Budget:
    """What is left of the limits while a source is read; every overrun is a CaseError.

    Parameters
    ----------
    limits : Limits
    what : str
        Name of the source, for the sentence.
    """

    limits: Limits
    what: str
    files: int = 0
    total_bytes: int = 0
    _file_bytes: int = 0
    _started: float = field(default_factory=time.monotonic)

    def open_file(self) -> None:
        """Count one more file."""
        self.files += 1
        self._file_bytes = 0
        if self.files > self.limits.files:
            raise CaseError(
                f"{self.what}: has more than {self.limits.files:,} files. Give one study at a time."
            )

    def take(self, count: int) -> None:
        """Count bytes of the file that is open, and look at the clock."""
        self._file_bytes += count
        self.total_bytes += count
        if self._file_bytes > self.limits.file_bytes:
            raise CaseError(
                f"{self.what}: file {self.files} is larger than {_size(self.limits.file_bytes)}; "
                f"no image of a case needs that much."
            )
        if self.total_bytes > self.limits.total_bytes:
            raise CaseError(
                f"{self.what}: holds more than {_size(self.limits.total_bytes)}. "
                f"Give one series at a time."
            )
        self.check_time()

    def check_time(self) -> None:
        """Stop when the time for this source is over."""
        if time.monotonic() - self._started > self.limits.seconds:
            raise CaseError(
                f"{self.what}: was not finished after {self.limits.seconds:g} s "
                f"({self.files} files, {_size(self.total_bytes)}). Ask for one series at a time, "
                f"or look at the connection."
            )

    @property
    def seconds_left(self) -> float:
        """Time that remains, at least a tick."""
        return max(0.001, self.limits.seconds - (time.monotonic() - self._started))


def _size(count: int) -> str:
    for unit, scale in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} bytes"
