"""Split `module.md` into its pieces: front matter, prose, code and marked regions, with lines.

The markers are those of jupytext's Markdown format, so a teacher may open `module.md` in Lab and
sees each region as one cell.  The splitting is done here and not by jupytext, because jupytext
forgets line numbers, and a message without its line is of little help in a page of prose.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clerkship_courses.errors import CourseError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Block", "Code", "Prose", "Region", "Segment", "Source", "split_source"]

_FENCE = re.compile(r"^(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
_REGION = re.compile(r"^<!--\s*#region\b(?P<attributes>.*?)-->\s*$")
_END = re.compile(r"^<!--\s*#endregion\s*-->\s*$")
_BLOCK = re.compile(r"^=== (?P<name>[A-Z][A-Z ]*[A-Z]) ===\s*$")
_ATTRIBUTE = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)=")
_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")


@dataclass(frozen=True)
class Prose:
    """Markdown between two other pieces; never empty."""

    text: str
    line: int


@dataclass(frozen=True)
class Code:
    """A ```python fence outside any region; `show` is true for ```python kind="show"."""

    text: str
    line: int
    show: bool = False


@dataclass(frozen=True)
class Block:
    """What stands below one `=== NAME ===` line of a region, or above the first one (`PROMPT`)."""

    name: str
    text: str
    line: int


@dataclass(frozen=True)
class Region:
    """A `<!-- #region … -->` to its `<!-- #endregion -->`."""

    attributes: dict[str, Any]
    blocks: dict[str, Block] = field(repr=False)
    line: int


Segment = Prose | Code | Region


@dataclass(frozen=True)
class Source:
    """A split `module.md`."""

    path: Path
    header: str
    header_line: int
    segments: tuple[Segment, ...]


def split_source(text: str, path: Path) -> Source:
    """Split the text of a `module.md`.

    Parameters
    ----------
    text : str
        The whole file.
    path : Path
        Where it came from, for messages.

    Returns
    -------
    Source
        The pieces in the order of the file; lines counted from 1.

    Raises
    ------
    CourseError
        At the line of a marker that is not understood, or of something that would not survive on
        its way into a notebook.
    """
    return _Splitter(text, path).split()


class _Splitter:
    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        # Not splitlines(): a form feed or a Unicode line separator in prose is no new line here.
        self.rows = text.replace("\r\n", "\n").split("\n")
        self.at = 0
        self.segments: list[Segment] = []

    def error(self, message: str, line: int) -> CourseError:
        return CourseError(message, self.path, line)

    def split(self) -> Source:
        header = self._front_matter()
        prose: list[str] = []
        prose_line = self.at + 1
        while self.at < len(self.rows):
            row, line = self.rows[self.at], self.at + 1
            fence = _FENCE.match(row)
            if fence and fence["info"].split()[:1] == ["python"]:
                self._prose(prose, prose_line)
                self.segments.append(self._code(fence["info"]))
                prose, prose_line = [], self.at + 1
            elif fence:
                prose += self._fenced()
            elif _REGION.match(row):
                self._prose(prose, prose_line)
                self.segments.append(self._region())
                prose, prose_line = [], self.at + 1
            else:
                self._stray(row, line)
                prose.append(row)
                self.at += 1
        self._prose(prose, prose_line)
        return Source(self.path, header, 2, tuple(self.segments))

    def _front_matter(self) -> str:
        if self.rows[0].rstrip() != "---":
            raise self.error(
                "the file must begin with its header: a line '---', the title and the other "
                "entries as YAML, and a second line '---'.",
                1,
            )
        for index in range(1, len(self.rows)):
            if self.rows[index].rstrip() == "---":
                self.at = index + 1
                return "\n".join(self.rows[1:index])
        raise self.error("the header is not closed; add a line '---' below its last entry.", 1)

    # -- pieces -----------------------------------------------------------------------------------

    def _prose(self, rows: list[str], line: int) -> None:
        """Keep prose, one piece for each `##` heading, without blank lines around it."""
        piece: list[str] = []
        begins = line
        inside = False
        for offset, row in enumerate(rows):
            inside ^= bool(_FENCE.match(row))
            if not inside and re.match(r"^##? ", row) and any(part.strip() for part in piece):
                self._one_prose(piece, begins)
                piece, begins = [], line + offset
            piece.append(row)
        self._one_prose(piece, begins)

    def _one_prose(self, rows: list[str], line: int) -> None:
        while rows and not rows[0].strip():
            rows, line = rows[1:], line + 1
        text = "\n".join(rows).rstrip()
        if text:
            self.segments.append(Prose(text, line))

    def _fenced(self) -> list[str]:
        """Return a fence with its rows, and step behind it."""
        begin = self.at
        opening = _FENCE.match(self.rows[begin])
        if opening is None:  # pragma: no cover  (callers look first)
            raise self.error("a fence was expected here.", begin + 1)
        if opening["ticks"] != "```":
            raise self.error(
                f"a fence of {opening['ticks']!r} was given; notebooks lose such fences. "
                f"Use exactly three backticks, and do not put one fence into another.",
                begin + 1,
            )
        for index in range(begin + 1, len(self.rows)):
            if self.rows[index].rstrip() == "```":
                self.at = index + 1
                return self.rows[begin : index + 1]
            if _REGION.match(self.rows[index]) or _END.match(self.rows[index]):
                break
        raise self.error(
            "the fence that opens here is not closed; add a line of three backticks.", begin + 1
        )

    def _code(self, info: str) -> Code:
        line = self.at + 1
        attributes = self._attributes(info.split("python", 1)[1], line)
        if attributes not in ({}, {"kind": "show"}):
            raise self.error(
                f"a code fence with {attributes} was given; write ```python for an example that is "
                f'run, or ```python kind="show" for a cell that shows a widget.',
                line,
            )
        rows = self._fenced()[1:-1]
        if not any(row.strip() for row in rows):
            raise self.error("this code cell is empty; write code into it or take it out.", line)
        return Code("\n".join(rows).strip("\n"), line + 1, show=bool(attributes))

    def _region(self) -> Region:
        begin = self.at
        line = begin + 1
        opening = _REGION.match(self.rows[begin])
        attributes = self._attributes(opening["attributes"] if opening else "", line)
        self.at += 1
        blocks: dict[str, Block] = {}
        name, block_line, rows = "PROMPT", line + 1, list[str]()
        while True:
            if self.at >= len(self.rows):
                raise self.error(
                    "the region that opens here is not closed; add <!-- #endregion --> below it.",
                    line,
                )
            row = self.rows[self.at]
            here = self.at + 1
            block = _BLOCK.match(row)
            if _END.match(row):
                self.at += 1
                self._keep_block(blocks, name, rows, block_line)
                return Region(attributes, blocks, line)
            if _REGION.match(row):
                raise self.error(
                    f"a region opens inside the region of line {line}; close that one first with "
                    f"<!-- #endregion -->.",
                    here,
                )
            if block:
                self._keep_block(blocks, name, rows, block_line)
                name, block_line, rows = block["name"], here + 1, []
                if name in blocks or name == "PROMPT":
                    raise self.error(f"the block {name} is given twice; keep one of them.", here)
                self.at += 1
            elif _FENCE.match(row):
                rows += self._fenced()
            else:
                self._stray(row, here, inside_region=True)
                rows.append(row)
                self.at += 1

    def _keep_block(self, blocks: dict[str, Block], name: str, rows: list[str], line: int) -> None:
        while rows and not rows[0].strip():
            rows, line = rows[1:], line + 1
        text = "\n".join(rows).rstrip()
        if not text:
            raise self.error(
                "the region begins without a prompt; say in a sentence or two what to do."
                if name == "PROMPT"
                else f"the block {name} is empty; write something into it or take it out.",
                line - 1,
            )
        blocks[name] = Block(name, text, line)

    # -- marker lines -----------------------------------------------------------------------------

    def _attributes(self, text: str, line: int) -> dict[str, Any]:
        """Read `task="zone" points=4`: names with JSON values, as jupytext reads them."""
        attributes: dict[str, Any] = {}
        text = text.strip()
        at = 0
        while at < len(text):
            match = _ATTRIBUTE.match(text, at)
            if match is None:
                raise self.error(
                    f"{text[at:].strip()!r} is not understood here; write name=value pairs, for "
                    f'example task="my-task" kind="quiz" points=5.',
                    line,
                )
            name = match["name"]
            try:
                value, at = json.JSONDecoder().raw_decode(text, match.end())
            except json.JSONDecodeError:
                raise self.error(
                    f"the value of {name} in {text[match.start() :].strip()!r} is not understood; "
                    f'put text into double quotes: {name}="…" (a number needs none; a list is '
                    f'written ["…", "…"]).',
                    line,
                ) from None
            if name in attributes:
                raise self.error(f"{name} is given twice; keep one of them.", line)
            attributes[name] = value
        return attributes

    def _stray(self, row: str, line: int, *, inside_region: bool = False) -> None:
        """Refuse what looks like a marker and is none, and what a notebook would lose."""
        if _END.match(row):
            raise self.error(
                "a region ends here that was never opened; take the line out, or open the region "
                "with <!-- #region … -->.",
                line,
            )
        if re.match(r"^\s*<!--.*\bregion\b", row, re.IGNORECASE):
            raise self.error(
                f"{row.strip()!r} looks like a region marker and is none; write "
                f"<!-- #region … --> and <!-- #endregion -->, each on a line of its own, without "
                f"spaces before it.",
                line,
            )
        if row.startswith("=== ") or (row.startswith("===") and row.strip("= ")):
            if not inside_region and _BLOCK.match(row):
                raise self.error(
                    f"the block {row.strip()!r} stands outside a region; move it between "
                    f"<!-- #region … --> and <!-- #endregion -->.",
                    line,
                )
            raise self.error(
                f"{row.strip()!r} is not understood; a block begins with a line such as "
                f"=== RUBRIC ===, in capitals.",
                line,
            )
        for image in _IMAGE.finditer(row):
            self._image(image["alt"], image["target"], line)

    def _image(self, alt: str, target: str, line: int) -> None:
        if target.startswith("attachment:"):
            raise self.error(
                f"the picture {target!r} is an attachment, which is lost when the notebook is "
                f"built; save it as assets/<name>.png beside module.md and name that.",
                line,
            )
        if re.match(r"^[a-z]+:", target, re.IGNORECASE):
            raise self.error(
                f"the picture {target!r} comes from elsewhere; modules work without internet, so "
                f"save it in assets/ beside module.md (if its licence allows) and name that.",
                line,
            )
        if not alt.strip():
            raise self.error(
                f"the picture {target!r} has no description; write one between the brackets, for "
                f"readers who cannot see it.",
                line,
            )
        if not (self.path.parent / target).is_file():
            raise self.error(
                f"the picture {target!r} is not there; put it beside module.md, as in "
                f"assets/name.png, or correct the name.",
                line,
            )
