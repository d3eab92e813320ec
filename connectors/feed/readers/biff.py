"""Which rows of an XLS workbook are hidden: calamine reads them like any other.

An XLS is an OLE container with a stream of records, one of which each row has for its height and
looks. Nothing else is read here; in a container that is not sound nothing is found.
"""

import struct
from collections.abc import Iterator

_MOST_SECTORS = 1 << 20
_END = 0xFFFFFFFA
"""Sector numbers from here on are marks."""
_BOF, _EOF, _SHEET, _ROW = 0x0809, 0x000A, 0x0085, 0x0208
_HIDDEN = 0x20


def hidden_rows(content: bytes) -> dict[str, set[int]]:
    """The hidden rows of each sheet by its title, as a person counts."""
    try:
        book = _stream(content)
        return {title: set(_hidden(book, at)) for title, at in _sheets(book)}
    except (struct.error, IndexError, UnicodeDecodeError, ValueError):
        return {}


def _sheets(book: bytes) -> Iterator[tuple[str, int]]:
    for kind, body in _records(book, 0):
        if kind == _SHEET:
            at, _, _, length, wide = struct.unpack_from("<IBBBB", body)
            name = body[8 : 8 + length * (1 + (wide & 1))]
            yield name.decode("utf-16-le" if wide & 1 else "latin-1"), at


def _hidden(book: bytes, at: int) -> Iterator[int]:
    for kind, body in _records(book, at):
        if kind == _ROW and struct.unpack_from("<H", body, 12)[0] & _HIDDEN:
            yield struct.unpack_from("<H", body)[0] + 1


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records of the part that begins here, without those of charts in it. Raises ValueError
    for a version that Excel 97 and later do not write."""
    kind, _, version = struct.unpack_from("<HHH", book, at)
    if kind != _BOF or version != 0x0600:
        raise ValueError("no BIFF8")
    depth = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        depth += (kind == _BOF) - (kind == _EOF)
        if not depth:
            return
        if depth == 1 and kind in (_SHEET, _ROW):
            yield kind, book[at + 4 : at + 4 + size]
        at += 4 + size


def _stream(content: bytes) -> bytes:
    """The workbook's stream. Raises ValueError where there is none."""
    shift, small = struct.unpack_from("<HH", content, 30)
    if shift not in (9, 12) or small != 6:
        raise ValueError("no sectors of a usual size")
    folder, _, cutoff, mini_fat = struct.unpack_from("<IIII", content, 48)
    table = _table(content, 1 << shift)
    entries = _chain(content, table, folder, 1 << shift, 1 << shift)
    root = entries[:128]
    for place in range(0, len(entries), 128):
        entry = entries[place : place + 128]
        name = entry[: max(struct.unpack_from("<H", entry, 64)[0] - 2, 0)].decode("utf-16-le")
        if name in ("Workbook", "Book"):
            start, size = struct.unpack_from("<II", entry, 116)
            if size >= cutoff:
                return _chain(content, table, start, 1 << shift, 1 << shift)[:size]
            minis = _numbers(_chain(content, table, mini_fat, 1 << shift, 1 << shift))
            held = _chain(
                content, table, struct.unpack_from("<I", root, 116)[0], 1 << shift, 1 << shift
            )
            return _chain(held, minis, start, 1 << small, 0)[:size]
    raise ValueError("no workbook")


def _table(content: bytes, sector: int) -> tuple[int, ...]:
    """The sector that follows each."""
    lists = list(struct.unpack_from("<109I", content, 76))
    more, count = struct.unpack_from("<II", content, 68)
    for _ in range(min(count, _MOST_SECTORS)):
        *some, more = struct.unpack_from(f"<{sector // 4}I", content, sector * (more + 1))
        lists += some
    found = b"".join(
        content[sector * (one + 1) : sector * (one + 2)] for one in lists if one < _END
    )
    return _numbers(found)


def _numbers(text: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(text) // 4}I", text[: len(text) // 4 * 4])


def _chain(content: bytes, table: tuple[int, ...], at: int, sector: int, before: int) -> bytes:
    parts: list[bytes] = []
    while at < _END and len(parts) <= len(table):
        parts.append(content[before + sector * at : before + sector * (at + 1)])
        at = table[at]
    return b"".join(parts)
