"""Which characters a file is written in: UTF-8, UTF-16 or GB18030, with and without BOM."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from connectors.errors import Unreadable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 20
KNOWN = (
    "utf-8",
    "utf-8-sig",
    "gb18030",
    "gbk",
    "gb2312",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "big5",
)


def guess(path: Path) -> str:
    """The encoding of a text file. Raises Unreadable when it is in none that we know."""
    with path.open("rb") as file:
        return of(file.read(_SAMPLE), path.name)


def of(head: bytes, name: str) -> str:
    """The encoding of a text that begins with `head`. Raises Unreadable, which calls it `name`."""
    for bom, code in _BOMS:
        if head.startswith(bom):
            return code
    if wide := _wide(head):
        return wide
    for code in ("utf-8", "gb18030"):
        if _decodes(head, code):
            return code
    raise Unreadable(
        "encoding",
        f"{name} is neither UTF-8, UTF-16 nor GB18030 text; save it as CSV UTF-8, or as XLSX",
    )


def _wide(head: bytes) -> str | None:
    """UTF-16 without BOM shows in the zero bytes of its ASCII characters."""
    sample = head[: 4096 // 2 * 2]
    high, low = sample[0::2].count(0), sample[1::2].count(0)
    if max(high, low) * 8 < len(sample):
        return None
    name = "utf-16-le" if low > high else "utf-16-be"
    return name if _decodes(head, name) else None


def _decodes(head: bytes, name: str) -> bool:
    try:
        codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def opened(path: Path, name: str, code: str) -> Iterator[TextIO]:
    """The file as text, line ends untouched. Raises Unreadable where it is not in that encoding."""
    with path.open(encoding=code, newline="") as file:
        try:
            yield file
        except UnicodeDecodeError as error:
            raise Unreadable(
                "encoding",
                f"{name} is not {code} throughout; save it as CSV UTF-8, or as XLSX, or set"
                " `encoding` for this source",
            ) from error
