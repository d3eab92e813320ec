"""People's details by age: sealed, then erased; what is still needed stays, money is untouched."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from kit import clock
from kit.errors import Problem
from kit.ids import outside
from kit.settings import SettingsError, load
from tests.sealing import NOTE, WORDS, claim_over, filled_house, opened, standing
from tests.trade.market import HOME, NOW, Market
from tests.trade.test_claims import claim, refuse
from tests.trade.test_sheets import filled, import_sheet
from tests.trade.test_supplier_door import TEAHOUSE, Shop
from tests.worker.conftest import make_settings
from trade import (
    ageing,
    cancelling,
    forgetting,
    order_views,
    purchases,
    quotes,
    recipients,
    shredding,
)
from trade.after_sales import evidence
from trade.desk import AgeTerms
from trade.models import Audit, Order, Posting, Recipient, RecipientOpening
from trade.parcels import tracking
from trade.planning import LineRequest
from trade.quotes import Quoting
from trade.sealed import PLACES, RECIPIENTS

TERMS = AgeTerms()


def aged(market: Market, days: float, terms: AgeTerms = TERMS) -> tuple[int, int]:
    """What cron does so many days from now: who is sealed, who is erased."""
    now = clock.now() + timedelta(days=days)
    done = []
    for work in (ageing.seal, ageing.shred):
        with market.db.as_system() as session:
            done.append(work(session, terms, now)[0])
    return done[0], done[1]


def delivered(market: Market, at: datetime | None = None) -> Shop:
    shop = Shop(market)
    shop.ship("SF1234567890")
    with market.db.as_system() as session:
        parcel = session.scalars(text("SELECT max(id) FROM parcels")).one()
        tracking.found_delivered(session, parcel, at or clock.now())
    return shop


def revealed(shop: Shop) -> str:
    """How the leader's opening ends."""
    market, name = shop.market, outside("ord", shop.order)
    with market.db.as_party(shop.leader) as session:
        try:
            order_views.reveal(session, market.desk.keyring, shop.leader, name, "客服")
        except Problem as problem:
            return problem.code
        return "opened"


def unsealed(shop: Shop) -> str:
    market, name = shop.market, outside("ord", shop.order)
    with market.db.as_system() as session:
        try:
            to = order_views.unseal(
                session, market.desk.keyring, 7, "operator", name, "公安调取 2026-18"
            )
        except Problem as problem:
            return problem.code
        return to.name


def test_after_its_days_only_an_operator_opens_it_and_says_what_for(market: Market) -> None:
    shop = delivered(market)
    assert unsealed(shop) == "not_sealed"
    assert (aged(market, 179), revealed(shop)) == ((0, 0), "opened")
    assert (aged(market, 181), revealed(shop)) == ((1, 0), "recipient_sealed")
    assert aged(market, 181) == (0, 0)
    assert shop.seen()["ship_to"]["name"] == "张**"
    with market.db.as_system() as session:
        assert purchases.get(session, market.desk, TEAHOUSE, shop.name)["ship_to"] is None
    assert (unsealed(shop), revealed(shop)) == (HOME.name, "recipient_sealed")
    with market.db.as_system() as session:
        last = session.scalars(
            select(RecipientOpening).order_by(RecipientOpening.id.desc())
        ).first()
        assert last is not None
        assert (last.party_id, last.purpose) == (7, "公安调取 2026-18")
        noted = session.scalars(select(Audit)).one()
        assert (noted.action, noted.party_id) == ("recipient.unseal", shop.leader)


def test_after_its_years_nothing_names_anybody_and_the_books_are_as_before(market: Market) -> None:
    shop = delivered(market)
    name = claim(shop, 1, reason=NOTE)
    refuse(shop, name, NOTE)
    with market.db.as_system() as session:
        session.execute(text("UPDATE orders SET buyer_note = :note"), {"note": NOTE})
        session.execute(text("UPDATE purchases SET note = :note"), {"note": NOTE})
        posted = len(session.scalars(select(Posting.id)).all())
    before = shop.seen()
    assert (aged(market, 181), aged(market, 1094)) == ((1, 0), (0, 0))
    assert aged(market, 1097) == (0, 1)
    assert (revealed(shop), unsealed(shop)) == ("recipient_forgotten", "recipient_forgotten")
    after = shop.seen()
    for told in ("status", "lines", "total", "held", "parcels"):
        assert after[told] == before[told]
    with market.db.as_system() as session:
        assert standing(session, *WORDS) == set()
        assert list(opened(session, market.desk.keyring, RECIPIENTS)) == []
        assert session.scalars(select(Order.content_hash)).one() == b""
        assert len(session.scalars(select(Posting.id)).all()) == posted
    assert aged(market, 1097) == (0, 0)


def test_what_is_not_sent_or_under_a_claim_waits(market: Market) -> None:
    waiting, claimed = Shop(market), delivered(market)
    name = claim(claimed, 1)
    assert aged(market, 400) == (0, 0)
    refuse(claimed, name)
    with market.db.as_system() as session:
        cancelling.cancel(session, waiting.leader, waiting.order, "不要了", clock.now())
    assert aged(market, 400.5) == (0, 0)  # looked at again after a day
    assert aged(market, 402) == (1, 0)
    waiting.refuse()
    assert aged(market, 404) == (1, 0)


