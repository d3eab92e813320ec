"""A small market for tests of trade: offers, leaders with money, suppliers, whole by default."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from catalog import stock
from catalog.models import Offer, Price, Product, Sku, Stock, Terms
from catalog.stock import Level, Want
from connectors.model import Placed, PurchaseOrder, ShipTo
from kit import clock
from kit.crypto import Keyring
from kit.db import Database
from kit.ids import outside
from kit.statements import send
from trade import orders, submit
from trade.desk import Desk, SourceTerms
from trade.ledger import Entry, post
from trade.models import Balance, Party, Purchase
from trade.orders import OrderRequest
from trade.planning import LineRequest

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday morning, ten o'clock in Shanghai."""

JD_FREIGHT = {"kind": "flat", "fee": "6.00", "free_from": "99.00"}
"""What the simulated JD asks for a parcel."""

HOME = ShipTo("张三", "13800138000", "440305", "粤海街道科技园 1 号")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Goods:
    """One offer as made for a test."""

    sku: str
    sku_id: int
    offer_id: int
    external_id: str


@dataclass(frozen=True)
class Market:
    """A database with what trade needs in it."""

    db: Database
    desk: Desk

    def offer(
        self,
        *,
        sku_id: int | None = None,
        source: str = "teahouse",
        cost: str | None = "10.00",
        stock: int | str | None = "in_stock",
        freight: Mapping[str, Any] | None = {"kind": "free"},
        multiple: int = 1,
        moq: int = 1,
        **fields: Any,
    ) -> Goods:
        """An offer that can be ordered; `stock` is a quantity, a state, or None: nothing known."""
        number = next(_numbers)
        with self.db.as_system() as session:
            if sku_id is None:
                product = Product(title=f"茉莉花茶 {number}")
                session.add(product)
                session.flush()
                sku = Sku(product_id=product.id)
                session.add(sku)
                session.flush()
                sku_id = sku.id
            row = Offer(
                source=source,
                sku_id=sku_id,
                content_hash=b"",
                seen_at=NOW,
                **{
                    "external_id": f"{number:04d}",
                    "title": f"茉莉花茶 {number}",
                    "attributes": {"规格": "250g"},
                }
                | fields,
            )
            session.add(row)
            session.flush()
            session.add(
                Terms(
                    offer_id=row.id,
                    mode="dropship",
                    freight=freight,
                    moq=moq,
                    multiple=multiple,
                    ships_within_hours=48,
                )
            )
            if cost is not None:
                session.add(Price(offer_id=row.id, mode="dropship", price=Decimal(cost), as_of=NOW))
            self._stock(session, row.id, stock)
            return Goods(outside("sku", sku_id), sku_id, row.id, row.external_id)

    def _stock(self, session: Any, offer_id: int, stated: int | str | None) -> None:
        if stated is None:
            return
        state = stated if isinstance(stated, str) else "in_stock"
        quantity = stated if isinstance(stated, int) else None
        session.add(Stock(offer_id=offer_id, region="", state=state, quantity=quantity, as_of=NOW))

    def reserve(self, goods: Goods, units: int, reference: str, region: str = "440305") -> None:
        """Units that an open purchase line has taken."""
        with self.db.as_system() as session:
            send(session, stock.taking([Want(reference, goods.offer_id, units)], region))

    def level(self, goods: Goods, region: str = "440305") -> Level | None:
        """What is left for delivery to `region`; None: its source says nothing."""
        with self.db.as_nobody() as session:
            asked = {"offer": goods.offer_id, "region": region}
            query = f"SELECT {stock.STATED.format(offer='%(offer)s')} AS stated"
            [[row]] = send(session, (query, asked))
        return stock.level(row.stated, region)

    def left(self, goods: Goods, region: str = "440305") -> int | None:
        """The number that is left of it; None: none is stated."""
        level = self.level(goods, region)
        assert level is not None
        return level.quantity

    def party(self, role: str = "leader", *, money: int = 0, source: str | None = None) -> int:
        """A party with so many fen in its wallet; returns its id."""
        with self.db.as_system() as session:
            row = Party(role=role, name=f"{role} {next(_numbers)}", source=source)
            session.add(row)
            session.flush()
            reference = f"deposit:test:{row.id}"
            post(session, [Entry(reference, "deposit", "bank", f"wallet:{row.id}", money, row.id)])
            return row.id

    def place(
        self,
        party: int,
        *lines: tuple[str, int],
        reference: str | None = None,
        now: datetime = NOW,
        **fields: Any,
    ) -> int:
        """An order of (sku, quantity) lines by `party`; returns its id."""
        with self.db.as_system() as session:
            request = ordered(*lines, reference=reference, **fields)
            return orders.place(session, self.desk, party, request, now)[0]

    def purchases(self, order_id: int) -> Sequence[Purchase]:
        """The purchases of an order, oldest first."""
        with self.db.as_system() as session:
            found = select(Purchase).where(Purchase.order_id == order_id).order_by(Purchase.id)
            return session.scalars(found).all()

    def balance(self, account: str) -> int:
        """Fen on a balance row."""
        with self.db.as_system() as session:
            row = session.get(Balance, account)
            return row.amount if row else 0


def ordered(*lines: tuple[str, int], reference: str | None = None, **fields: Any) -> OrderRequest:
    """An order request that consents to any price unless told otherwise."""
    return OrderRequest(
        reference=reference or f"T{next(_numbers)}",
        lines=tuple(LineRequest(quantity, sku) for sku, quantity in lines),
        **{"ship_to": HOME, "max_total": None if "quote" in fields else 10**9} | fields,
    )


class DoorSupplier:
    """A supplier who takes purchases at our own door, as a file supplier does."""

    def place(self, order: PurchaseOrder) -> Placed:
        return Placed((order.our_ref,), awaits_supplier=True)

    def find(self, our_ref: str) -> Placed | None:
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        return None


def submitted(market: Market, source: str = "teahouse") -> int:
    """Submit what is due at `source`; returns how many purchases that were."""
    until = clock.now() + timedelta(seconds=20)
    return submit.drain(market.db, market.desk, source, lambda _: DoorSupplier(), until)


def make_desk(**fields: Any) -> Desk:
    """A desk whose sources are accepted on export."""
    return Desk(
        Keyring(b"k" * 32), **{"sources": {"manual": SourceTerms(accept="manual")}} | fields
    )
