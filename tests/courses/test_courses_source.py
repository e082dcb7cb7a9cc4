"""`module.md` is split into its pieces, and every piece knows its line."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clerkship_courses.errors import CourseError
from clerkship_courses.source import Code, Prose, Region, split_source

PATH = Path("module.md")
HEAD = "---\ntitle: X\n---\n"


def split(body: str) -> tuple[Prose | Code | Region, ...]:
    return split_source(HEAD + body, PATH).segments


def test_prose_code_and_regions_keep_their_order_and_their_lines() -> None:
    body = (
        "\nHello.\n\n## Second\n\nMore.\n\n```python\nx = 1\n```\n"
        '<!-- #region task="a" points=2.5 tools=["region"] -->\nDo it.\n\n=== RUBRIC ===\n1: good\n<!-- #endregion -->\n'
    )
    hello, second, code, region = split(body)
    assert hello == Prose("Hello.", 5)
    assert second == Prose("## Second\n\nMore.", 7)
    assert code == Code("x = 1", 12)
    assert isinstance(region, Region)
    assert region.attributes == {"task": "a", "points": 2.5, "tools": ["region"]}
    assert region.line == 14
    assert (region.blocks["PROMPT"].text, region.blocks["PROMPT"].line) == ("Do it.", 15)
    assert (region.blocks["RUBRIC"].text, region.blocks["RUBRIC"].line) == ("1: good", 18)


def test_a_widget_cell_is_marked_in_its_fence() -> None:
    (cell,) = split('```python kind="show"\nReadingRoom("x")\n```\n')
    assert cell == Code('ReadingRoom("x")', 5, show=True)


def test_other_fences_stay_prose_and_hide_what_looks_like_a_marker() -> None:
    (prose,) = split("See:\n\n```text\n<!-- not a marker\n## no heading\n```\n")
    assert isinstance(prose, Prose)
    assert "## no heading" in prose.text


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="`~<=!\r"), min_size=1).filter(
    lambda text: text.strip() and not text.lstrip().startswith("#")
)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_nothing_that_is_written_between_markers_is_lost_or_changed(pieces: list[str]) -> None:
    body = "\n```python\npass\n```\n".join(pieces)
    prose = [piece for piece in split(body) if isinstance(piece, Prose)]
    expected = ["\n".join(_trimmed(piece.split("\n"))) for piece in pieces]
    assert [piece.text for piece in prose] == expected


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_every_piece_of_prose_stands_on_the_line_that_it_names(pieces: list[str]) -> None:
    text = HEAD + "\n```python\npass\n```\n".join(pieces)
    rows = text.split("\n")
    for piece in split_source(text, PATH).segments:
        assert (
            rows[piece.line - 1].rstrip()
            == (piece.text if isinstance(piece, Prose | Code) else "").split("\n")[0].rstrip()
        )


def _trimmed(rows: list[str]) -> list[str]:
    while not rows[0].strip():
        rows = rows[1:]
    return "\n".join(rows).rstrip().split("\n")


def test_jupytext_sees_each_region_as_one_cell(course_dir: Path) -> None:
    """So a teacher can open `module.md` in Lab: our markers are jupytext's."""
    for path in course_dir.glob("*/module.md"):
        ours = [
            piece
            for piece in split_source(path.read_text(), path).segments
            if isinstance(piece, Region)
        ]
        cells = jupytext.reads(path.read_text(), "md").cells
        theirs = [
            dict(cell.metadata) for cell in cells if cell.cell_type == "markdown" and cell.metadata
        ]
        assert theirs == [piece.attributes for piece in ours]


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ('<!-- #region task="a" -->\nx\n', 4, "not closed"),
        ("x\n<!-- #endregion -->\n", 5, "never opened"),
        (
            '<!-- #region task="a" -->\nx\n<!-- #region task="b" -->\n',
            6,
            "opens inside the region of line 4",
        ),
        ('<!-- region task="a" -->\n', 4, "looks like a region marker"),
        ('  <!-- #region task="a" -->\n', 4, "looks like a region marker"),
        ("<!-- #region task=a -->\nx\n<!-- #endregion -->\n", 4, "double quotes"),
        ("<!-- #region quiz -->\nx\n<!-- #endregion -->\n", 4, "name=value"),
        ('<!-- #region task="a" task="b" -->\nx\n<!-- #endregion -->\n', 4, "given twice"),
        (
            '<!-- #region task="a" -->\n=== RUBRIC ===\n1: x\n<!-- #endregion -->\n',
            4,
            "without a prompt",
        ),
        ('<!-- #region task="a" -->\nx\n=== RUBRIC ===\n\n<!-- #endregion -->\n', 7, "is empty"),
        (
            '<!-- #region task="a" -->\nx\n=== HINT ===\na\n=== HINT ===\nb\n<!-- #endregion -->\n',
            8,
            "given twice",
        ),
        (
            '<!-- #region task="a" -->\nx\n=== Rubric ===\na\n<!-- #endregion -->\n',
            6,
            "in capitals",
        ),
        ("x\n=== RUBRIC ===\n1: x\n", 5, "outside a region"),
        ("````\nx\n````\n", 4, "exactly three backticks"),
        ("~~~\nx\n~~~\n", 4, "exactly three backticks"),
        ("a\n```python\nx = 1\n", 5, "not closed"),
        ("```python\n\n```\n", 4, "is empty"),
        ('```python kind="hide"\nx\n```\n', 4, "shows a widget"),
        ("![a](attachment:x.png)\n", 4, "is an attachment"),
        ("![a](https://example.org/x.png)\n", 4, "without internet"),
        ("![](assets/x.png)\n", 4, "no description"),
        ("![a](assets/x.png)\n", 4, "is not there"),
    ],
)
def test_a_mistake_is_shown_where_it_was_made(body: str, line: int, says: str) -> None:
    with pytest.raises(CourseError, match=says) as caught:
        split(body)
    assert str(caught.value).startswith(f"module.md:{line}: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# Title\n", "must begin with its header"),
        ("---\ntitle: x\n", "not closed"),
        ("", "must begin"),
    ],
)
def test_the_header_must_be_there(text: str, says: str) -> None:
    with pytest.raises(CourseError, match=says):
        split_source(text, PATH)
