"""A draft in the words of JSON: what its leader is told, and the decision behind it."""

from datetime import datetime
from typing import Any

from kit.ids import outside
from kit.money import price_text, yuan
from trade.planning import Draft, PricedLine, promise
from trade.routing import routing_facts
from trade.routing.routing import Plan, PlannedPurchase


def told(view: Draft, now: datetime) -> dict[str, Any]:
    """What a leader is told of a draft, ready for JSON."""
    skus = {line.line.index: outside("sku", line.line.sku_id) for line in view.lines}
    skus |= {part.key: outside("sku", part.sku_id) for line in view.lines for part in line.parts}
    return {
        "lines": [
            {
                "sku": skus[line.line.index],
                "code": line.line.code,
                "quantity": line.line.quantity,
                "unit_price": price_text(line.unit_price),
                "amount": yuan(line.amount),
                "as_of": _as_of(view, line),
            }
            | _parts(line)
            for line in view.lines
        ],
        "freight": yuan(view.freight),
        "total": yuan(view.total),
        "parcels": [
            {
                "lines": [{"sku": skus[t.key], "quantity": t.units} for t in purchase.takes],
                "freight": yuan(purchase.freight),
                "ships_by": by.isoformat() if (by := promise(purchase, now)) else None,
            }
            | _split(purchase)
            for purchase in view.plan.purchases
        ],
        "unsellable": [
            {
                "sku": line.sku,
                "line": line.index,
                "code": line.code,
                "message": line.message,
                "until": line.until and line.until.isoformat(),
            }
            for line in view.unsellable
        ],
    }


def _as_of(view: Draft, line: PricedLine) -> str | None:
    """Since when what the line rests on is not confirmed by whoever sells it."""
    keys = [part.key for part in line.parts] or [line.line.index]
    moments = [take.supply.as_of for key in keys for take in view.plan.takes(key)]
    known = [moment for moment in moments if moment is not None]
    return min(known).isoformat() if known and len(known) == len(moments) else None


def _split(purchase: PlannedPurchase) -> dict[str, Any]:
    """Into how many parcels its source says that it goes, if not into one."""
    words = {take.supply.word for take in purchase.takes}
    word = words.pop() if len(words) == 1 else None
    return {"parcels": word.parcels} if word and (word.parcels or 1) > 1 else {}


def _parts(line: PricedLine) -> dict[str, Any]:
    """What a bundle's line is made of; nothing for other lines."""
    told = [{"sku": outside("sku", part.sku_id), "quantity": part.quantity} for part in line.parts]
    return {"parts": told} if told else {}


def record(plan: Plan) -> dict[str, Any]:
    """The decision, for operators: what is bought where, why each other offer lost, and the facts
    that it was made from."""
    return {
        "purchases": [
            {
                "source": purchase.source,
                "seller": purchase.seller,
                "freight": yuan(purchase.freight),
                "takes": [
                    {
                        "line": take.key,
                        "offer": take.supply.offer_id,
                        "external_id": take.supply.external_id,
                        "quantity": take.units,
                        "unit_cost": str(take.supply.cost),
                    }
                    for take in purchase.takes
                ],
            }
            for purchase in plan.purchases
        ],
        "lost": [
            {"line": loss.key, "offer": loss.offer_id, "code": loss.code}
            | ({"rule": loss.rule} if loss.rule else {})
            for loss in plan.lost
        ],
        "unsellable": {str(key): code for key, code in plan.unsellable.items()},
        "facts": routing_facts.stored(plan.facts),
    }
