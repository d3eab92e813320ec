"""A house with something in every place where envelopes are, and a look into all of it."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from connectors.tokens import Token, Tokens
from kit import idempotency
from kit.crypto import Keyring
from kit.ids import inside, outside
from kit.rewrapping import Column
from kit.settings import Settings
from sync import sources
from tests.trade.market import HOME, NOW, Market, submitted
from tests.trade.order_sheets import picked, row, sent, xlsx
from tests.trade.test_sheets import filled, import_sheet
from tests.trade.test_supplier_door import Shop
from trade import applications, cutoff_sheets, hooks, quotes
from trade.after_sales import claim_answers, claims, evidence
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.applications import Asked, Document
from trade.desk import SourceTerms
from trade.models import Claim, OrderImport
from trade.planning import LineRequest
from trade.quotes import Quoting
from trade.sealed import PLACES
from trade.settling import payees, payouts
from trade.settling.payees import Account
from trade.sharing import shares, signups
from trade.sharing.shares import Terms

BACK = "退货组 057988880000 金华市某路 1 号"
SAID = b"%PDF-1.4 " + "张三 13800138000 的签收单".encode()
NOTE = "找 张三, 13800138000"
WORDS = ("张三", "13800138000", "粤海街道科技园")
"""What names the person: in the clear it may stand nowhere."""


def filled_house(market: Market, settings: Settings) -> Shop:
    """An order of HOME that was shipped and has a claim, and whatever else is sealed."""
    mail = {"teahouse": SourceTerms(send_to="mailto:cang@tea.example", accept="manual")}
    market = replace(market, desk=replace(market.desk, sources=mail))
    shop = Shop(market, submit=False)
    with market.db.as_system() as session:
        session.execute(text("UPDATE orders SET buyer_note = :note"), {"note": NOTE})
        session.execute(text("UPDATE purchases SET note = :note"), {"note": NOTE})
    submitted(market)
    with market.db.as_system() as session:
        cutoff_sheets.make_due(session, market.desk, NOW)
        assert cutoff_sheets.claim(session, market.desk, "teahouse", NOW) is not None
    import_sheet(market, filled(market, "SF1234567890"))
    _claimed(shop)
    _asked(shop)
    _listed(shop)
    _paid_out(shop)
    _told(shop, settings)
    _applied(shop)
    return shop


def _claimed(shop: Shop) -> None:
    """A return under way, with a document for it."""
    market = shop.market
    with market.db.as_system() as session:
        piece = evidence.hand_in(session, market.desk, shop.leader, SAID, NOW)
        shown = outside("evi", piece.id)
        line = ClaimedLine(shop.goods.sku, 1, None)
        request = ClaimRequest("return", (line,), f"坏了 {NOTE}", (shown,))
        (claim,) = claims.open_claim(session, market.desk, shop.leader, shop.order, request, NOW)
        evidence.show(session, session.get_one(Claim, claim), shop.leader, [shown], NOW)
    with market.db.as_system() as session:
        name = outside("clm", claim)
        claim_answers.approve(session, market.desk, shop.door, name, NOW, return_to=BACK)


def _asked(shop: Shop) -> None:
    """A quote for the same person, who has also signed up on a page."""
    market, sku = shop.market, shop.goods.sku
    with market.db.as_system() as session:
        quotes.quote(session, market.desk, Quoting(shop.leader, [LineRequest(1, sku)], HOME), NOW)
        terms = Terms([sku], Decimal("15.00"), 0)
        code = str(shares.create(session, market.desk, shop.leader, terms, NOW)["code"])
        customer = {"name": HOME.name, "mobile": HOME.mobile, "note": NOTE}
        customer["address"] = f"广东省深圳市南山区{HOME.address}"
        signups.sign_up(session, market.desk, code, sku, 1, customer, "n-1", NOW)


def _listed(shop: Shop) -> None:
    """A leader's sheet that names the person, with a row that cannot be used."""
    picked(shop.market, shop.leader, "TEA")
    person = row("S1", "TEA", name=HOME.name, mobile=HOME.mobile)
    name = sent(
        shop.market, shop.leader, xlsx(person, row("S2", "TEA", name="李四", address="不知道"))
    )
    with shop.market.db.as_system() as session:
        kept = session.get_one(OrderImport, inside("imp", name))
        kept.expires_at = NOW.replace(year=NOW.year + 1)


def _paid_out(shop: Shop) -> None:
    market = shop.market
    with market.db.as_system() as session:
        account = Account("王五", "11010519491231002X", "招商银行", "6225880123456789")
        payees.put(session, market.desk.keyring, shop.leader, "person", account, NOW)
        payouts.ask(session, market.desk.person_rule, shop.leader, 100, NOW)


def _told(shop: Shop, settings: Settings) -> None:
    """A webhook whose secret was changed, a platform's token, a source's secret, an answer."""
    market, keyring = shop.market, shop.market.desk.keyring
    open_desk = replace(market.desk, hooks=replace(market.desk.hooks, allow_private_hosts=True))
    with market.db.as_system() as session:
        url = "https://127.0.0.1:9/hook"
        made = hooks.create(session, open_desk, shop.leader, url, ["order.*"])
        hooks.rotate(session, open_desk, shop.leader, made["id"], NOW)
        config = {"kind": "feed", "location": "sftp://h.example/a.csv", "password": "schlüssel"}
        sources.from_outside(session, settings, "far", config, new=True)
        idempotency.begin(session, keyring, shop.leader, "POST /v1/x", "{k}", b"h")
        answer = idempotency.Answer(200, b'{"token": "hp_x"}')
        idempotency.finish(session, keyring, shop.leader, "POST /v1/x", "{k}", answer)
    Tokens(market.db, keyring).put("far", "account", Token("access", "refresh"))


def _applied(shop: Shop) -> None:
    """Somebody who wants to trade here, with a paper and whom to call."""
    asked = Asked("leader", None, [Document("identity", b"%PDF-1.4", None)], None, {"name": "赵六"})
    with shop.market.db.as_system() as session:
        applications.apply(session, shop.market.desk.keyring, asked, NOW)


def claim_over(shop: Shop) -> None:
    """The leader wants the claim of `filled_house` no more."""
    with shop.market.db.as_system() as session:
        (claim,) = session.scalars(select(Claim.id))
        name = outside("clm", claim)
        claims.cancel(session, shop.market.desk, shop.leader, name, NOW)


def opened(
    session: Session, keyring: Keyring, places: Sequence[Column] = PLACES
) -> Iterator[bytes]:
    """The content of every envelope. Raises CannotOpen for one that this ring does not open."""
    for place in places:
        table = place.of.class_
        found = select(table).where(place.of.is_not(None), place.of != b"")
        for one in session.scalars(found if place.only is None else found.where(place.only)):
            values = {column.key: getattr(one, column.key) for column in inspect(table).columns}
            yield keyring.open(values[place.of.key], place.context.format(**values))


def standing(session: Session, *words: str | bytes) -> set[str]:
    """Every column of the database that holds one of these, as text, bytes or base64 of bytes."""
    signs = set()
    for word in words:
        raw = word.encode() if isinstance(word, str) else word
        signs |= {raw.hex(), word if isinstance(word, str) else b64encode(raw)[:5].decode()}
    named = text(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    found = set()
    for table in session.scalars(named).all():
        for held in session.scalars(text(f"SELECT to_jsonb(t) FROM {table} t")):  # noqa: S608
            for column, value in held.items():
                said = json.dumps(value, ensure_ascii=False)
                if any(sign in said for sign in signs):
                    found.add(f"{table}.{column}")
    return found
