"""One module a file format; each gives tables of text."""

from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.errors import Unreadable

from ..table import Options, Table
from . import csv, excel

Reader = Callable[[Path, str, Options], Iterator[Table]]

_READERS: dict[str, Reader] = {
    "csv": csv.read,
    "xlsx": excel.read,
    "xls": excel.read,
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def of(path: Path, form: str) -> Reader:
    """The reader of a file; `auto` looks at its first bytes, not at its name. Raises Unreadable."""
    return _READERS[_form(path) if form == "auto" else form]


def _form(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise Unreadable("empty", f"{path.name} is empty; nothing was read")
    if head.startswith(b"PK"):
        return "xlsx"
    if head.startswith(_OLE):
        return "xls"
    return "csv"
