"""An order under a share: what the helper pays for each line, and what the sharer earns on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from kit.errors import FieldError, Problem, invalid
from kit.money import split
from kit.statements import Query, insert
from trade import planning, pricing
from trade.bundling import PartLine
from trade.desk import Desk
from trade.models import Earning, NewOrder
from trade.planning import Draft, LineRequest, PricedLine
from trade.sharing import plans
from trade.sharing.shares import Under

Rests = Mapping[int, int]
"""The sharer's earning in fen on each line, by the line's index; of a bundle by its parts' keys."""


def at_retail(lines: Sequence[LineRequest], under: Under) -> tuple[LineRequest, ...]:
    """The lines at the share's retail price. Raises Problem 422 for one with another price."""
    for index, line in enumerate(lines):
        if line.retail_price not in (None, under.retail_price):
            field = f"lines.{index}.retail_price"
            message = "under a share its retail price holds; leave this out"
            raise invalid(field, message, "not_the_shares")
    return tuple(replace(line, retail_price=under.retail_price) for line in lines)


def shared(
    session: Session, desk: Desk, draft: Draft, under: Under, now: datetime
) -> tuple[Draft, Rests]:
    """The draft as it is paid for under a share, and what its sharer earns.

    Raises Problem 409 `not_orderable` for goods that are not shared, or `negative_rest` where the
    sharer would lose by it.
    """
    if foreign := [one.line for one in draft.lines if one.line.sku_id not in under.skus]:
        raise _refused("not_orderable", "not_shared", planning.MESSAGES["not_shared"], foreign)
    if under.helper is None:
        return draft, {}
    reader = pricing.leader(session, desk, under.sharer, now)
    paid: list[PricedLine] = []
    short: list[planning.Resolved] = []
    rests: dict[int, int] = {}
    for one in draft.lines:
        own, line = planning.repriced(one, draft.plan, reader.prices), one.line
        amount = plans.helper_pays(under.retail_price, under.commission_ppm, line.quantity)
        parts, rest = divided(amount, own)
        paid.append(PricedLine(line, planning.mean(amount, line.quantity), amount, parts))
        rests |= rest
        short += [line] if amount < own.amount else []
    if short:
        message = "the share does not cover it any more; ask its sharer for a new one"
        raise _refused("negative_rest", "negative_rest", message, short)
    return replace(draft, lines=tuple(paid)), rests


def divided(amount: int, own: PricedLine) -> tuple[tuple[PartLine, ...], Rests]:
    """What a helper pays for each part of a bundle, in proportion to what the sharer pays for it
    herself, and what the sharer earns on each; of other goods on the line. Pure.

    A part earns nothing negative where the line does not: largest remainders take no whole fen.
    """
    if not own.parts:
        return (), {own.line.index: amount - own.amount}
    weights = [part.amount for part in own.parts]
    shares = split(amount, weights) if any(weights) else [amount, *[0] * (len(weights) - 1)]
    paired = list(zip(own.parts, shares, strict=True))
    paid = [
        replace(part, amount=share, unit_price=planning.mean(share, part.quantity))
        for part, share in paired
    ]
    return tuple(paid), {part.key: share - part.amount for part, share in paired}


def writes(order: NewOrder, under: Under, rests: Rests, ids: Mapping[int, int]) -> list[Query]:
    """The earnings on a new order; `ids` are its lines by index."""
    rows: list[dict[str, Any]] = [
        {
            "party_id": under.sharer,
            "share_id": under.share_id,
            "order_id": order.id,
            "order_line_id": ids[index],
            "plan": under.plan,
            "amount": rest,
            "created_at": order.created_at,
        }
        for index, rest in rests.items()
        if rest
    ]
    return [insert(Earning, rows)] if rows else []


def _refused(code: str, why: str, message: str, lines: Sequence[planning.Resolved]) -> Problem:
    errors = [FieldError(f"lines.{line.index}", why, message) for line in lines]
    return Problem(409, code, f"nothing was ordered: {message}", errors=errors)
