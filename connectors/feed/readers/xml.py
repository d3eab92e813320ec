"""XML in a stream: the repeating element that looks most like goods; RSS, Atom, BMEcat and others.

No DTD is loaded, no entity expanded, nothing fetched. A DOCTYPE that declares anything itself is
refused; one that merely names an outside DTD (BMEcat has that) is passed over.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from lxml import etree

from connectors.errors import Unreadable

from .. import encoding
from ..columns import guess
from ..table import Options, Table
from . import bmecat, records

_BLOCK = 1 << 20
_MOST_SIBLINGS = 1000
_DECLARED = re.compile(r"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.-]+)[\"'][^>]*\?>")
_OWN_TYPES = re.compile(r"<!DOCTYPE[^>\[]*\[|<!ENTITY")
_LEAVE_OUT = "leave the DOCTYPE out"
_NAMED_VALUE = frozenset({"param", "property", "attribute", "field"})

Path_ = tuple[str, ...]


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """The repeating element that is goods. Raises Unreadable."""
    code = options.encoding or _encoding(path)
    goods = _goods_path(path, name, code)
    rows = records.batches(_records(path, name, code, goods))
    notes = {"encoding": code, "element": "/".join(goods)}
    yield Table(name, rows, named=True, notes=notes)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(1024)
    found = _DECLARED.search(head.decode("latin-1"))
    stated = found.group(1).lower() if found else ""
    if stated in ("gb2312", "gbk", "gb18030"):
        return "gb18030"
    return encoding.guess(path)


def _events(
    path: Path, name: str, code: str, only: tuple[str, ...] | None = None
) -> Iterator[tuple[str, etree._Element]]:
    """Starts and ends of elements, of those in `only` where that is given."""
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=only,
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root: etree._Element | None = None
    try:
        with encoding.opened(path, name, code) as file:
            for block in _blocks(file, name):
                parser.feed(block.encode())
                for event, element in parser.read_events():
                    if isinstance(element, etree._Element):
                        if root is None:
                            root = element
                            _refuse_declared(root, name)
                        yield str(event), element
                if root is not None:
                    _prune(root)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise Unreadable("not-xml", f"{name} is not well-formed XML: {error}") from error


def _prune(root: etree._Element) -> None:
    """Frees what was read: in every open element all long-past children, if they are many."""
    node: etree._Element | None = root
    while node is not None:
        if len(node) > _MOST_SIBLINGS:
            del node[:-1]
        node = node[-1] if len(node) else None


def _blocks(file: TextIO, name: str) -> Iterator[str]:
    """The text without its declaration of an encoding, which no longer holds."""
    head = file.read(_BLOCK)
    if _OWN_TYPES.search(head.partition("<![CDATA[")[0]):
        raise Unreadable("dtd", f"{name} declares its own entities or types; {_LEAVE_OUT}")
    yield re.sub(r"^\s*<\?xml[^>]*\?>", "", head.lstrip("\ufeff"), count=1)
    while block := file.read(_BLOCK):
        yield block


def _refuse_declared(root: etree._Element, name: str) -> None:
    """The same again by the parser's own eyes, wherever the DOCTYPE stood.

    The stubs know neither list of a DTD.
    """
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and (dtd.entities() or dtd.elements()):  # type: ignore[attr-defined]
        raise Unreadable("dtd", f"{name} declares its own entities or types; {_LEAVE_OUT}")


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _goods_path(path: Path, name: str, code: str) -> Path_:
    """The path whose elements' children name most of our columns, within the first 4 MB."""
    stack: list[str] = []
    seen: Counter[Path_] = Counter()
    labels: dict[Path_, dict[str, None]] = {}
    for event, element in _events(path, name, code):
        if event == "start":
            stack.append(_local(element))
            continue
        here = tuple(stack)
        stack.pop()
        if len(element) or element.attrib:
            seen[here] += 1
            if seen[here] <= 20:
                labels.setdefault(here, {}).update(dict.fromkeys(flat(element)))
        if sum(seen.values()) > 5_000:
            break
    if not labels:
        raise Unreadable("no-goods", f"{name} has no element that repeats like goods")
    return max(labels, key=lambda at: (_fitness(labels[at]), seen[at], len(at)))


def _fitness(labels: dict[str, None]) -> tuple[bool, int]:
    columns = guess(list(labels), {})
    return not columns.missing, len(columns.chosen)


def _records(path: Path, name: str, code: str, goods: Path_) -> Iterator[records.Numbered]:
    number = 0
    for event, element in _events(path, name, code, (f"{{*}}{goods[0]}", f"{{*}}{goods[-1]}")):
        if event == "end" and _path(element) == goods:
            number += 1
            yield number, flat(element)
            element.clear()


def _path(element: etree._Element) -> Path_:
    return (*reversed([_local(outer) for outer in element.iterancestors()]), _local(element))


def flat(element: etree._Element) -> dict[str, str]:
    """Texts by name: attributes and children under their own, deeper ones under `outer/inner`."""
    if bmecat.is_article(element):
        return bmecat.article(element)
    found: dict[str, list[str]] = {}
    for key, value in element.attrib.items():
        found.setdefault(etree.QName(str(key)).localname, []).append(str(value))
    for child in element:
        _gather(child, "", found)
    return {key: "\n".join(values) for key, values in found.items()}


def _gather(element: etree._Element, prefix: str, found: dict[str, list[str]]) -> None:
    name = _local(element)
    if name in _NAMED_VALUE and (own := element.get("name")):
        name = own
    if not len(element):
        text = (element.text or "").strip() or element.get("href") or element.get("url") or ""
        found.setdefault(prefix + name, []).append(text)
    elif prefix.count("/") < 5:
        for child in element:
            _gather(child, f"{prefix}{name}/", found)
