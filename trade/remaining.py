"""What units of an order that no purchase holds may still be bought from. In system scope."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, not_, or_, select
from sqlalchemy.orm import Session

from catalog.shelf import Reader
from trade import limits, recipients, supplies
from trade.desk import Desk
from trade.models import Order, Purchase, PurchaseLine, PurchaseMove, Recipient
from trade.purchases import lines_of
from trade.routing.routing import Supply


def market(
    session: Session,
    desk: Desk,
    order: Order,
    sku_ids: Iterable[int],
    reader: Reader,
    now: datetime,
    *,
    lock: bool,
) -> list[Supply]:
    """Offers of these SKUs for the order's recipient, as far as brands allow `reader`, its leader,
    to have them; those that refused the order included.

    `lock` keeps stated stock and limits as they are until the transaction ends.
    """
    to = session.get_one(Recipient, order.recipient_id)
    found = supplies.load(session, desk, sku_ids, to.region, lock=lock)
    known = recipients.mobile_hashes(desk.keyring, to)
    asks = limits.Asking(order.party_id, reader.grants, to.region, known, order.id)
    return limits.applied(session, found, asks, now, lock=lock)


def declined(session: Session, order: Order) -> Sequence[Any]:
    """Offers of which the order does not get what was bought: (offer, order line, purchase, whether
    it was refused for the address). Those refused for an address that was changed since are open
    again."""
    undelivered = exists().where(
        PurchaseMove.purchase_id == Purchase.id,
        PurchaseMove.detail["undelivered"].as_boolean(),
    )
    found = (
        select(
            PurchaseLine.offer_id,
            PurchaseLine.order_line_id,
            PurchaseLine.purchase_id,
            undelivered.label("undelivered"),
        )
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(
            Purchase.order_id == order.id,
            PurchaseLine.cancelled > 0,
            or_(Purchase.recipient_id == order.recipient_id, not_(undelivered)),
        )
    )
    return session.execute(found).all()


def refused(session: Session, order: Order) -> Sequence[Purchase]:
    """The purchases of a locked order that were refused, locked."""
    found = select(Purchase).where(Purchase.order_id == order.id, Purchase.state == "refused")
    return session.scalars(
        found.order_by(Purchase.id).with_for_update().execution_options(populate_existing=True)
    ).all()


def givers(session: Session, purchases: Iterable[Purchase]) -> list[Purchase]:
    """Those of an order that were refused before anything of them left: what its leader pays for
    their freight is free for others."""
    over = [purchase for purchase in purchases if purchase.state == "refused"]
    lines = lines_of(session, [purchase.id for purchase in over])
    return [one for one in over if not any(line.shipped for line in lines[one.id])]
