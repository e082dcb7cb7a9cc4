"""Markdown written by a teacher, turned into HTML that is safe to insert into a page.

Raw HTML is shown as text, never passed on, and links may only be web, mail or
page-internal addresses; so no author's slip (or prank) becomes a script in a
student's browser.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

_BLANK_LINES = re.compile(r"\n\s*\n")
# Web, mail, a picture inside the page, or an address without any scheme (no colon at all).
_SAFE_ADDRESS = re.compile(
    r"https?:|mailto:|data:image/(?:png|jpeg|gif|webp);|[^:]*$", re.IGNORECASE
)


def render_markdown(text: str) -> str:
    """Return block HTML (paragraphs, lists, tables) for a piece of Markdown.

    Parameters
    ----------
    text : str
        CommonMark with tables and strikethrough.  Raw HTML is escaped.

    Returns
    -------
    str
        HTML without scripts, event attributes, styles or `javascript:` links.

    Examples
    --------
    >>> render_markdown("**Non-ossifying** fibroma").strip()
    '<p><strong>Non-ossifying</strong> fibroma</p>'
    >>> render_markdown("<b>bold</b>").strip()
    '<p>&lt;b&gt;bold&lt;/b&gt;</p>'
    """
    html: str = _parser().render(text)
    return html


def render_phrases(text: str) -> str:
    """Return HTML that may stand inside a `<legend>` or `<label>`.

    Paragraphs become spans, because those two elements hold phrases only.

    Parameters
    ----------
    text : str
        One or more paragraphs of Markdown; block syntax (lists, headings) is left as text.

    Returns
    -------
    str
        One `<span class="ck-par">` for each paragraph.

    Examples
    --------
    >>> render_phrases("Which *zone*?")
    '<span class="ck-par">Which <em>zone</em>?</span>'
    """
    paragraphs = [part.strip() for part in _BLANK_LINES.split(text) if part.strip()]
    return "".join(
        f'<span class="ck-par">{_parser().renderInline(paragraph)}</span>'
        for paragraph in paragraphs
    )


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # Stricter than the library's own rule: an unknown scheme is refused, not only the known bad
    # ones.  The library asks this one function about links and about pictures.
    setattr(parser, "validateLink", lambda url: bool(_SAFE_ADDRESS.match(url.strip())))  # noqa: B010
    parser.add_render_rule("link_open", _open_in_new_tab)
    return parser


def _open_in_new_tab(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    # A link inside a notebook must not replace the notebook, and must not hand it over either.
    del env
    tokens[index].attrSet("target", "_blank")
    tokens[index].attrSet("rel", "noopener noreferrer")
    return renderer.renderToken(tokens, index, options, {})
