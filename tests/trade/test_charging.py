"""What a platform really charges: less is owed less, more is not paid before somebody agrees."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from connectors.errors import Refused, TryLater
from connectors.model import Placed
from connectors.trading import Part, Progress, SourceParcel
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside
from tests.trade.market import NOW, DoorSupplier, Market, make_desk
from tests.trade.test_claims import approve, claim, seen
from tests.trade.test_claims_at_cost import at_the_door
from tests.trade.test_supplier_door import Shop
from trade import charging, exceptions, following
from trade.charging import Charge
from trade.following import Due, Seen
from trade.invariants import violations
from trade.models import DearerLine, Purchase, PurchaseLine, PurchaseMove
from trade.settling import reconciling

SENT = SourceParcel("顺丰", "SF1234567890")


@pytest.fixture
def shop(shared_database: Database) -> Shop:
    """A submitted purchase of three at 3.33 with 5.00 freight: 14.99 were agreed."""
    return Shop(Market(shared_database, make_desk()))


def part(shop: Shop, amount: str | None, freight: str | None = None, **fields: object) -> Part:
    fee = None if freight is None else Decimal(freight)
    whole = Part(
        f"P{shop.order}",
        "open",
        ((shop.goods.external_id, 3),),
        (),
        amount and Decimal(amount),
        fee,
    )  # type: ignore[arg-type]
    return replace(whole, **fields)  # type: ignore[arg-type]


def due(shop: Shop) -> Due:
    return Due(inside("pur", shop.name), shop.order, shop.name, None, 1499)


def heard(shop: Shop, *parts: Part) -> Purchase:
    """The platform tells of these parts; books and units must add up."""
    with shop.market.db.as_system() as session:
        told = Progress(shop.name, (f"P{shop.order}",), parts)
        following.write_down(session, due(shop), Seen(told), NOW)
        session.flush()
        assert violations(session) == []
        return session.get_one(Purchase, inside("pur", shop.name))


def waiting(shop: Shop) -> list[tuple[str, int]]:
    with shop.market.db.as_system() as session:
        found = exceptions.waiting(session, shop.market.desk, NOW, kind="charged_more")
        return [(one["kind"], one["money"]) for one in found]


def test_less_than_agreed_is_what_is_owed_and_the_house_keeps_the_difference(shop: Shop) -> None:
    heard(shop, part(shop, "12.00", "3.00"))
    heard(shop, part(shop, "12.00", "3.00"))  # told again, nothing more is taken off
    row = heard(shop, part(shop, "12.00", "3.00", state="shipped", parcels=(SENT,)))
    assert (row.state, row.freight_cost, row.overcharged) == ("shipped", 300, 0)
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (1499, 1200)
    with shop.market.db.as_system() as session:
        move = session.scalars(select(PurchaseMove).where(PurchaseMove.event == "charge")).one()
        assert move.detail == {
            "agreed": "14.99",
            "charged": "12.00",
            "agreed_freight": "5.00",
            "charged_freight": "3.00",
        }
        day = reconciling.reconcile(session, "teahouse", NOW.date(), None)
        assert (day.amount, day.findings) == (1200, [])
    name = claim(shop, 1)  # of what was charged a third, hers as ever
    assert at_the_door(shop, name)["lines"][0]["amount"] == "3.00"
    approve(shop, name)
    assert seen(shop, name)["lines"][0]["refunded"] == "3.33"
    assert shop.posted("payable:teahouse") == 900


@pytest.mark.parametrize(
    ("amounts", "state"),
    [((None,), "open"), (("0",), "open"), (("9.00", None), "open"), (("12.00",), "cancelled")],
)
def test_a_platform_that_does_not_say_all_of_it_lowers_nothing(
    shop: Shop, amounts: Sequence[str | None], state: str
) -> None:
    assert charging.told([part(shop, one, state=state) for one in amounts]) is None


def test_part_of_the_goods_and_goods_on_their_way_lower_nothing(shop: Shop) -> None:
    heard(shop, part(shop, "9.00", lines=((shop.goods.external_id, 2),)))
    assert shop.market.purchases(shop.order)[0].freight_cost == 500
    shop.ship("SF1234567890", {1: 1})
    row = heard(shop, part(shop, "9.00", "0"))
    assert (row.freight_cost, row.overcharged) == (500, 0)
    assert shop.posted("payable:teahouse") == 333 + 500


@dataclass
class Held(DoorSupplier):
    """A platform that holds the goods until it is paid."""

    part: Part
    paid: list[str] = field(default_factory=list)
    keeps: bool = False
    asks: bool = False

    def cancel(self, our_ref: str, reason: str) -> None:
        if self.asks:
            raise TryLater("asked", "已申请退款", wait=300)
        if self.keeps:
            raise Refused("paid", "已付款")

    def track(self, our_ref: str) -> Progress:
        return Progress(our_ref, (self.part.ref,), (self.part,))

    def confirm(self, our_ref: str, most: Decimal | None = None) -> Placed:
        self.paid.append(our_ref)
        return Placed(("1",), awaits_supplier=False)


def test_more_than_agreed_stays_held_until_somebody_accepts_it(shop: Shop) -> None:
    platform = Held(part(shop, "15.99", state="held"))
    told = following.look(platform, due(shop))
    assert platform.paid == []
    with shop.market.db.as_system() as session:
        following.write_down(session, due(shop), told, NOW)
    assert waiting(shop) == [("charged_more", 100)]
    for _ in range(2):
        with shop.market.db.as_system() as session:
            charging.accept(session, shop.name, NOW)
    assert waiting(shop) == []
    with shop.market.db.as_system() as session:
        (again,) = following.claim(session, "teahouse", NOW)
    assert again.agreed == 1599
    following.look(platform, again)
    assert platform.paid == [shop.name]
    shop.ship("SF1234567890")
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (1499, 1599)


def looked(shop: Shop, platform: Held) -> Purchase:
    """The platform is asked; books and units must add up."""
    with shop.market.db.as_system() as session:
        session.execute(update(Purchase).where(Purchase.our_ref == shop.name).values(due_at=NOW))
        (one,) = following.claim(session, "teahouse", NOW)
    told = following.look(platform, one)
    with shop.market.db.as_system() as session:
        following.write_down(session, one, told, NOW)
        session.flush()
        assert violations(session) == []
        return session.get_one(Purchase, one.purchase_id)


def test_a_hold_of_which_nobody_says_what_it_costs_is_paid_once_a_person_has_looked(
    shop: Shop,
) -> None:
    platform = Held(part(shop, None, state="held"))
    looked(shop, platform)
    assert (platform.paid, waiting(shop)) == ([], [("charged_more", 1499)])
    with shop.market.db.as_system() as session:
        charging.accept(session, shop.name, NOW)
    looked(shop, platform)
    assert platform.paid == [shop.name]
    platform.part = replace(platform.part, state="open")
    assert (looked(shop, platform).held_word, waiting(shop)) == (None, [])


def test_a_dearer_hold_that_ends_at_its_platform_waits_for_its_price(shop: Shop) -> None:
    platform = Held(part(shop, "15.99", state="held"))
    assert looked(shop, platform).held_since == NOW
    platform.part = replace(platform.part, state="cancelled")
    row = looked(shop, platform)
    assert (row.state, row.overcharged, row.held_since) == ("refused", 0, None)
    with shop.market.db.as_system() as session:
        mine = select(PurchaseLine.order_line_id).where(PurchaseLine.purchase_id == row.id)
        known = session.get_one(DearerLine, session.scalars(mine).one())
        assert known.refused_at == NOW
    assert waiting(shop) == []


def test_what_a_platform_does_not_give_back_is_a_persons_again(shop: Shop) -> None:
    platform = Held(part(shop, "15.99", state="held"), keeps=True)
    looked(shop, platform)
    with shop.market.db.as_system() as session:
        charging.refuse(session, shop.name, NOW)
        with pytest.raises(Problem, match="given back"):
            charging.accept(session, shop.name, NOW)
    assert waiting(shop) == []
    assert looked(shop, platform).held_word is None
    assert (platform.paid, waiting(shop)) == ([], [("charged_more", 100)])
    with shop.market.db.as_system() as session:
        charging.accept(session, shop.name, NOW)
    looked(shop, platform)
    assert platform.paid == [shop.name]
    with pytest.raises(Problem, match="held"), shop.market.db.as_system() as session:
        charging.refuse(session, shop.name, NOW)


def test_a_seller_who_comes_back_to_the_agreed_price_is_paid(shop: Shop) -> None:
    heard(shop, part(shop, "15.99", state="held"))
    platform = Held(part(shop, "14.99", state="held"))
    following.look(platform, due(shop))
    assert platform.paid == [shop.name]
    assert heard(shop, platform.part).overcharged == 0


def test_what_left_at_a_higher_price_is_left_to_the_days_books(shop: Shop) -> None:
    heard(shop, part(shop, "15.99", state="shipped", parcels=(SENT,)))
    assert waiting(shop) == [("charged_more", 100)]
    assert shop.posted("payable:teahouse") == 1499
    with pytest.raises(Problem, match="books"), shop.market.db.as_system() as session:
        charging.accept(session, shop.name, NOW)
    with shop.market.db.as_system() as session:
        charging.dismiss(session, shop.name)
    assert waiting(shop) == []


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=6),
    st.integers(0, 2_000),
    st.none() | st.integers(0, 3_000),
    st.data(),
)
def test_what_is_charged_adds_up_to_the_fen(
    costs: list[int], freight: int, told: int | None, data: st.DataObject
) -> None:
    agreed = sum(costs) + freight
    total = data.draw(st.integers(0, agreed + 5_000))
    lower, fee = charging.dealt(costs, freight, Charge(total, told))
    assert sum(lower) + fee == total
    assert min([*lower, fee]) >= 0


def test_what_its_seller_was_asked_to_take_back_is_followed_until_there_is_an_answer(
    shop: Shop,
) -> None:
    platform = Held(part(shop, "14.99"), asks=True)
    shop.cancel()
    row = looked(shop, platform)
    assert (row.state, row.due_at) == ("submitted", NOW + timedelta(seconds=300))
    assert shop.seen()["cancelling"]["units"] == 3
    platform.part = part(shop, "14.99", state="shipped", parcels=(SENT,))
    assert looked(shop, platform).state == "shipped"
    assert shop.seen()["cancelling"] is None
    assert "cancel_too_late" in [event["kind"] for event in shop.seen()["timeline"]]
