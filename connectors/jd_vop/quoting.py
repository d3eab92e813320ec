"""One line's verdict from what five calls said about it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import NotDeliverable
from connectors.jd.reading import pick, text
from connectors.model import OrderLine, StockFact
from connectors.trading import QuotedLine, SourceQuote

from . import mapping
from .mapping import Price


@dataclass(frozen=True)
class Heard:
    """What JD said, by SKU; what it would not say forbids nothing by itself."""

    prices: Mapping[str, Price]
    checks: Mapping[str, Mapping[str, Any]]
    restricted: Mapping[str, bool]
    stock: Mapping[str, StockFact]

    def line(self, line: OrderLine) -> QuotedLine:
        """Whether this line can be bought now, and for how much."""
        sku = line.external_id
        price = self.prices.get(sku)
        code, message = self._refusal(sku, line.quantity)
        gross = price.gross if price else None
        return QuotedLine(sku, line.quantity, not code, gross, code, message)

    def _refusal(self, sku: str, quantity: int) -> tuple[str, str]:
        if sku not in self.prices:
            return "no_price", "暂无报价"
        check = self.checks.get(sku, {})
        if not mapping.saleable(check):
            return "no_such_thing", text(pick(check, "message", "name")) or "不可售"
        if self.restricted.get(sku):
            return "not_deliverable", "商品在该配送区域内受限"
        fact = self.stock.get(sku)
        if fact is None or fact.state == "out":
            return "out_of_stock", "无货"
        if fact.quantity is not None and fact.quantity < quantity:
            return "out_of_stock", f"仅余 {fact.quantity}"
        return "", ""


def undelivered(lines: Sequence[OrderLine], error: NotDeliverable) -> SourceQuote:
    """What is said of an address in which JD finds no district."""
    code, why = "not_deliverable", error.message
    told = (
        QuotedLine(x.external_id, x.quantity, sellable=False, code=code, message=why) for x in lines
    )
    return SourceQuote(tuple(told), None, incomplete=True)
