"""Teachers' Markdown in the page: formatting arrives, scripts do not."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clerkship_widgets.markdown import render_markdown, render_phrases

ALLOWED_ATTRIBUTES = {
    "a": {"href", "title", "target", "rel"},
    "img": {"src", "alt", "title"},
    "span": {"class"},
    "code": {"class"},
    "ol": {"start"},
    "th": {"style"},
    "td": {"style"},
}


class Audit(HTMLParser):
    """Collects whatever could run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "svg",
            "base",
            "meta",
            "link",
        }:
            self.found.append(tag)
        for name, value in attrs:
            if name not in ALLOWED_ATTRIBUTES.get(tag, set()):
                self.found.append(f"{tag}.{name}")
            if name in {"href", "src"} and re.match(
                r"[\s\x00-\x1f]*(javascript|vbscript|data:(?!image/(png|jpeg|gif|webp);)|file)",
                value or "",
                re.IGNORECASE,
            ):
                self.found.append(f"{tag}.{name}={value}")
            if name == "style" and not re.fullmatch(r"text-align:(left|right|center)", value or ""):
                self.found.append(f"{tag}.style={value}")


def audit(html: str) -> list[str]:
    parser = Audit()
    parser.feed(html)
    parser.close()
    return parser.found


@pytest.mark.parametrize(
    "prank",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java&#10;script:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "<javascript:alert(1)>",
        "![a](data:image/svg+xml;base64,PHN2Zz4=)",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](file:///etc/passwd)",
        '[a](https://x.org "onmouseover=alert(1)")',
    ],
)
def test_pranks_become_harmless_text(prank: str) -> None:
    assert audit(render_markdown(prank)) == []
    assert audit(render_phrases(prank)) == []


PIECES = st.sampled_from(
    [
        "<",
        ">",
        "](",
        "[",
        "!",
        '"',
        "'",
        "`",
        "\n",
        "\n\n",
        "| a |\n|:-:|\n",
        "javascript:",
        "data:",
        "&#106;",
        "onerror=",
        "<script",
        "</",
        "x",
        " ",
        "&",
        "*",
        "\\",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_no_mixture_of_marks_makes_a_script(text: str) -> None:
    assert audit(render_markdown(text) + render_phrases(text)) == []


def test_ordinary_formatting_arrives() -> None:
    html = render_markdown(
        "# Read\n\n- *one*\n- **two**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[site](https://example.org/a?b=c)"
    )
    for piece in (
        "<h1>Read</h1>",
        "<em>one</em>",
        "<strong>two</strong>",
        "<td>1</td>",
        'href="https://example.org/a?b=c"',
    ):
        assert piece in html


def test_a_link_opens_beside_the_notebook() -> None:
    assert 'target="_blank" rel="noopener noreferrer"' in render_markdown(
        "[a](https://example.org)"
    )


def test_paragraphs_of_a_stem_stay_phrases() -> None:
    html = render_phrases("First.\n\nThen *this*?")
    assert (
        html == '<span class="ck-par">First.</span><span class="ck-par">Then <em>this</em>?</span>'
    )
