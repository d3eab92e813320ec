"""A proposal as the leader of a held order sees it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from kit.ids import outside
from kit.money import yuan
from trade import books
from trade.models import Order, OrderLine, Proposal


def told(order: Order, rows: Sequence[OrderLine], proposal: Proposal | None) -> Any:
    """What may be chosen for the lines that are still held, or None where nothing is. Each `total`
    is what the order costs then."""
    if proposal is None or order.status != "held":
        return None
    content = proposal.content
    held = [row for row in rows if row.unrouted and row.held_reason is not None]
    known = [
        row for row in held if content["lines"].get(str(row.line), _NONE)["units"] == row.unrouted
    ]
    waiting = sum(row.unrouted > 0 for row in rows)
    spare = content["spare"] if len(held) == waiting else 0
    back = spare + sum(books.held_for(row, row.unrouted) for row in held)
    together = content["new_price"] if len(known) == len(held) == len(content["lines"]) else None
    return {
        "deadline": proposal.deadline,
        "then": content["then"],
        "refund": {"amount": yuan(back)},
        "new_price": together and {"total": yuan(order.total + together["more"])},
        "lines": [_line(order, row, content["lines"][str(row.line)]) for row in known],
    }


_NONE = {"units": 0}


def _line(order: Order, row: OrderLine, options: Mapping[str, Any]) -> dict[str, Any]:
    price = options["new_price"]
    return {
        "line": row.bundle_line or row.line,
        "sku": outside("sku", row.sku_id),
        "quantity": row.unrouted,
        "new_price": price and _option(order, price),
        "substitutes": [_option(order, one) for one in options["substitutes"]],
    }


def _option(order: Order, option: Mapping[str, Any]) -> dict[str, Any]:
    more = option["more"]
    return {name: value for name, value in option.items() if name != "more"} | {
        "amount": yuan(option["amount"]),
        "freight": yuan(option["freight"]),
        "total": yuan(order.total + more),
    }
