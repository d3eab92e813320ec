"""One module a file format; each gives tables of text."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.errors import Unreadable

from .. import encoding
from ..table import Options, Table
from . import csv, excel, html, json, xml

Reader = Callable[[Path, str, Options], Iterator[Table]]


def _google(path: Path, name: str, options: Options) -> Iterator[Table]:
    """Google Merchant: RSS or Atom with `g:` names, or a tab-separated sheet of the same names."""
    return (xml.read if _form(path) == "xml" else csv.read)(path, name, options)


_READERS: dict[str, Reader] = {
    "csv": csv.read,
    "xlsx": excel.read,
    "xls": excel.read,
    "json": json.read,
    "jsonl": json.read_lines,
    "xml": xml.read,
    "google": _google,
    "html": html.read,
}
_LINES = (".jsonl", ".ndjson")
_STRANGE = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"Rar!": "a packed file",
    b"7z\xbc\xaf": "a packed file",
    b"\x1f\x8b": "a packed file",
}
"""How files begin in which there are no rows, whatever they are called."""
_WEB_PAGE = re.compile(r"<(!doctype\s+html|html|head|body|table|meta|style)\b", re.IGNORECASE)
"""What some shops' systems export as .xls."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def refuse_strange(head: bytes, name: str) -> None:
    """Raises Unreadable for a file that begins as none does in which there are rows."""
    for start, what in _STRANGE.items():
        if head.startswith(start):
            raise Unreadable("no-list", f"{name} is {what}; save it as XLSX or CSV")


def is_page(text: str) -> bool:
    """Whether a text, without what may stand before it, is a web page."""
    return _WEB_PAGE.match(text) is not None


def of(path: Path, form: str) -> Reader:
    """The reader of a file; `auto` looks at its first bytes, not at its name. Raises Unreadable."""
    return _READERS[_form(path) if form == "auto" else form]


def _form(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64 * 1024)
    if not head.strip(b" \t\r\n\x00"):
        raise Unreadable("empty", f"{path.name} is empty; nothing was read")
    refuse_strange(head, path.name)
    if head.startswith(b"PK"):
        return "xlsx"
    if head.startswith(_OLE):
        return "xls"
    text = head.decode(encoding.guess(path), "ignore").lstrip("\ufeff \t\r\n")
    if is_page(text):
        return "html"
    if text.startswith("<"):
        return "xml"
    if text.startswith("["):
        return "json"
    if text.startswith("{"):
        first, _, rest = text.partition("\n")
        several = first.rstrip().endswith("}") and rest.lstrip().startswith("{")
        return "jsonl" if several or path.suffix.lower() in _LINES else "json"
    return "csv"
