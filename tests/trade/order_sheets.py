"""Sheets of orders for tests, and the worker's part of them."""

import csv
import io
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import openpyxl

from kit import clock
from kit.ids import inside, outside
from tests.trade.market import NOW, Market
from trade.order_sheets import imports, placing
from trade.order_sheets.rows import opened

HEADER = ["订单号", "收件人", "电话", "地址", "商家编码", "数量"]
NANSHAN = "广东省深圳市南山区科技园 1 号"


def xlsx(
    *rows: Sequence[Any], header: Sequence[Any] = HEADER, hidden: Collection[int] = ()
) -> bytes:
    """A workbook with these rows below the header; some of them, as a person counts, `hidden`."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (header, *rows):
        sheet.append(list(row))
    for line in hidden:
        sheet.row_dimensions[line].hidden = True
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def csv_text(*rows: Sequence[Any], header: Sequence[Any] = HEADER, code: str = "utf-8") -> bytes:
    """The same as text."""
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode(code)


def row(reference: str, code: str, quantity: Any = 1, **fields: Any) -> list[Any]:
    """A row with a recipient of its own."""
    mobile = f"138{abs(hash(reference)) % 10**8:08d}"
    told = {"name": "张三", "mobile": mobile, "address": NANSHAN} | fields
    return [reference, told["name"], told["mobile"], told["address"], code, quantity]


def sent(market: Market, party: int, content: bytes, *, work: bool = True) -> str:
    """Upload a sheet, and let the worker read it."""
    _, rows = opened(content)
    with market.db.as_system() as session:
        made, _ = imports.upload(session, market.desk, party, content, rows, NOW)
    if work:
        worked(market, outside("imp", made))
    return outside("imp", made)


def worked(market: Market, name: str) -> None:
    """The worker does what is due of a sheet."""
    until = clock.now() + timedelta(seconds=60)
    placing.drain(market.db, market.desk, inside("imp", name), until)


def seen(market: Market, party: int, name: str) -> dict[str, Any]:
    """What the leader sees of it."""
    with market.db.as_party(party) as session:
        return imports.view(session, market.desk, party, name)


def confirmed(
    market: Market, party: int, name: str, most: int = 10**9, duplicates: Any = "skip"
) -> dict[str, Any]:
    """Confirm it, let the worker place it, and look."""
    with market.db.as_system() as session:
        imports.confirm(session, party, name, most, duplicates, NOW)
    worked(market, name)
    return seen(market, party, name)


def picked(market: Market, party: int, code: str, **fields: Any) -> Any:
    """Goods that the leader has selected under a code of her own."""
    from decimal import Decimal

    from trade import selections
    from trade.selections import Rule

    goods = market.offer(**fields)
    with market.db.as_system() as session:
        rule = Rule(retail_price=Decimal("99"), code=code)
        selections.put(session, market.desk, party, goods.sku, rule, NOW)
    return goods
