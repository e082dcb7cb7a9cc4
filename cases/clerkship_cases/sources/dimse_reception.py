"""What comes in over a DICOM association: written to disk, counted, and watched for silence."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.limits import Budget, Limits

if TYPE_CHECKING:
    from pynetdicom.events import EventHandlerType

#: What an answer to a question may take; images have the limit of a file.
_MAX_ANSWER_BYTES = 64 * 2**20
#: We announce 16 kB as the largest PDU that we take; a peer that sends one of more than this does not
#: keep to what was agreed (PS3.8 D.1), and may want us to wait for 4 GB.
_MAX_PDU_BYTES = 2**20
_STORED, _OUT_OF_RESOURCES = 0x0000, 0xA700  # PS3.4 table B.2-1
_LOOK_SECONDS = 0.2


class Reception:
    """The receiving side of one association.

    Parameters
    ----------
    name : str
        The peer, for messages.
    limits : Limits
    folder : Path, optional
        Where images are written; without it none is taken.

    Attributes
    ----------
    arrived : dict of str to Path
        SOP instance UID of every image that was written, and its file.
    """

    def __init__(self, name: str, limits: Limits, folder: Path | None = None) -> None:
        self.arrived: dict[str, Path] = {}
        self._line: socket.socket | None = None
        self._folder = folder
        self._limits = limits
        self._budget = Budget(limits, name)
        self._heard = time.monotonic()
        self._message_bytes = 0
        self._most_bytes = limits.file_bytes if folder else _MAX_ANSWER_BYTES
        self._trouble: CaseError | None = None
        self._over = threading.Event()

    def handlers(self) -> list["EventHandlerType"]:
        """Return the event handlers for ``AE.associate``."""
        from pynetdicom import evt

        return [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_DATA_RECV, self._received),
            (evt.EVT_C_STORE, self._store),
        ]

    def check(self) -> None:
        """Raise what went wrong on the receiving side, if anything did.

        Raises
        ------
        CaseError
            Too much, too long, too quiet, or no space on the disk.
        """
        if self._trouble is not None:
            raise self._trouble

    def hang_up(self) -> None:
        """Close the line itself, so that whoever waits for it stops waiting."""
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the line back to the system."""
        self.hang_up()
        if self._line is not None:
            self._line.close()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hang up when the peer falls silent, or when too much has come."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _opened(self, event: Any) -> None:
        self._heard = time.monotonic()
        transport = event.assoc.dul.socket
        receive = transport.recv

        def bounded(count: int) -> bytearray:
            if count > _MAX_PDU_BYTES:
                raise OSError(f"a PDU of {count} bytes was announced")
            return bytearray(receive(count))

        transport.recv = bounded
        self._line = transport.socket
        self._line.settimeout(self._limits.quiet_seconds)
        # Our answers are small, and each image waits for one: do not hold them back to fill a packet.
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _received(self, event: Any) -> None:
        """Count what has not become a file yet: the rest of a message may never come."""
        self._heard = time.monotonic()
        self._message_bytes += len(event.data)
        if self._message_bytes > self._most_bytes + _MAX_PDU_BYTES:
            self._stop(
                CaseError(
                    f"{self._budget.what}: sent a message of more than "
                    f"{self._most_bytes / 2**20:.0f} MB. Ask for one patient or one series."
                )
            )

    def _store(self, event: Any) -> int:
        """Write one image as it came; nothing in it decides where."""
        try:
            if self._folder is None or self._trouble is not None:
                return _OUT_OF_RESOURCES
            self._message_bytes = 0
            self._budget.open_file()
            encoded = event.encoded_dataset()
            self._budget.take(len(encoded))
            uid = str(event.request.AffectedSOPInstanceUID)
            path = self._folder / f"{self._budget.files:06d}.dcm"
            with path.open("xb") as file:
                file.write(encoded)
            self.arrived[uid] = path
        except (CaseError, OSError) as problem:
            self._stop(
                problem
                if isinstance(problem, CaseError)
                else CaseError(f"{self._folder}: can't be written ({problem.strerror}).")
            )
            return _OUT_OF_RESOURCES
        return _STORED

    def _stop(self, trouble: CaseError) -> None:
        self._trouble = self._trouble or trouble

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            with suppress(CaseError):
                self._look()
                continue
            self.hang_up()
            return

    def _look(self) -> None:
        try:
            self.check()
            self._budget.check_time()
            if time.monotonic() - self._heard > self._limits.quiet_seconds:
                raise CaseError(  # noqa: TRY301 - one place for all reasons
                    f"{self._budget.what}: fell silent for {self._limits.quiet_seconds:g} s, after "
                    f"{len(self.arrived)} images. Try again later."
                )
        except CaseError as problem:
            self._stop(problem)
            raise
