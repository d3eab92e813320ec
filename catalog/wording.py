"""What sources write about goods, as it may be shown to whoever may not know the source. Pure.

A description with markup becomes paragraphs and pictures that are written by us from its text, so
that no tag, script, style or address of somebody else is left; one without stays text.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from lxml import etree, html

Shown = Callable[[str], str | None]
"""Where a picture is shown that lies at an address; None: not at all."""
Said = Callable[[str], str]
"""What may be said of a text without markup."""

_MARKUP = re.compile(r"<[a-zA-Z!/][^>]*>")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}:)?//[^\s<>\"'，。；、）】]+"
    r"|(?<![a-z0-9.-])(?:[a-z0-9-]+\.)+(?:com|cn|net|org|hk|shop|store|top|xyz|cc|link|vip|site)"
    r"(?![a-z0-9-])(?:/[^\s<>\"'，。；、）】]*)?",
    re.IGNORECASE,
)
_SPACE = re.compile(r"[ \t\r\f\v\u00a0\u3000]+")
_SILENT = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "head", "title"}
)
_BLOCKS = frozenset(
    {"p", "div", "br", "hr", "li", "ul", "ol", "tr", "table", "section", "article", "dl", "dt"}
    | {"dd", "blockquote", "pre", "center", "h1", "h2", "h3", "h4", "h5", "h6", "img"}
)
_LAZY = ("data-lazyload", "data-ks-lazyload", "data-lazyload-src", "data-original", "data-src")
"""Where pictures' addresses stand that a shop's script would load; before `src`, a placeholder."""


def cleaned(told: str, shown: Shown, said: Said) -> str:
    """A description whose pictures are those of `shown` and whose words those of `said`, and that
    has no other address."""
    if _MARKUP.search(told) is None:
        return without_addresses(said(told)).strip()
    lines = []
    for kind, content in _pieces(told):
        if kind == "text":
            if line := without_addresses(said(content)).strip():
                lines.append(f"<p>{escape(line)}</p>")
        elif road := shown(content):
            lines.append(f'<img src="{escape(road)}" alt="">')
    return "\n".join(lines)


def pictures(told: str) -> list[str]:
    """The addresses of the pictures in a description, in order."""
    if _MARKUP.search(told) is None:
        return []
    return [content for kind, content in _pieces(told) if kind == "picture"]


def without_addresses(told: str) -> str:
    """A text without what leads to a site."""
    return _SPACE.sub(" ", _ADDRESS.sub("", told))


def _pieces(told: str) -> Iterator[tuple[str, str]]:
    """("text", a paragraph) and ("picture", its address), in order."""
    try:
        root = html.fragment_fromstring(told, create_parent="div")
    except (etree.LxmlError, ValueError):  # nothing in it that could be read
        return
    line: list[str] = []
    for kind, content in _walk(root):
        if kind == "words":
            line.append(content)
            continue
        if words := _SPACE.sub(" ", "".join(line).replace("\n", " ")).strip():
            yield "text", words
        line.clear()
        if kind == "picture":
            yield kind, content
    if words := _SPACE.sub(" ", "".join(line).replace("\n", " ")).strip():
        yield "text", words


def _walk(root: Any) -> Iterator[tuple[str, str]]:
    """Words, breaks and pictures; by events, for markup that is nested without end."""
    silent = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            silent += tag in _SILENT
            if not silent:
                yield from _opened(node, tag)
            continue
        if event == "end":
            silent -= tag in _SILENT
            if not silent and tag in _BLOCKS:
                yield "break", ""
        if not silent and node is not root and node.tail:
            yield "words", node.tail


def _opened(node: Any, tag: str) -> Iterator[tuple[str, str]]:
    if tag in _BLOCKS:
        yield "break", ""
    elif tag in ("td", "th"):
        yield "words", " "
    if tag == "img":
        found = [node.get(name) for name in (*_LAZY, "src")]
        if address := next((one.strip() for one in found if one and one.strip()), None):
            yield "picture", address
    elif node.text:
        yield "words", node.text
