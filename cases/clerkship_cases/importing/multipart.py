"""Cut a multipart body into files while it comes, without ever holding more than a piece of it.

Source
------
RFC 2046 5.1.1 (boundaries), DICOM PS3.18 8.6.1.2 (multipart/related).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from clerkship_cases.errors import CaseError
from clerkship_cases.importing.limits import Budget

#: Before the first boundary, and for the header of a part: a few lines, never more.
_MAX_HEADER_BYTES = 16 * 2**10


def write_parts(
    pieces: Iterable[bytes], boundary: bytes, folder: Path, budget: Budget
) -> Iterator[Path]:
    """Write each part of a multipart body to a file of its own.

    Parameters
    ----------
    pieces : iterable of bytes
        The body, cut anywhere.
    boundary : bytes
        Without its dashes.
    folder : Path
        Files are written here as ``000001.dcm``, ``000002.dcm``, …
    budget : Budget
        Counts files and bytes.

    Yields
    ------
    Path
        Each file, once it is complete.

    Raises
    ------
    CaseError
        If the body ends before its last boundary, or does not start with one.
    """
    mark = b"\r\n--" + boundary
    body = _Body(pieces, budget.what)
    body.short(mark, "the answer is not divided as its header says")
    while body.peek(2) != b"--":  # two dashes behind a boundary: it was the last
        body.short(b"\r\n\r\n", f"the header of part {body.complete + 1} has no end")
        budget.open_file()
        path = folder / f"{body.complete + 1:06d}.dcm"
        with path.open("xb") as file:
            for piece in body.before(mark):
                budget.take(len(piece))
                file.write(piece)
        body.complete += 1
        yield path


class _Body:
    """A stream of bytes that is read from mark to mark."""

    def __init__(self, pieces: Iterable[bytes], what: str) -> None:
        self._pieces = iter(pieces)
        self._ahead = b"\r\n"  # so that a boundary at the very start is like any other
        self._what = what
        self.complete = 0

    def before(self, mark: bytes) -> Iterator[bytes]:
        """Yield what comes before a mark, in pieces; afterwards the stream stands behind the mark."""
        while (end := self._ahead.find(mark)) < 0:
            sure = max(0, len(self._ahead) - len(mark) + 1)  # the rest may be the mark's beginning
            piece, self._ahead = self._ahead[:sure], self._ahead[sure:]
            if piece:
                yield piece
            self._ahead += self._more()
        yield self._ahead[:end]
        self._ahead = self._ahead[end + len(mark) :]

    def short(self, mark: bytes, otherwise: str) -> None:
        """Pass over something that must be short."""
        passed_bytes = 0
        for piece in self.before(mark):
            passed_bytes += len(piece)
            if passed_bytes > _MAX_HEADER_BYTES:
                raise CaseError(f"{self._what}: {otherwise}.")

    def peek(self, count: int) -> bytes:
        """Look at what comes next, without passing it."""
        while len(self._ahead) < count:
            self._ahead += self._more()
        return self._ahead[:count]

    def _more(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            raise CaseError(
                f"{self._what}: the answer broke off after {self.complete} complete files. Try again."
            )
        return piece