def test_what_never_arrived_ages_from_its_last_move(market: Market) -> None:
    shop = Shop(market, submit=False)
    late = clock.now() + timedelta(days=100)
    with market.db.as_system() as session:
        cancelling.cancel(session, shop.leader, shop.order, "不要了", late)
    assert (aged(market, 190), aged(market, 279), aged(market, 281)) == ((0, 0), (0, 0), (1, 0))


def test_a_legal_hold_outlasts_age_and_request(market: Market) -> None:
    shop = delivered(market)
    name = outside("ord", shop.order)
    with market.db.as_system() as session:
        ageing.hold(session, name, "仲裁 2026-7", "operator")
    assert aged(market, 181) == (1, 0)
    assert aged(market, 1200) == (0, 0)
    with market.db.as_system() as session:
        done = forgetting.forget(session, market.desk.keyring, HOME.name, HOME.mobile, NOW)
        assert (done.recipients, done.waiting[0].why) == (0, "a legal hold is on it: 仲裁 2026-7")
        ageing.hold(session, name, None, "operator")
    assert aged(market, 1200) == (0, 1)
    with market.db.as_system() as session:
        for wrong, reason in ((name, "x"), (name, " "), (outside("ord", 10**9), "x")):
            with pytest.raises(Problem):
                ageing.hold(session, wrong, reason, "operator")


def test_whom_only_a_quote_names_is_erased_after_a_month(market: Market) -> None:
    goods, leader = market.offer(), market.party()
    with market.db.as_system() as session:
        asked = Quoting(leader, [LineRequest(1, goods.sku)], HOME)
        quotes.quote(session, market.desk, asked, NOW)
        recipients.seal(session, market.desk.keyring, leader, HOME, "signup")
    assert (aged(market, 29), aged(market, 31)) == ((0, 0), (0, 1))
    assert aged(market, 181) == (1, 0)  # who signed up and was never sent anything
    assert aged(market, 1097) == (0, 1)


def test_many_are_aged_in_batches_and_a_locked_one_is_left_for_later(market: Market) -> None:
    leader = market.party()
    with market.db.as_system() as session:
        for _ in range(5):
            recipients.seal(session, market.desk.keyring, leader, HOME)
    late = clock.now() + timedelta(days=200)
    with market.db.as_system() as busy:
        busy.execute(text("SELECT FROM recipients ORDER BY aged_from LIMIT 1 FOR UPDATE"))
        with market.db.as_system() as session:
            done = [ageing.seal(session, TERMS, late, most=2) for _ in range(3)]
    assert done == [(2, True), (2, True), (0, False)]
    with market.db.as_system() as session:
        assert ageing.seal(session, TERMS, late, most=2) == (1, False)


def test_suppliers_sheets_go_after_ninety_days(market: Market) -> None:
    Shop(market)
    import_sheet(market, filled(market, "SF1234567890"))
    for days, gone in ((89, 0), (91, 1), (91, 0)):
        with market.db.as_system() as session:
            assert ageing.forget_sheets(session, clock.now() + timedelta(days=days)) == gone


def test_a_forgotten_person_is_named_nowhere_in_the_database(
    market: Market, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = make_settings(database_url, redis_url, tmp_path)
    market = replace(market, desk=replace(market.desk, keyring=settings.keyring()))
    shop = filled_house(market, settings)
    keyring = market.desk.keyring
    with market.db.as_system() as session:
        assert any(HOME.mobile.encode() in one for one in opened(session, keyring, RECIPIENTS))
        assert standing(session, *WORDS) >= {"claims.reason", "signups.note"}
        waits = forgetting.forget(session, keyring, HOME.name, HOME.mobile, NOW)
        assert [one.why for one in waits.waiting] == ["a claim on this order is open"]
    claim_over(shop)
    with market.db.as_system() as session:
        done = forgetting.forget(session, keyring, HOME.name, HOME.mobile, NOW)
        assert (done.waiting, done.claims, done.evidence, done.sheets) == ([], 1, 1, 3)
        assert standing(session, *WORDS) == set()
        left = list(opened(session, keyring, PLACES))
        assert not [one for one in left for word in WORDS if word.encode() in one]


def test_evidence_stays_while_its_order_is_held(market: Market) -> None:
    shop = delivered(market)
    with market.db.as_system() as session:
        piece = evidence.hand_in(session, market.desk, shop.leader, b"%PDF-1.4", NOW)
        number = session.scalar(
            text(
                "INSERT INTO claims (party_id, order_id, purchase_id, kind, state,"
                " reason) VALUES (1, :order, 1, 'refund', 'refused', '') RETURNING id"
            ),
            {"order": shop.order},
        )
        piece.claim_ids = [number]
        ageing.hold(session, outside("ord", shop.order), "仲裁", "operator")
        session.flush()
        late = NOW + timedelta(days=5 * 365)
        assert evidence.prune(session, late) == 0
        ageing.hold(session, outside("ord", shop.order), None, "operator")
        assert evidence.prune(session, late) == 1


def test_nobody_is_no_work(market: Market) -> None:
    with market.db.as_system() as session:
        assert shredding.shred(session, []) == shredding.Shredded()
        assert session.scalar(select(Recipient)) is None


def test_erasing_before_sealing_is_refused() -> None:
    with pytest.raises(SettingsError, match="shred_days is at least"):
        load(recipients={"shred_days": 90})
