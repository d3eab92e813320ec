"""What may be wrong inside an XLSX before anything opens it: bombs, vast areas, lost formulas.

An XLSX is a ZIP of XML. Its own statement of sizes is checked first, then every part is unpacked
once in a stream, never beyond what it stated. Each sheet tells on the way how large its area is,
which formulas were never computed and which cells are errors (calamine shows both as empty), and
which rows are hidden, as a filter leaves those that it takes away (calamine shows them as any).
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from connectors.errors import Unreadable

MOST_BYTES = 2 * 1024**3
MOST_RATIO = 200
"""Sheets of repeating text pack 20 to 60 times; bombs a thousand times."""
MOST_CELLS = 40_000_000
"""Rows × columns, which calamine lays out in memory at about 24 bytes each."""
NEVER_COMPUTED = "#公式未计算!"

_FREE = 50 * 1024**2  # below this size no ratio matters
_BLOCK = 1024**2
_OVERLAP = 4096
_NAME = rb'r="([A-Z]{1,3}\d{1,7})"'
_COLUMN = re.compile(rb' r="([A-Za-z]{1,3})[0-9]')
_ROW = re.compile(rb' r="[A-Za-z]{0,3}([0-9]{1,7})"')
_ODD_MARKUP = {
    b" ": (b"= ", b"r ="),
    b"'": (b"='",),
    **{blank: (b"=" + blank, b"r" + blank, blank + b"r=") for blank in (b"\t", b"\n", b"\r")},
}
"""What no usual writer puts into a tag, by its sign: that a block has no such sign is found out ten
times as soon. With any of it, the slower patterns look."""
_ANY_COLUMN = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{1,3})[0-9]")
_ANY_ROW = re.compile(rb"\sr\s*=\s*[\"'][A-Za-z]{0,3}([0-9]{1,7})[\"']")
_UNCOMPUTED = re.compile(
    rb"<(?:\w+:)?c [^<>]*?\b" + _NAME + rb"[^<>]*>\s*"
    rb"<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(
    rb"<(?:\w+:)?c (?=[^<>]*\bt=\"e\")[^<>]*?\b" + _NAME + rb"[^<>]*>.{0,500}?<(?:\w+:)?v>([^<]*)<",
    re.DOTALL,
)
_HIDDEN_ROW = re.compile(
    rb"<(?:\w+:)?row(?=\s)(?=[^<>]*\shidden\s*=\s*[\"'](?:1|true)[\"'])"
    rb"(?:[^<>]*?\sr\s*=\s*[\"'](\d{1,7})[\"'])?"
)

_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OverflowError, NotImplementedError),
    *(etree.XMLSyntaxError, KeyError, ValueError, StopIteration),
)


@dataclass
class Inside:
    """What the XML of one sheet says: its area, texts of cells (`C7`) that have no value, and the
    numbers of hidden rows, as a person counts; 0 for those that bear no number."""

    rows: int = 0
    columns: int = 0
    instead: dict[str, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)


def inspect(file: BinaryIO, name: str, most_cells: int = MOST_CELLS) -> dict[str, Inside]:
    """Every sheet by its title. Raises Unreadable for what is no sound workbook."""
    try:
        with zipfile.ZipFile(file) as book:
            _check_stated(book, file.seek(0, 2), name)
            titles = _titles(book, file, name)
            inside = {title: Inside() for title in titles.values()}
            for part in book.infolist():
                blocks = _unpacked(file, part, name)
                if part.filename in titles:
                    _look(blocks, inside[titles[part.filename]], name, most_cells)
                else:
                    for _ in blocks:
                        continue
            return inside
    except _DAMAGE as error:
        raise Unreadable(
            "not-excel",
            f"{name} is a damaged workbook; open it in a spreadsheet program and save it anew",
        ) from error


def _check_stated(book: zipfile.ZipFile, packed: int, name: str) -> None:
    stated = sum(part.file_size for part in book.infolist())
    if len(book.infolist()) > 10_000 or stated > MOST_BYTES:
        raise Unreadable("zip-bomb", f"{name} would unpack to {stated:,} bytes; it is not opened")
    if stated > _FREE and stated > packed * MOST_RATIO:
        raise Unreadable("zip-bomb", f"{name} unpacks to {stated // packed} times its size")
    if any(part.flag_bits & 1 for part in book.infolist()):
        raise Unreadable("locked", f"{name} is locked with a password; save it without one")


def _titles(book: zipfile.ZipFile, file: BinaryIO, name: str) -> dict[str, str]:
    """Path in the ZIP → title of the sheet."""
    root = _xml(book, file, "_rels/.rels", name)
    main = next(r.get("Target", "") for r in root if r.get("Type", "").endswith("/officeDocument"))
    folder, leaf = posixpath.split(main.lstrip("/"))
    targets = {
        relation.get("Id"): posixpath.join("/", folder, relation.get("Target", "")).lstrip("/")
        for relation in _xml(book, file, f"{folder}/_rels/{leaf}.rels", name)
    }
    found = {}
    for sheet in _xml(book, file, f"{folder}/{leaf}", name).iter("{*}sheet"):
        key = next(value for at, value in sheet.attrib.items() if str(at).endswith("}id"))
        found[targets[str(key)]] = sheet.get("name", "")
    return found


def _xml(book: zipfile.ZipFile, file: BinaryIO, part: str, name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    text = b"".join(_unpacked(file, book.getinfo(part), name, most=16 * 1024**2))
    return etree.fromstring(text, parser)


def _unpacked(
    file: BinaryIO, part: zipfile.ZipInfo, name: str, most: int = MOST_BYTES
) -> Iterator[bytes]:
    """The bytes of one part as its stream holds them, whatever the directory states of it.

    To be read to its end before anything else looks into `file`.
    """
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{part.filename} is packed in a way that XLSX does not know")
    left = min(part.file_size, most)
    inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    file.seek(part.header_offset + 26)
    file.seek(int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little"), 1)
    packed = part.compress_size
    rest = b""
    while packed or rest:
        if not rest:
            rest = file.read(min(_BLOCK, packed))
            packed = packed - len(rest) if rest else 0
        block = inflate.decompress(rest, 4 * _BLOCK) if inflate else rest
        rest = inflate.unconsumed_tail if inflate else b""
        left -= len(block)
        if left < 0:
            raise Unreadable("zip-bomb", f"{name}: {part.filename} is larger than it states")
        yield block


def _look(blocks: Iterator[bytes], inside: Inside, name: str, most_cells: int) -> None:
    tail = b""
    columns: set[bytes] = set()
    nameless = 0
    for block in blocks:
        text = tail + block
        odd = _is_odd(text)
        columns.update((_ANY_COLUMN if odd else _COLUMN).findall(text))
        rows = set((_ANY_ROW if odd else _ROW).findall(text))
        inside.rows = max([inside.rows, *map(int, rows)])
        if text.count(b"<c>") + text.count(b"<c/>"):
            pieces = text.split(b"</row>")
            nameless = max([nameless, *(piece.count(b"<c") for piece in pieces)])
            inside.rows = max(inside.rows, len(pieces))
        if b'"e"' in text:
            errors = _ERROR.findall(text)
            inside.instead |= {cell.decode(): value.decode() for cell, value in errors}
        if b"<f" in text or b":f" in text:
            lost = _UNCOMPUTED.findall(text)
            inside.instead |= dict.fromkeys((cell.decode() for cell in lost), NEVER_COMPUTED)
        if b"hidden" in text:
            inside.hidden.update(int(number or 0) for number in _HIDDEN_ROW.findall(text))
        tail = text[-_OVERLAP:]
    inside.columns = max([2 * nameless, *(_number(column) for column in columns)], default=0)
    if inside.rows * inside.columns > most_cells:
        raise Unreadable(
            "too-large-area",
            f"{name} spans {inside.rows:,} rows and {inside.columns:,} columns; delete stray "
            "cells far below or to the right of the goods",
        )


def _is_odd(text: bytes) -> bool:
    return any(
        sign in text and any(mark in text for mark in marks) for sign, marks in _ODD_MARKUP.items()
    )


def _number(column: bytes) -> int:
    value = 0
    for letter in column.upper():
        value = value * 26 + letter - 64
    return value


def place(cell: str) -> tuple[int, int]:
    """`C7` as row 6, column 2, 0-based."""
    letters = cell.rstrip("0123456789")
    return int(cell[len(letters) :]) - 1, _number(letters.encode()) - 1
